// One run of one task: its volumes, its process, its output. Invariant: whatever goes wrong outside the process is the
// outcome `errored` with a message, never an exception.

import { messageOf, PivotError } from "../core/mod.ts";
import { volumeOfCachePath } from "../volume/mod.ts";
import type { Outcome, TaskResult } from "./events.ts";
import type { Step, TaskConfig } from "./plan.ts";
import type { CiVolume, TaskRequest } from "./ports.ts";
import { createRedactor } from "./redact.ts";
import type { StepScope } from "./run_pipeline.ts";

/** Runs a task. Its outputs are known to later steps also if it fails, so that hooks can look at them. */
export async function runTask(step: Extract<Step, { type: "task" }>, scope: StepScope): Promise<Outcome> {
  const { context, signal } = scope;
  const about = { run: context.nextRun(), job: context.job, task: step.name };
  const started = performance.now();
  context.emit({ type: "task-started", ...about });
  const finish = (result: Pick<TaskResult, "outcome" | "code" | "message" | "hint">): Outcome => {
    const whole: TaskResult = { ...about, ...result, ms: performance.now() - started };
    context.tasks.push(whole);
    context.emit({ type: "task-finished", ...whole });
    return result.outcome;
  };
  try {
    const mounts = await prepareMounts(step.config, { ...scope, run: about.run });
    signal.throwIfAborted();
    const { code } = await runProcess(step.config, mounts, { ...scope, about });
    if (signal.aborted) return finish({ outcome: "aborted", code: null });
    return finish({ outcome: code === 0 ? "succeeded" : "failed", code });
  } catch (error) {
    if (signal.aborted) return finish({ outcome: "aborted", code: null });
    const hint = error instanceof PivotError && error.hint !== undefined ? { hint: error.hint } : {};
    return finish({ outcome: "errored", code: null, message: messageOf(error), ...hint });
  }
}

type Mount = TaskRequest["mounts"][number];

async function prepareMounts(
  config: TaskConfig,
  scope: StepScope & { readonly run: number },
): Promise<readonly Mount[]> {
  const { context, signal, artifacts } = scope;
  const mounts: { volume: CiVolume; path: string }[] = [];
  for (const input of config.inputs) {
    const volume = artifacts.get(input.name);
    if (volume !== undefined) mounts.push({ volume, path: input.path });
    else if (!input.optional) throw new Error(`input "${input.name}" was not put out by any step that ran`);
  }
  for (const output of config.outputs) {
    // At the path of an input it is that input, as the task leaves it.
    const changed = mounts.find(({ path }) => path === output.path);
    if (changed !== undefined) {
      artifacts.set(output.name, changed.volume);
      continue;
    }
    // New for each run: an attempt does not see what the one before it left.
    const volume = await context.driver.createVolume({ name: `run-${scope.run}-${output.name}`, signal });
    artifacts.set(output.name, volume);
    mounts.push({ volume, path: output.path });
  }
  const cached = config.caches.map(async (path) => ({
    volume: await context.volumes.get(volumeOfCachePath(path)),
    path,
  }));
  return [...mounts, ...await unlessAborted(Promise.all(cached), signal)];
}

async function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    // Nobody else may be there to see it fail.
    work.catch(() => undefined);
  }
}

async function runProcess(
  config: TaskConfig,
  mounts: readonly Mount[],
  scope: StepScope & { readonly about: { readonly run: number; readonly job: string; readonly task: string } },
): Promise<{ readonly code: number }> {
  const { context, signal, about } = scope;
  const redactors = { stdout: createRedactor(context.secrets), stderr: createRedactor(context.secrets) };
  const show = (text: string, stream: "stdout" | "stderr") => {
    if (text !== "") context.emit({ type: "task-output", ...about, stream, text });
  };
  try {
    return await context.driver.run({
      name: about.task,
      image: config.image,
      command: config.command,
      dir: config.dir,
      user: config.user,
      env: config.env,
      mounts,
      signal,
      onOutput: (chunk, stream) => show(redactors[stream].push(chunk), stream),
    });
  } finally {
    for (const stream of ["stdout", "stderr"] as const) show(redactors[stream].end(), stream);
  }
}
