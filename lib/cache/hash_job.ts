// The message between the scanner and a hash worker. Types alone, so that a worker loads no more than it needs.

import type { Digest } from "../core/mod.ts";

/** Files to hash, absolute paths. */
export interface HashJob {
  /** Absolute paths. */
  readonly paths: readonly string[];
}

/** One result per path, in order. */
export type HashResult = readonly HashedFile[];

/** A digest, and the stamp that the file had after its last byte was read. */
export interface HashedFile {
  /** xxhash64 of the bytes. */
  readonly hash: Digest;
  /** Bytes that were read. */
  readonly size: number;
  /** Modification time, milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** Inode number; 0 where the platform has none. */
  readonly inode: number;
}
