// A whole run: plan, then settle every stage that is not a plain skip. Invariants: a stage is decided again when its
// turn comes, under its lock, so that what others did meanwhile counts; a no-op run takes no lock and starts nothing.

import type { Sight } from "../cache/mod.ts";
import {
  assert,
  type Digest,
  formatDuration,
  LOG_TAIL_LINES,
  PivotError,
  type StageName,
  toWire,
  type WireError,
} from "../core/mod.ts";
import type { StageCode } from "../fingerprint/mod.ts";
import type { StageSpec } from "../pipeline/mod.ts";
import { newRunId } from "../state/mod.ts";
import { type FileLock, lockFile } from "../sys/mod.ts";
import type { Decision } from "./decision.ts";
import { describeReason } from "./decision.ts";
import { EVENT_SCHEMA, type EventSink } from "./events.ts";
import { executeAndRecord } from "./execute.ts";
import { codesOf, decideNow, type Plan, planRun } from "./plan.ts";
import { restoreStage } from "./restore.ts";
import { type Outcome, type RunSummary, type StageResult, summarise } from "./result.ts";
import { rememberDuration } from "./durations.ts";
import { openRunLog } from "./run_log.ts";
import { schedule } from "./scheduler.ts";
import type { Workspace } from "./workspace.ts";

/** A stage that is about to be executed, with the identity of its inputs. */
export interface RunningStage {
  readonly spec: StageSpec;
  readonly inputDigest: Digest;
}

/** Options of {@linkcode run}. */
export interface RunOptions {
  /** Stages to run, in topological order. */
  readonly stages: readonly StageSpec[];
  /** At once, at most. */
  readonly jobs: number;
  /** @default false */
  readonly keepGoing?: boolean;
  /** @default false */
  readonly force?: boolean;
  /** @default false */
  readonly noCommit?: boolean;
  readonly signal: AbortSignal;
  /** Cancels one stage; asked for when it starts to run. */
  readonly stageSignal?: (running: RunningStage) => AbortSignal;
  readonly onEvent: EventSink;
  /** The command as typed, for the history. */
  readonly command?: readonly string[];
  /** How long to wait for another process that works on a stage, in milliseconds. @default Infinity */
  readonly lockWaitMs?: number;
  /** Runs kept in the history. @default 200 */
  readonly keepHistory?: number;
  /** Days that runs are kept for. @default 365 */
  readonly keepHistoryDays?: number;
}

/** Brings the stages up to date. Failures are part of the result, not thrown. */
export async function run(workspace: Workspace, options: RunOptions): Promise<RunSummary> {
  const startedAt = new Date();
  const started = performance.now();
  const runId = newRunId(startedAt);
  const names = options.stages.map((stage) => stage.name);
  options.onEvent({ type: "run-started", schema: EVENT_SCHEMA, runId, stages: names, jobs: options.jobs });
  const plan = await planRun(workspace, {
    stages: options.stages,
    force: options.force ?? false,
    signal: options.signal,
  });
  for (const { stage, message } of plan.warnings) options.onEvent({ type: "warning", stage, message });
  const session = new Session(workspace, options, { runId, plan });
  await session.settleAll();
  const summary = summarise(runId, session.results(names), {
    ms: performance.now() - started,
    cancelled: options.signal.aborted,
  });
  writeHistory(workspace, options, { summary, startedAt });
  await workspace.state.commit();
  options.onEvent({ type: "run-finished", summary });
  return summary;
}

const DAY_MS = 86_400_000;

function writeHistory(
  workspace: Workspace,
  options: RunOptions,
  about: { summary: RunSummary; startedAt: Date },
): void {
  const { summary } = about;
  // A run in which nothing happened is not history.
  if (summary.success && summary.counts.ran + summary.counts.restored === 0) return;
  workspace.state.history.put({
    id: summary.runId,
    startedAt: about.startedAt.toISOString(),
    ms: Math.round(summary.ms),
    success: summary.success,
    command: options.command ?? [],
    stages: summary.stages.map((stage) => ({
      stage: stage.stage,
      outcome: stage.outcome,
      reason: stage.decision === null ? "" : describeReason(stage.decision.headline),
      ms: Math.round(stage.ms),
      input: stage.decision?.inputDigest ?? null,
      ...(stage.error === undefined ? {} : { error: stage.error.message }),
    })),
  });
  const days = options.keepHistoryDays ?? 365;
  workspace.state.history.prune(options.keepHistory ?? 200, new Date(about.startedAt.getTime() - days * DAY_MS));
}

