// Locks between processes. A kernel lock on a small file, gone when its holder dies, whatever the way.

import { PivotError } from "../../core/mod.ts";
import { parentOf } from "./durable_write.ts";

/** A lock that is held; disposing of it lets it go. */
export interface FileLock extends Disposable {
  readonly path: string;
}

/** Who holds a lock, as written into it. */
export interface LockHolder {
  readonly pid: number;
  /** What the holder is doing, for a person. */
  readonly what: string;
  /** ISO time at which it was taken. */
  readonly since: string;
}

/** Takes the lock if it is free; undefined if another process has it. */
export function tryLockFile(path: string, what: string): FileLock | undefined {
  const file = openLock(path);
  if (!file.tryLockSync(true)) {
    file.close();
    return undefined;
  }
  const holder: LockHolder = { pid: Deno.pid, what, since: new Date().toISOString() };
  file.truncateSync(0);
  file.writeSync(new TextEncoder().encode(JSON.stringify(holder)));
  return {
    path,
    [Symbol.dispose]() {
      file.unlockSync();
      file.close();
    },
  };
}

function openLock(path: string): Deno.FsFile {
  const options: Deno.OpenOptions = { read: true, write: true, create: true };
  try {
    return Deno.openSync(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(parentOf(path), { recursive: true });
    return Deno.openSync(path, options);
  }
}

/** Who holds the lock, or undefined if that cannot be read. */
export function readLockHolder(path: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(Deno.readTextFileSync(path));
    return typeof holder?.pid === "number" ? holder : undefined;
  } catch {
    return undefined;
  }
}

/** Options of {@linkcode lockFile}. */
export interface LockFileOptions {
  /** What the caller is about to do, shown to whoever waits. */
  readonly what: string;
  /** How long to wait, in milliseconds; 0 fails at once. @default Infinity */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
  /** Called once if the lock is held by another process and we start to wait. */
  readonly onWait?: (holder: LockHolder | undefined) => void;
}

/**
 * Takes the lock, waiting for its holder if need be.
 *
 * @throws {PivotError} `lock-held` after `waitMs`; the signal's reason when aborted.
 */
export async function lockFile(path: string, options: LockFileOptions): Promise<FileLock> {
  options.signal?.throwIfAborted();
  const first = tryLockFile(path, options.what);
  if (first !== undefined) return first;
  const holder = readLockHolder(path);
  options.onWait?.(holder);
  const deadline = performance.now() + (options.waitMs ?? Infinity);
  // Deno's blocking lock cannot be cancelled, so the kernel is asked again at a growing interval.
  for (let pause = 5; performance.now() < deadline; pause = Math.min(pause * 2, 200)) {
    await delay(Math.min(pause, deadline - performance.now()), options.signal);
    const lock = tryLockFile(path, options.what);
    if (lock !== undefined) return lock;
  }
  throw new PivotError(`cannot lock "${path}": ${describeHolder(holder)}`, {
    code: "lock-held",
    kind: "locked",
    hint: "wait for the other process, or end it",
    data: { ...holder },
  });
}

function describeHolder(holder: LockHolder | undefined): string {
  if (holder === undefined) return "another process holds it";
  return `process ${holder.pid} holds it since ${holder.since} (${holder.what})`;
}

/** Waits, or rejects with the signal's reason. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(finish, Math.max(0, ms));
    function finish() {
      signal?.removeEventListener("abort", abort);
      resolve();
    }
    function abort() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    signal?.addEventListener("abort", abort, { once: true });
  });
}
