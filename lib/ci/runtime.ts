// Pipelines in TypeScript: a module that exports `pipeline` and uses `runtime`. Invariant: one pipeline at a time has the
// runtime; outside of one, using it is an error that says so.

import { PivotError } from "../core/mod.ts";
import type { VolumeCache } from "../volume/mod.ts";
import type { CiEvent, CiResult, Outcome, TaskResult } from "./events.ts";
import type { CiDriver, CiVolume } from "./ports.ts";
import { createRedactor } from "./redact.ts";
import { checkTask, checkVolume } from "./runtime_check.ts";
import { namedVolumes } from "./volumes.ts";

/** A volume of a TypeScript pipeline. */
export interface RuntimeVolume {
  /** Its name, for `mounts`. */
  readonly name: string;
}

/** A process to run. */
export interface RuntimeTask {
  /** For people. */
  readonly name: string;
  /** Container image; drivers without containers pay no heed. */
  readonly image?: string;
  /** Program, arguments, and who runs it. */
  readonly command: { readonly path: string; readonly args?: readonly string[]; readonly user?: string };
  /** Variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** `[{ name, path }]` by a volume's name, or `{ path: volume }`. */
  readonly mounts?:
    | readonly { readonly name: string; readonly path: string }[]
    | Readonly<Record<string, RuntimeVolume>>;
  /** Folder to run in, relative to the task's own. */
  readonly dir?: string;
  /** What it reads. @default nothing */
  readonly stdin?: string;
  /** Milliseconds after which the process is killed. @default never */
  readonly timeoutMs?: number;
}

/** How a process ended; any exit code is `complete`. */
export interface RuntimeResult {
  /** Exit code; 137 if it was killed. */
  readonly code: number;
  /** All of it. */
  readonly stdout: string;
  /** All of it. */
  readonly stderr: string;
  /** Whether it ended by itself. */
  readonly status: "complete" | "timeout" | "abort";
}

/** What a TypeScript pipeline works with. */
export interface Runtime {
  /** Makes a volume, `size` in bytes. A named one is restored from the cache and persisted after the pipeline. */
  createVolume(options?: { readonly name?: string; readonly size?: number }): Promise<RuntimeVolume>;
  /** Runs a process. @throws {PivotError} if it cannot be run; a bad exit code is a value. */
  run(task: RuntimeTask): Promise<RuntimeResult>;
}

/** Options of {@linkcode runTypeScriptPipeline}. */
export interface RunModuleOptions {
  /** Where tasks run. */
  readonly driver: CiDriver;
  /** Keeps named volumes between runs. */
  readonly cache?: VolumeCache;
  /** Texts that must not be shown. */
  readonly secrets?: readonly string[];
  /** Cancels the run. */
  readonly signal?: AbortSignal;
  /** Told what happens. */
  readonly onEvent?: (event: CiEvent) => void;
}

type WithRuntime = typeof globalThis & { runtime?: Runtime };

/** The runtime of the pipeline that runs. A pipeline module may import it, or use the global of the same name. */
export const runtime: Runtime = {
  createVolume: (options) => current().createVolume(options),
  run: (task) => current().run(task),
};

function current(): Runtime {
  const found = (globalThis as WithRuntime).runtime;
  if (found !== undefined) return found;
  throw new PivotError("no pipeline runs here", {
    code: "no-runtime",
    kind: "usage",
    hint: "start the module with `pivot ci run`",
  });
}

/**
 * Runs the `pipeline` that a module exports. It fails if it throws.
 *
 * @throws {PivotError} `bad-pipeline` if the module has no function `pipeline`.
 */
