// Child processes. Invariant: a child leads a process group of its own, and stopping it asks the whole
// group first (SIGTERM), then kills it (SIGKILL) after the grace period, so no grandchild outlives it.

import { KILL_GRACE_MS } from "../core/mod.ts";

/** What to start. */
export interface SpawnOptions {
  /** Program and arguments; no shell is involved. */
  readonly command: readonly [string, ...string[]];
  readonly cwd: string;
  /** Variables added to (or with `clearEnv` instead of) our own. */
  readonly env?: Readonly<Record<string, string>>;
  /** @default false */
  readonly clearEnv?: boolean;
  /** Stops the child when aborted. */
  readonly signal?: AbortSignal;
  /** What the child reads; nothing when absent. */
  readonly stdin?: Uint8Array;
  /** Called with every chunk the child writes, in order per stream. */
  readonly onOutput?: (chunk: Uint8Array, stream: "stdout" | "stderr") => void;
  /** Milliseconds between SIGTERM and SIGKILL. @default KILL_GRACE_MS */
  readonly graceMs?: number;
  /** User and group it runs as; needs root. @default our own */
  readonly uid?: number;
  readonly gid?: number;
  /** Whether to kill what the child left running in its group when it ends. @default only after it was stopped */
  readonly endGroup?: boolean;
}

/** How a child ended. */
export interface ChildExit {
  /** Exit code; 128 + number for a signal. */
  readonly code: number;
  readonly signal: Deno.Signal | null;
}

/** A running child. */
export interface ChildProcess {
  readonly pid: number;
  /** Settles when everything that it is to read was handed over; at once if it reads nothing. */
  readonly fed: Promise<void>;
  /** Settles when the child has ended; a process that outlives it may still hold its output open. */
  readonly gone: Promise<void>;
  /** Settles when the child has ended and its output was read. Never rejects for a bad exit code. */
  readonly exit: Promise<ChildExit>;
  /** Asks the group to end, then kills it. */
  stop(): void;
}

/**
 * Starts a child in its own process group.
 *
 * @throws what `Deno.Command.spawn` throws if the program cannot be started (`NotFound`, `PermissionDenied`).
 */
export function spawnChild(options: SpawnOptions): ChildProcess {
  const [program, ...args] = options.command;
  const child = new Deno.Command(program, {
    args,
    cwd: options.cwd,
    ...(options.env === undefined ? {} : { env: { ...options.env } }),
    clearEnv: options.clearEnv ?? false,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    detached: Deno.build.os !== "windows",
    ...(options.uid === undefined ? {} : { uid: options.uid }),
    ...(options.gid === undefined ? {} : { gid: options.gid }),
  }).spawn();
  const killer = groupKiller(child, options);
  options.signal?.addEventListener("abort", killer.stop, { once: true });
  if (options.signal?.aborted) killer.stop();
  const gone = child.status.then(() => undefined);
  const fed = options.stdin === undefined ? Promise.resolve() : feed(child.stdin, options.stdin);
  return { pid: child.pid, fed, gone, exit: settle(child, options, { killer, fed }), stop: killer.stop };
}

interface Killer {
  readonly stop: () => void;
  readonly done: () => void;
}

function groupKiller(child: Deno.ChildProcess, options: SpawnOptions): Killer {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const send = (signal: Deno.Signal) => {
    try {
      if (Deno.build.os === "windows") child.kill(signal);
      else Deno.kill(-child.pid, signal);
    } catch (error) {
      // Gone already: that is what was wanted.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  };
  return {
    stop() {
      if (timer !== undefined) return;
      send("SIGTERM");
      timer = setTimeout(() => send("SIGKILL"), options.graceMs ?? KILL_GRACE_MS);
    },
    done() {
      clearTimeout(timer);
      if (timer !== undefined || options.endGroup) send("SIGKILL");
    },
  };
}

async function settle(
  child: Deno.ChildProcess,
  options: SpawnOptions,
  { killer, fed }: { readonly killer: Killer; readonly fed: Promise<void> },
): Promise<ChildExit> {
  const reads = Promise.all([
    forward(child.stdout, (chunk) => options.onOutput?.(chunk, "stdout")),
    forward(child.stderr, (chunk) => options.onOutput?.(chunk, "stderr")),
    fed,
  ]);
  const status = await child.status;
  options.signal?.removeEventListener("abort", killer.stop);
  killer.done();
  await reads;
  return { code: status.code, signal: status.signal };
}

async function forward(stream: ReadableStream<Uint8Array>, onChunk: (chunk: Uint8Array) => void): Promise<void> {
  for await (const chunk of stream) onChunk(chunk);
}

async function feed(stdin: WritableStream<Uint8Array>, bytes: Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(bytes);
    await writer.close();
  } catch (error) {
    // A child may end without reading all of its input.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
