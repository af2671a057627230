// Executes a plan with Concourse's semantics. Invariants: a step settles only when everything it started is gone;
// `ensure` and `on_abort` hooks run also after an abort; volumes are persisted once, after the last job.

import { nearest, PivotError, unreachable } from "../core/mod.ts";
import type { VolumeCache } from "../volume/mod.ts";
import type { CiEvent, CiResult, Outcome, TaskResult } from "./events.ts";
import { inParallel } from "./in_parallel.ts";
import type { JobPlan, PipelinePlan, Step } from "./plan.ts";
import type { CiDriver, CiVolume } from "./ports.ts";
import { runTask } from "./run_task.ts";
import { type NamedVolumes, namedVolumes } from "./volumes.ts";

/** Options of {@linkcode runPipeline}. */
export interface RunPipelineOptions {
  /** Where tasks run. */
  readonly driver: CiDriver;
  /** Keeps named volumes between runs. */
  readonly cache?: VolumeCache;
  /** Only this job; its name must be one of the plan. */
  readonly job?: string;
  /** Texts that must not be shown. */
  readonly secrets?: readonly string[];
  /** Cancels the run; hooks for that still run. */
  readonly signal?: AbortSignal;
  /** Told what happens. */
  readonly onEvent?: (event: CiEvent) => void;
}

/** What steps share. */
export interface RunContext {
  readonly driver: CiDriver;
  readonly job: string;
  readonly secrets: readonly string[];
  readonly volumes: NamedVolumes;
  readonly tasks: TaskResult[];
  readonly nextRun: () => number;
  readonly emit: (event: CiEvent) => void;
}

/** Outputs of earlier steps by name. */
export type Artifacts = Map<string, CiVolume>;

/**
 * Runs the jobs one after the other; after one that does not succeed the rest are skipped.
 *
 * @returns how everything ended; tasks that fail do not throw.
 * @throws {PivotError} `unknown-job` (kind `usage`).
 */
export async function runPipeline(plan: PipelinePlan, options: RunPipelineOptions): Promise<CiResult> {
  const { driver, cache } = options;
  const signal = options.signal ?? new AbortController().signal;
  const emit = options.onEvent ?? (() => undefined);
  const tasks: TaskResult[] = [];
  const volumes = namedVolumes({ driver, cache, signal, onEvent: emit });
  let runs = 0;
  const shared = { driver, volumes, tasks, emit, secrets: options.secrets ?? [], nextRun: () => ++runs };
  const jobs: CiResult["jobs"][number][] = [];
  let outcome: Outcome = "succeeded";
  for (const job of selectJobs(plan, options.job)) {
    if (signal.aborted) outcome = "aborted";
    if (outcome !== "succeeded") {
      emit({ type: "job-skipped", job: job.name });
      jobs.push({ job: job.name, outcome: "skipped", ms: 0 });
      continue;
    }
    const result = await runJob(job, { ...shared, job: job.name }, signal);
    jobs.push(result);
    outcome = result.outcome;
  }
  // A task that was stopped does not wait for a restore that others may share.
  await volumes.settled();
  const run = outcome === "errored" ? "failed" : outcome;
  const stored = await cache?.persist({ run, signal }) ?? [];
  return { outcome: signal.aborted ? "aborted" : outcome, jobs, tasks, volumes: stored };
}

/** All jobs, or the one of that name. @throws {PivotError} `unknown-job` (kind `usage`). */
export function selectJobs(plan: PipelinePlan, name: string | undefined): readonly JobPlan[] {
  if (name === undefined) return plan.jobs;
  const found = plan.jobs.filter((job) => job.name === name);
  if (found.length > 0) return found;
  const names = plan.jobs.map((job) => job.name);
  const meant = nearest(name, names);
  const hint = meant === undefined ? `jobs are ${names.join(", ")}` : `did you mean "${meant}"?`;
  throw new PivotError(`there is no job "${name}"`, { code: "unknown-job", kind: "usage", hint });
}