export async function runTypeScriptPipeline(
  module: URL,
  options: RunModuleOptions,
): Promise<CiResult & { error?: unknown }> {
  const holder: WithRuntime = globalThis;
  if (holder.runtime !== undefined) {
    throw new PivotError("a pipeline runs already", { code: "runtime-taken", kind: "usage" });
  }
  const signal = options.signal ?? new AbortController().signal;
  const tasks: TaskResult[] = [];
  const over = new AbortController();
  const work = createRuntime({ ...options, signal: AbortSignal.any([signal, over.signal]), tasks });
  holder.runtime = work.runtime;
  const started = performance.now();
  let outcome: Exclude<Outcome, "errored"> = "succeeded";
  let error: unknown;
  try {
    const loaded: { pipeline?: unknown } = await import(module.href);
    if (typeof loaded.pipeline !== "function") {
      const hint = "export async function pipeline() { … }";
      throw new PivotError(`"${module.pathname}" exports no function "pipeline"`, {
        code: "bad-pipeline",
        kind: "invalid",
        hint,
      });
    }
    await unlessStuck(loaded.pipeline(), signal);
  } catch (thrown) {
    error = thrown;
    outcome = "failed";
    // Others that it started side by side have nobody who waits for them any more.
    over.abort(thrown);
  } finally {
    // Volumes are stored, and taken away, only when nothing writes to them.
    await work.settled();
    delete holder.runtime;
  }
  if (signal.aborted) outcome = "aborted";
  const volumes = await options.cache?.persist({ run: outcome, signal }) ?? [];
  if (signal.aborted) outcome = "aborted";
  const jobs = [{ job: "pipeline", outcome, ms: performance.now() - started }];
  return { outcome, jobs, tasks, volumes, ...(error === undefined ? {} : { error }) };
}

/** What a pipeline may still do after an abort, milliseconds. */
const ABORT_GRACE_MS = 3_000;

