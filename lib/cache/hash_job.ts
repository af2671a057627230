// The message between the scanner and a hash worker. Types alone, so that a worker loads no more than it needs.

import type { Digest } from "../core/mod.ts";

/** Files to hash, absolute paths. */
export interface HashJob {
  /** Absolute paths. */
  readonly paths: readonly string[];
}

/** One result per path, in order. */
export type HashResult = readonly { readonly hash: Digest; readonly size: number }[];
