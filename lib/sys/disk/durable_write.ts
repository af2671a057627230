// The one way a small file is written: temporary name in the same folder, length check, sync, rename.
// Invariant: readers see the old content or the new content, never a part, also after a power cut.

import { assert, messageOf, PivotError } from "../../core/mod.ts";

/** Options of {@linkcode writeDurable}. */
export interface DurableWriteOptions {
  /** Permission bits of the new file. @default 0o644 */
  readonly mode?: number;
}

const encoder = new TextEncoder();

/**
 * Replaces `path` with `content`, all or nothing. The folder is made if it is missing.
 *
 * @throws {PivotError} `write-failed` with the reason (disk full, read-only, no permission); the old file stays.
 */
export function writeDurable(path: string, content: Uint8Array | string, options: DurableWriteOptions = {}): void {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  const temporary = `${path}.tmp-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  try {
    writeSynced(temporary, bytes, options.mode ?? 0o644);
    Deno.renameSync(temporary, path);
    syncFolder(parentOf(path));
  } catch (error) {
    removeIfThere(temporary);
    throw new PivotError(`cannot write "${path}": ${messageOf(error)}`, {
      code: "write-failed",
      hint: "check free space and permissions of the folder",
      cause: error,
    });
  }
}

function writeSynced(path: string, bytes: Uint8Array, mode: number): void {
  using file = openNew(path, mode);
  let written = 0;
  while (written < bytes.length) written += file.writeSync(bytes.subarray(written));
  assert(file.statSync().size === bytes.length, `"${path}" is shorter than what was written`);
  file.syncSync();
}

function openNew(path: string, mode: number): Deno.FsFile {
  const options: Deno.OpenOptions = { write: true, createNew: true, mode };
  try {
    return Deno.openSync(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(parentOf(path), { recursive: true });
    return Deno.openSync(path, options);
  }
}

/** Puts what was written to an open file on the disk. */
export function syncFile(file: Deno.FsFile): void {
  file.syncSync();
}

/** Makes a rename in `folder` survive a power cut. A platform that cannot sync folders is left alone. */
export function syncFolder(folder: string): void {
  if (Deno.build.os === "windows") return;
  using handle = Deno.openSync(folder, { read: true });
  handle.syncSync();
}

/** The folder that holds `path`. */
export function parentOf(path: string): string {
  const cut = path.lastIndexOf("/");
  return cut < 0 ? "." : cut === 0 ? "/" : path.slice(0, cut);
}

/** Removes a file or link if it is there; says whether it was. */
export function removeIfThere(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
