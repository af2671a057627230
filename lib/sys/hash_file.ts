// Hashing files synchronously, for the hash workers. Invariant: one reused buffer, so memory does not grow with the file.

import { type Digest, STREAM_CHUNK_BYTES } from "../core/mod.ts";
import { createHasher, hashBytes } from "./hash.ts";

const buffer = new Uint8Array(STREAM_CHUNK_BYTES);

/** A file's digest, its length, and the stamp that it had after its last byte was read. */
export interface FileHash {
  readonly hash: Digest;
  /** Bytes that were read. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly mtimeMs: number;
  readonly inode: number;
}

/** Hashes a file, read in chunks of 1 MiB. */
export function hashFile(path: string): FileHash {
  using file = Deno.openSync(path);
  const first = file.readSync(buffer) ?? 0;
  const { hash, size } = first < buffer.length ? hashRest(file, first) : hashStream(file);
  const { mtime, ino } = file.statSync();
  return { hash, size, mtimeMs: mtime?.getTime() ?? 0, inode: ino ?? 0 };
}

function hashRest(file: Deno.FsFile, first: number): { hash: Digest; size: number } {
  let filled = first;
  // A short read is not the end: only null is.
  for (let count = first; count > 0 && filled < buffer.length; filled += count) {
    count = file.readSync(buffer.subarray(filled)) ?? 0;
  }
  if (filled < buffer.length) return { hash: hashBytes(buffer.subarray(0, filled)), size: filled };
  return hashStream(file);
}

function hashStream(file: Deno.FsFile): { hash: Digest; size: number } {
  const hasher = createHasher().update(buffer);
  let size = buffer.length;
  for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
    hasher.update(buffer.subarray(0, count));
    size += count;
  }
  return { hash: hasher.digest(), size };
}
