/**
 * Decides, schedules, executes and records stages.
 *
 * Deciding is pure; a run shows its decisions before it acts on them. Nothing is printed here: a run tells what
 * happens through one closed union of events.
 *
 * @module
 */

export { type Decision, describeReason, type Reason, type Verdict } from "./decision.ts";
export { decide, inputDigest, type StageFacts } from "./decide.ts";
export { EVENT_SCHEMA, type EventSink, type RunEvent } from "./events.ts";
export { generationOf, type RecordOptions, recordStage } from "./execute.ts";
export { assertSound, codesOf, inputsNow, type Plan, type PlanOptions, planRun } from "./plan.ts";
export { type Outcome, type RunSummary, type StageResult, summarise } from "./result.ts";
export { describeSummary, run, type RunningStage, type RunOptions } from "./run.ts";
export { logPath } from "./run_log.ts";
export type { StageMessage, StageRequest } from "./stage_process.ts";
export type { Elsewhere, Workspace } from "./workspace.ts";
export { lastDuration } from "./durations.ts";
export { withTracked } from "./with_tracked.ts";