/** One run in progress. */
class Session {
  readonly #workspace: Workspace;
  readonly #options: RunOptions;
  readonly #runId: string;
  readonly #plan: Plan;
  readonly #results: Map<StageName, StageResult> = new Map();

  constructor(workspace: Workspace, options: RunOptions, run: { runId: string; plan: Plan }) {
    this.#workspace = workspace;
    this.#options = options;
    this.#runId = run.runId;
    this.#plan = run.plan;
  }

  results(names: readonly StageName[]): StageResult[] {
    return names.flatMap((name) => this.#results.get(name) ?? []);
  }

  async settleAll(): Promise<void> {
    const { stages, signal } = this.#options;
    const planned = new Set(stages.map((stage) => stage.name));
    const open = stages.filter((spec) => {
      const decision = this.#plan.decisions.get(spec.name);
      if (decision?.verdict !== "skip") return true;
      this.#finish({ stage: spec.name, outcome: "skipped", ms: 0, decision });
      return false;
    });
    const openNames = new Set(open.map((spec) => spec.name));
    const byName = new Map(open.map((spec) => [spec.name, spec]));
    await schedule(
      open.map((spec) => ({
        name: spec.name,
        upstream: (this.#workspace.pipeline.upstream.get(spec.name) ?? [])
          .filter((name) => planned.has(name) && openNames.has(name)),
        mutex: spec.mutex,
      })),
      {
        jobs: this.#options.jobs,
        keepGoing: this.#options.keepGoing ?? false,
        signal,
        work: (name) => this.#settle(byName.get(name)),
        onNotRun: (name) =>
          this.#finish({
            stage: name,
            outcome: signal.aborted ? "cancelled" : "not-run",
            ms: 0,
            decision: this.#plan.decisions.get(name) ?? null,
          }),
      },
    );
  }

  #finish(result: StageResult): boolean {
    if (result.outcome === "ran") rememberDuration(this.#workspace.state, result.stage, result.ms);
    this.#results.set(result.stage, result);
    this.#options.onEvent({ type: "stage-finished", result });
    return result.outcome !== "failed" && result.outcome !== "cancelled";
  }

