// What the engine tells while it works: one closed union. Only the CLI turns it into text.
// `--jsonl` prints these objects as they are; EVENT_SCHEMA grows when a field changes its meaning or goes.

import type { StageName, WireError } from "../core/mod.ts";
import type { Decision } from "./decision.ts";
import type { RunSummary, StageResult } from "./result.ts";

/** Version of the event stream. */
export const EVENT_SCHEMA = 1;

/** Everything that a run can report. */
export type RunEvent =
  | {
    readonly type: "run-started";
    readonly schema: number;
    readonly runId: string;
    /** Stages in the order of the plan. */
    readonly stages: readonly StageName[];
    readonly jobs: number;
  }
  | { readonly type: "stage-decided"; readonly decision: Decision }
  | { readonly type: "stage-waiting"; readonly stage: StageName; readonly holder: string }
  | { readonly type: "stage-started"; readonly stage: StageName; readonly attempt: number }
  | {
    readonly type: "stage-output";
    readonly stage: StageName;
    readonly stream: "stdout" | "stderr";
    /** One line without its end. */
    readonly line: string;
  }
  | {
    readonly type: "stage-progress";
    readonly stage: StageName;
    /** 0 to 1, where the stage knows. */
    readonly fraction: number | null;
    readonly message: string;
  }
  | { readonly type: "stage-finished"; readonly result: StageResult }
  | { readonly type: "warning"; readonly stage: StageName | null; readonly message: string }
  | { readonly type: "error"; readonly error: WireError }
  | { readonly type: "run-finished"; readonly summary: RunSummary };

/** Receives events in order. Must not throw. */
export type EventSink = (event: RunEvent) => void;
