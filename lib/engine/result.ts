// How a run ended, as plain data.

import type { StageName, WireError } from "../core/mod.ts";
import type { Decision } from "./decision.ts";

/** What became of a stage. */
export type Outcome =
  | "skipped"
  | "restored"
  | "ran"
  | "failed"
  /** Not tried, since a stage before it failed or the run was stopped. */
  | "not-run"
  | "cancelled";

/** One stage of a finished run. */
export interface StageResult {
  readonly stage: StageName;
  readonly outcome: Outcome;
  /** Milliseconds from decision to record. */
  readonly ms: number;
  readonly decision: Decision | null;
  readonly error?: WireError;
  /** Last lines of a failed stage's log. */
  readonly logTail?: readonly string[];
  /** Log file relative to the project, where there is one. */
  readonly log?: string;
}

/** One finished run. */
export interface RunSummary {
  readonly runId: string;
  readonly success: boolean;
  readonly cancelled: boolean;
  /** Milliseconds. */
  readonly ms: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly stages: readonly StageResult[];
}

/** Counts outcomes and says whether all went well. */
export function summarise(
  runId: string,
  stages: readonly StageResult[],
  options: { readonly ms: number; readonly cancelled: boolean },
): RunSummary {
  const counts: Record<Outcome, number> = {
    skipped: 0,
    restored: 0,
    ran: 0,
    failed: 0,
    "not-run": 0,
    cancelled: 0,
  };
  for (const stage of stages) counts[stage.outcome] += 1;
  const success = counts.failed === 0 && counts["not-run"] === 0 && counts.cancelled === 0 && !options.cancelled;
  return { runId, success, cancelled: options.cancelled, ms: options.ms, counts, stages };
}