  /** Brings one stage up to date; true if those after it may go on. */
  async #settle(spec: StageSpec | undefined): Promise<boolean> {
    if (spec === undefined) return false;
    const started = performance.now();
    const attempt = new Attempt();
    try {
      using _lock = await this.#lock(spec);
      const outcome = await this.#decideAndAct(spec, attempt);
      return this.#finish({ stage: spec.name, outcome, ms: performance.now() - started, ...attempt.facts() });
    } catch (error) {
      const cancelled = this.#options.signal.aborted || attempt.cancelled();
      return this.#finish({
        stage: spec.name,
        outcome: cancelled ? "cancelled" : "failed",
        ms: performance.now() - started,
        ...attempt.facts(),
        ...(cancelled ? {} : { error: reported(error), logTail: attempt.tail }),
      });
    }
  }

  async #lock(spec: StageSpec): Promise<FileLock> {
    const { signal, onEvent, lockWaitMs } = this.#options;
    return await lockFile(`${this.#workspace.projectRoot}/.pivot/tmp/locks/${spec.name}`, {
      what: `pivot run ${spec.name}`,
      signal,
      ...(lockWaitMs === undefined ? {} : { waitMs: lockWaitMs }),
      onWait: (holder) => {
        const who = holder === undefined ? "another process" : `process ${holder.pid}`;
        onEvent({ type: "stage-waiting", stage: spec.name, holder: who });
      },
    });
  }

  async #decideAndAct(spec: StageSpec, attempt: Attempt): Promise<Outcome> {
    const { signal, onEvent } = this.#options;
    const force = this.#options.force ?? false;
    const { decision, contents } = await decideNow(this.#workspace, spec, { force, signal });
    attempt.decision = decision;
    onEvent({ type: "stage-decided", decision });
    switch (decision.verdict) {
      case "skip":
        return "skipped";
      case "restore":
        await restoreStage(this.#workspace, { spec, decision, contents });
        return "restored";
      case "run":
        await this.#execute(spec, { decision, contents, attempt });
        return "ran";
      case "blocked":
        // Broken code is told as it was found, with its own place.
        if (decision.headline.type === "broken") await this.#codeOf(spec);
        throw blocked(spec, decision);
      case "pending":
        throw blocked(spec, decision);
    }
  }

  async #execute(
    spec: StageSpec,
    about: { decision: Decision; contents: Sight; attempt: Attempt },
  ): Promise<void> {
    const { onEvent, noCommit } = this.#options;
    const signal = this.#signalFor(spec, about);
    const code = await this.#codeOf(spec);
    using log = openRunLog(this.#workspace.projectRoot, spec.name);
    about.attempt.log = log.path;
    const onLine = (line: string, stream: "stdout" | "stderr") => {
      log.write(line);
      about.attempt.keep(line);
      onEvent({ type: "stage-output", stage: spec.name, stream, line });
    };
    await executeAndRecord(this.#workspace, {
      spec,
      code,
      runId: this.#runId,
      inputDigest: known(about.decision),
      contents: about.contents,
      signal,
      log,
      noCommit: noCommit ?? false,
      onLine,
      onProgress: (fraction, message) => onEvent({ type: "stage-progress", stage: spec.name, fraction, message }),
      onAttempt: (number) => onEvent({ type: "stage-started", stage: spec.name, attempt: number }),
    });
  }

  #signalFor(spec: StageSpec, about: { readonly decision: Decision; readonly attempt: Attempt }): AbortSignal {
    const { signal, stageSignal } = this.#options;
    if (stageSignal === undefined) return signal;
    const own = stageSignal({ spec, inputDigest: known(about.decision) });
    about.attempt.signal = own;
    return AbortSignal.any([signal, own]);
  }

  async #codeOf(spec: StageSpec): Promise<StageCode> {
    const code = (await codesOf(this.#workspace, [spec])).get(spec.name);
    if (code?.ok === true) return code.code;
    throw code?.error ?? new PivotError(`stage "${spec.name}" has no code`, { code: "bug", kind: "bug" });
  }
}

function blocked(spec: StageSpec, decision: Decision): PivotError {
  return new PivotError(`stage "${spec.name}" cannot run: ${describeReason(decision.headline)}`, {
    code: "stage-blocked",
    spot: spec.spot,
  });
}

/** An error as it goes into a result: its stack only where that is our own fault. */
function reported(thrown: unknown): WireError {
  const { stack, ...wire } = toWire(thrown);
  return wire.code === undefined || wire.kind === "bug" ? { ...wire, ...(stack === undefined ? {} : { stack }) } : wire;
}

function known({ stage, inputDigest }: Decision): Digest {
  assert(inputDigest !== null, `stage "${stage}" was decided without its inputs`);
  return inputDigest;
}

/** What is known of a stage's attempt when it ends, however it ends. */
class Attempt {
  decision: Decision | null = null;
  log: string | undefined;
  /** Cancels this stage alone. */
  signal: AbortSignal | undefined;
  readonly tail: string[] = [];

  cancelled(): boolean {
    return this.signal?.aborted === true;
  }

  keep(line: string): void {
    this.tail.push(line);
    if (this.tail.length > LOG_TAIL_LINES) this.tail.shift();
  }

  facts(): Pick<StageResult, "decision" | "log"> {
    return { decision: this.decision, ...(this.log === undefined ? {} : { log: this.log }) };
  }
}

/** `3 ran, 1 skipped in 1.2s`, for a person. */
export function describeSummary(summary: RunSummary): string {
  const words: Record<Outcome, string> = {
    ran: "ran",
    restored: "restored",
    skipped: "skipped",
    failed: "failed",
    "not-run": "not run",
    cancelled: "cancelled",
  };
  const parts = (Object.keys(words) as Outcome[])
    .filter((outcome) => summary.counts[outcome] > 0)
    .map((outcome) => `${summary.counts[outcome]} ${words[outcome]}`);
  return `${parts.length === 0 ? "nothing to do" : parts.join(", ")} in ${formatDuration(summary.ms)}`;
}
