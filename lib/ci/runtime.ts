// Pipelines in TypeScript: a module that exports `pipeline` and uses `runtime`. Invariant: one pipeline at a time has the
// runtime; outside of one, using it is an error that says so.

import { PivotError } from "../core/mod.ts";
import type { VolumeCache } from "../volume/mod.ts";
import type { CiEvent, CiResult, Outcome, TaskResult } from "./events.ts";
import type { CiDriver, CiVolume } from "./ports.ts";
import { createRedactor } from "./redact.ts";
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
  /** Makes a volume. A named one is restored from the cache and persisted after the pipeline. */
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
  holder.runtime = createRuntime({ ...options, signal, tasks });
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
    await loaded.pipeline();
  } catch (thrown) {
    error = thrown;
    outcome = "failed";
  } finally {
    delete holder.runtime;
  }
  if (signal.aborted) outcome = "aborted";
  const volumes = await options.cache?.persist({ run: outcome }) ?? [];
  const jobs = [{ job: "pipeline", outcome, ms: performance.now() - started }];
  return { outcome, jobs, tasks, volumes, ...(error === undefined ? {} : { error }) };
}

function createRuntime(
  options: RunModuleOptions & { readonly signal: AbortSignal; readonly tasks: TaskResult[] },
): Runtime {
  const { driver, cache, signal } = options;
  const emit = options.onEvent ?? (() => undefined);
  const named = namedVolumes({ driver, cache, signal, onEvent: emit });
  const volumes = new Map<string, CiVolume>();
  let count = 0;
  let runs = 0;
  return {
    async createVolume({ name, size } = {}) {
      const sizeBytes = size === undefined ? {} : { sizeBytes: size };
      const volume = name === undefined
        ? await driver.createVolume({ name: `unnamed-${++count}`, signal, ...sizeBytes })
        : await named.get(name, sizeBytes);
      volumes.set(volume.name, volume);
      return { name: volume.name };
    },
    async run(task) {
      signal.throwIfAborted();
      const mounts = mountsOf(task).map(({ name, path }) => ({ path, volume: volumeNamed(volumes, name) }));
      return await runOne(task, { ...options, emit, mounts, run: ++runs });
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
