// What a pipeline tells while it runs, and how it ended. Plain JSON.

import type { PersistOutcome } from "../volume/mod.ts";

/** How a step ended: `failed` is the task's own doing, `errored` could not be run, `aborted` was cancelled. */
export type Outcome = "succeeded" | "failed" | "errored" | "aborted";

/** One run of one task; a task with attempts has several. */
export interface TaskResult {
  /** Counts the runs of tasks, from 1. */
  readonly run: number;
  /** The job it is part of. */
  readonly job: string;
  /** Its name. */
  readonly task: string;
  /** How it ended. */
  readonly outcome: Outcome;
  /** Exit code; null if the process did not end by itself. */
  readonly code: number | null;
  /** Milliseconds. */
  readonly ms: number;
  /** Why it errored. */
  readonly message?: string;
  /** What to do about that. */
  readonly hint?: string;
}

/** Something that happened. */
export type CiEvent =
  | { readonly type: "job-started"; readonly job: string }
  | { readonly type: "job-finished"; readonly job: string; readonly outcome: Outcome; readonly ms: number }
  | { readonly type: "job-skipped"; readonly job: string }
  | { readonly type: "task-started"; readonly run: number; readonly job: string; readonly task: string }
  | {
    readonly type: "task-output";
    readonly run: number;
    readonly job: string;
    readonly task: string;
    readonly stream: "stdout" | "stderr";
    /** Secrets are replaced by `***`. */
    readonly text: string;
  }
  | ({ readonly type: "task-finished" } & TaskResult)
  | { readonly type: "attempt-failed"; readonly job: string; readonly attempt: number; readonly of: number }
  | { readonly type: "step-timed-out"; readonly job: string; readonly ms: number }
  | { readonly type: "cache-unsupported"; readonly volume: string }
  | { readonly type: "warning"; readonly message: string };

/** How a run ended. */
export interface CiResult {
  /** How the whole ended. */
  readonly outcome: Outcome;
  /** Each job, in order. */
  readonly jobs: readonly { readonly job: string; readonly outcome: Outcome | "skipped"; readonly ms: number }[];
  /** Each run of each task, in the order in which they ended. */
  readonly tasks: readonly TaskResult[];
  /** How each cached volume was persisted. */
  readonly volumes: readonly PersistOutcome[];
}