/** Waits for a pipeline, after an abort only for a while: it may wait for something that never comes. */
async function unlessStuck(pipeline: unknown, signal: AbortSignal): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = () => {
    timer = setTimeout(() => reject(signal.reason), ABORT_GRACE_MS);
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  try {
    await Promise.race([pipeline, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(timer);
  }
}

interface Work {
  readonly runtime: Runtime;
  /** Settles when nothing that the pipeline started goes on, whether it waited for it or not. */
  settled(): Promise<void>;
}

function createRuntime(
  options: RunModuleOptions & { readonly signal: AbortSignal; readonly tasks: TaskResult[] },
): Work {
  const { driver, cache, signal } = options;
  const emit = options.onEvent ?? (() => undefined);
  const named = namedVolumes({ driver, cache, signal, onEvent: emit });
  const volumes = new Map<string, CiVolume>();
  const running = new Set<Promise<unknown>>();
  const track = <Value>(work: Promise<Value>): Promise<Value> => {
    running.add(work);
    // Also handles what nobody waits for: it is in the tasks, and must not end this process.
    work.catch(() => undefined).finally(() => running.delete(work));
    return work;
  };
  let count = 0;
  let runs = 0;
  const createVolume = async (asked: { readonly name?: string; readonly size?: number } = {}) => {
    signal.throwIfAborted();
    checkVolume(asked);
    const { name, size } = asked;
    const sizeBytes = size === undefined ? {} : { sizeBytes: size };
    const volume = name === undefined
      ? await driver.createVolume({ name: `unnamed-${++count}`, signal, ...sizeBytes })
      : await named.get(name, sizeBytes);
    volumes.set(volume.name, volume);
    return { name: volume.name };
  };
  const run = async (task: RuntimeTask) => {
    signal.throwIfAborted();
    checkTask(task);
    const mounts = mountsOf(task).map(({ name, path }) => ({ path, volume: volumeNamed(volumes, name) }));
    return await runOne(task, { ...options, emit, mounts, run: ++runs });
  };
  return {
    runtime: { createVolume: (volume) => track(createVolume(volume)), run: (task) => track(run(task)) },
    async settled() {
      while (running.size > 0) await Promise.allSettled(running);
    },
  };
}

function mountsOf(task: RuntimeTask): readonly { readonly name: string; readonly path: string }[] {
  const { mounts } = task;
  if (mounts === undefined) return [];
  if (Array.isArray(mounts)) return mounts;
  return Object.entries(mounts as Readonly<Record<string, RuntimeVolume>>).map(([path, { name }]) => ({ name, path }));
}

function volumeNamed(volumes: ReadonlyMap<string, CiVolume>, name: string): CiVolume {
  const found = volumes.get(name);
  if (found !== undefined) return found;
  throw new PivotError(`there is no volume "${name}"`, {
    code: "unknown-volume",
    kind: "invalid",
    hint: `make it with runtime.createVolume({ name: ${JSON.stringify(name)} })`,
  });
}

async function runOne(
  task: RuntimeTask,
  scope: RunModuleOptions & {
    readonly signal: AbortSignal;
    readonly tasks: TaskResult[];
    readonly emit: (event: CiEvent) => void;
    readonly mounts: readonly { readonly volume: CiVolume; readonly path: string }[];
    readonly run: number;
  },
): Promise<RuntimeResult> {
  const about = { run: scope.run, job: "pipeline", task: task.name };
  const started = performance.now();
  scope.emit({ type: "task-started", ...about });
  const output = collector(
    scope.secrets ?? [],
    (text, stream) => scope.emit({ type: "task-output", ...about, stream, text }),
  );
  const finish = (outcome: Outcome, code: number | null): void => {
    output.end();
    const result: TaskResult = { ...about, outcome, code, ms: performance.now() - started };
    scope.tasks.push(result);
    scope.emit({ type: "task-finished", ...result });
  };
  const clock = new AbortController();
  const timer = task.timeoutMs === undefined ? undefined : setTimeout(() => clock.abort(), task.timeoutMs);
  try {
    const { code } = await scope.driver.run({
      name: task.name,
      image: task.image,
      command: [task.command.path, ...task.command.args ?? []],
      dir: task.dir,
      user: task.command.user,
      env: task.env ?? {},
      mounts: scope.mounts,
      signal: AbortSignal.any([scope.signal, clock.signal]),
      onOutput: output.push,
      ...(task.stdin === undefined ? {} : { stdin: new TextEncoder().encode(task.stdin) }),
    });
    finish(code === 0 ? "succeeded" : "failed", code);
    return { code, ...output.texts(), status: "complete" };
  } catch (error) {
    const stopped = scope.signal.aborted || clock.signal.aborted;
    finish(scope.signal.aborted ? "aborted" : stopped ? "failed" : "errored", null);
    if (!stopped) throw error;
    // 137 is what shells give for a process that was killed.
    return { code: 137, ...output.texts(), status: scope.signal.aborted ? "abort" : "timeout" };
  } finally {
    clearTimeout(timer);
  }
}

// The pipeline's code gets the whole output; what is shown has no secrets.
function collector(secrets: readonly string[], show: (text: string, stream: "stdout" | "stderr") => void): {
  push(chunk: Uint8Array, stream: "stdout" | "stderr"): void;
  end(): void;
  texts(): { readonly stdout: string; readonly stderr: string };
} {
  const streams = {
    stdout: { redactor: createRedactor(secrets), decoder: new TextDecoder(), text: "" },
    stderr: { redactor: createRedactor(secrets), decoder: new TextDecoder(), text: "" },
  };
  const tell = (text: string, stream: "stdout" | "stderr") => {
    if (text !== "") show(text, stream);
  };
  return {
    push(chunk, stream) {
      streams[stream].text += streams[stream].decoder.decode(chunk, { stream: true });
      tell(streams[stream].redactor.push(chunk), stream);
    },
    end() {
      for (const stream of ["stdout", "stderr"] as const) {
        streams[stream].text += streams[stream].decoder.decode();
        tell(streams[stream].redactor.end(), stream);
      }
    },
    texts: () => ({ stdout: streams.stdout.text, stderr: streams.stderr.text }),
  };
}
