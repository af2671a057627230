// Runs one attempt of one stage in a process of its own. Invariant: whatever the stage does (exit, crash, endless
// loop, stray grandchildren), only this attempt fails and nothing of it outlives the attempt.
//
// A process and not a Web Worker: Deno cannot terminate a worker in a synchronous loop, running out of memory
// in a worker ends the whole program, and a worker's children would write past the log.

import { fromWire, isJsonObject, type JsonObject, PivotError, type WireError } from "../core/mod.ts";
import type { StageSpec } from "../pipeline/mod.ts";
import { type ChildExit, spawnChild } from "../sys/mod.ts";

/** What the stage process is told; it stands in the program that is its standard input. */
export interface StageRequest {
  /** Marks control lines on standard error, so that a stage cannot forge them by accident. */
  readonly nonce: string;
  /** URL of the module to import. */
  readonly module: string;
  readonly export: string;
  readonly stage: string;
  /** Absolute paths by name. */
  readonly deps: Readonly<Record<string, string>>;
  /** Absolute paths by name. */
  readonly outs: Readonly<Record<string, string>>;
  readonly params: JsonObject;
}

/** A control line, behind `\x1e<nonce> ` on standard error. */
export type StageMessage =
  | { readonly type: "done" }
  | { readonly type: "failed"; readonly error: WireError }
  | { readonly type: "progress"; readonly fraction: number | null; readonly message: string };

/** How a stage process is started. */
export interface StageProcessOptions {
  readonly projectRoot: string;
  readonly spec: StageSpec;
  readonly command: readonly [string, ...string[]];
  /** Present for function stages: makes the program on standard input, and a `done` message is expected. */
  readonly request?: StageRequest;
  /** The request alone goes to standard input: the command is the program that the stage is compiled into. @default false */
  readonly requestAsJson?: boolean;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
  readonly onProgress: (fraction: number | null, message: string) => void;
}

/** Starts the stage and waits for its end. Throws what the stage threw. */
export async function runStageProcess(options: StageProcessOptions): Promise<void> {
  const { spec, request } = options;
  const timeout = spec.timeoutMs > 0 ? AbortSignal.timeout(spec.timeoutMs) : undefined;
  const signal = timeout === undefined ? options.signal : AbortSignal.any([options.signal, timeout]);
  signal.throwIfAborted();
  let last: StageMessage | undefined;
  const stdout = lineSplitter((line) => options.onLine(line, "stdout"));
  const stderr = lineSplitter((line) => {
    const control = request === undefined ? undefined : parseControl(line, request.nonce);
    if (control === undefined) return options.onLine(line, "stderr");
    const { before, message } = control;
    if (before !== "") options.onLine(before, "stderr");
    if (message.type === "progress") options.onProgress(message.fraction, message.message);
    else last = message;
  });
  const child = start(options, signal, (chunk, stream) => (stream === "stdout" ? stdout : stderr).push(chunk));
  const exit = await child.exit;
  stdout.end();
  stderr.end();
  options.signal.throwIfAborted();
  if (timeout?.aborted) throw timedOut(spec);
  if (last?.type === "failed") throw fromWire(last.error);
  if (exit.code !== 0) throw exited(spec, exit);
  if (request !== undefined && last?.type !== "done") throw vanished(spec);
}

/** Imports are literals: only then Deno allows them without permission to read. */
function programOf(request: StageRequest): string {
  const entry = new URL("../../workers/stage.ts", import.meta.url).href;
  return `import { runStage } from ${JSON.stringify(entry)};\n` +
    `await runStage(${JSON.stringify(request)}, () => import(${JSON.stringify(request.module)}));\n`;
}

function start(
  options: StageProcessOptions,
  signal: AbortSignal,
  onOutput: (chunk: Uint8Array, stream: "stdout" | "stderr") => void,
): ReturnType<typeof spawnChild> {
  const { spec, command, request } = options;
  try {
    return spawnChild({
      command,
      cwd: options.cwd,
      env: options.env,
      signal,
      onOutput,
      ...(request === undefined ? {} : {
        stdin: new TextEncoder().encode(
          options.requestAsJson === true ? JSON.stringify(request) : programOf(request),
        ),
      }),
    });
  } catch (error) {
    throw new PivotError(`stage "${spec.name}" cannot start "${command[0]}": ${(error as Error).message}`, {
      code: "stage-not-started",
      hint: error instanceof Deno.errors.NotFound
        ? "check that the program is installed and on PATH"
        : "check its permissions",
      cause: error,
    });
  }
}

function timedOut(spec: StageSpec): PivotError {
  return new PivotError(`stage "${spec.name}" was stopped after its timeout of ${spec.timeoutMs} ms`, {
    code: "stage-timeout",
    hint: "raise `timeout` of the stage, or make it faster",
  });
}

function exited(spec: StageSpec, exit: ChildExit): PivotError {
  const how = exit.signal === null ? `exited with code ${exit.code}` : `was ended by ${exit.signal}`;
  return new PivotError(`stage "${spec.name}" ${how}`, {
    code: "stage-exited",
    data: { exitCode: exit.code, signal: exit.signal },
    ...(exit.signal === "SIGKILL" ? { hint: "the system may have run out of memory" } : {}),
  });
}

function vanished(spec: StageSpec): PivotError {
  return new PivotError(`stage "${spec.name}" ended its process before it returned`, {
    code: "stage-exited",
    hint: "do not call Deno.exit() in a stage; return from `run`, or throw",
  });
}

/** A control line may follow output that did not end its line. */
function parseControl(line: string, nonce: string): { before: string; message: StageMessage } | undefined {
  const mark = `\x1e${nonce} `;
  const at = line.indexOf(mark);
  if (at < 0) return undefined;
  const value: unknown = JSON.parse(line.slice(at + mark.length));
  return isJsonObject(value) ? { before: line.slice(0, at), message: value as unknown as StageMessage } : undefined;
}

const MAX_LINE_CHARS = 64 * 1024;

interface LineSplitter {
  push(chunk: Uint8Array): void;
  end(): void;
}

/** Cuts a byte stream into lines; a line longer than 64 Ki characters is cut there, control lines excepted. */
function lineSplitter(onLine: (line: string) => void): LineSplitter {
  const decoder = new TextDecoder();
  let rest = "";
  function take(text: string): void {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
    while (rest.length > MAX_LINE_CHARS && !rest.includes("\x1e")) {
      onLine(rest.slice(0, MAX_LINE_CHARS));
      rest = rest.slice(MAX_LINE_CHARS);
    }
  }
  return {
    push: (chunk) => take(decoder.decode(chunk, { stream: true })),
    end() {
      take(decoder.decode());
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