async function runJob(
  job: JobPlan,
  context: RunContext,
  signal: AbortSignal,
): Promise<CiResult["jobs"][number] & { outcome: Outcome }> {
  context.emit({ type: "job-started", job: job.name });
  const started = performance.now();
  const outcome = await runStep(job.plan, { context, signal, artifacts: new Map() });
  const ms = performance.now() - started;
  context.emit({ type: "job-finished", job: job.name, outcome, ms });
  return { job: job.name, outcome, ms };
}

/** Where a step runs. */
export interface StepScope {
  readonly context: RunContext;
  readonly signal: AbortSignal;
  readonly artifacts: Artifacts;
}

async function runStep(step: Step, scope: StepScope): Promise<Outcome> {
  if (step.type === "hook") return await runHooked(step, scope);
  if (scope.signal.aborted) return "aborted";
  switch (step.type) {
    case "task":
      return await runTask(step, scope);
    case "do":
      return await runInOrder(step.steps, scope);
    case "in_parallel":
      return await inParallel(step, {
        signal: scope.signal,
        run: (each, signal) => runStep(each, { ...scope, signal }),
      });
    case "across":
      return await inParallel(step, {
        signal: scope.signal,
        // What the runs put out stays theirs.
        run: (each, signal) => runStep(each, { ...scope, signal, artifacts: new Map(scope.artifacts) }),
      });
    case "try": {
      const outcome = await runStep(step.step, scope);
      return outcome === "aborted" ? outcome : "succeeded";
    }
    case "attempts":
      return await runAttempts(step, scope);
    case "timeout":
      return await runTimed(step, scope);
    default:
      return unreachable(step);
  }
}

async function runInOrder(steps: readonly Step[], scope: StepScope): Promise<Outcome> {
  for (const step of steps) {
    const outcome = await runStep(step, scope);
    if (outcome !== "succeeded") return outcome;
  }
  return "succeeded";
}

async function runAttempts(step: Extract<Step, { type: "attempts" }>, scope: StepScope): Promise<Outcome> {
  let outcome: Outcome = "failed";
  for (let attempt = 1; attempt <= step.count; attempt++) {
    outcome = await runStep(step.step, scope);
    if (outcome === "succeeded" || outcome === "aborted") return outcome;
    scope.context.emit({ type: "attempt-failed", job: scope.context.job, attempt, of: step.count });
  }
  return outcome;
}

async function runTimed(step: Extract<Step, { type: "timeout" }>, scope: StepScope): Promise<Outcome> {
  const clock = new AbortController();
  const timer = setTimeout(() => clock.abort(new DOMException("the step timed out", "TimeoutError")), step.ms);
  try {
    const outcome = await runStep(step.step, { ...scope, signal: AbortSignal.any([scope.signal, clock.signal]) });
    if (!clock.signal.aborted || scope.signal.aborted || outcome === "succeeded") return outcome;
    scope.context.emit({ type: "step-timed-out", job: scope.context.job, ms: step.ms });
    return "failed";
  } finally {
    clearTimeout(timer);
  }
}

const HOOK_OF: Readonly<Record<Outcome, string>> = {
  succeeded: "success",
  failed: "failure",
  errored: "error",
  aborted: "abort",
};

async function runHooked(step: Extract<Step, { type: "hook" }>, scope: StepScope): Promise<Outcome> {
  // A step that an abort kept from starting has nothing to be cleaned up after.
  if (scope.signal.aborted) return "aborted";
  const outcome = await runStep(step.step, scope);
  if (step.on !== "ensure" && step.on !== HOOK_OF[outcome]) return outcome;
  // After an abort hooks still run, so they get a signal of their own.
  const signal = scope.signal.aborted ? new AbortController().signal : scope.signal;
  const hook = await runStep(step.hook, { ...scope, signal });
  return outcome === "succeeded" ? hook : outcome;
}
