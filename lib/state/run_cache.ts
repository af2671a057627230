// Input digest -> outputs, kept over branches. Invariant: an entry only names content; whether that content
// is still there is asked of the cache each time.

import { type Digest, isDigest, type PathContent } from "../core/mod.ts";
import type { BufferedTable } from "./buffered_table.ts";

/** An output in a run-cache entry. */
export interface RunCacheOut extends PathContent {
  readonly kind: string;
  readonly cache: boolean;
  /** Base64 of a small output that is not kept in the cache (a metric), so that it can be restored too. */
  readonly inline?: string;
}

/** What a stage made of some inputs. */
export interface RunCacheEntry {
  readonly runId: string;
  readonly atMs: number;
  readonly outs: readonly RunCacheOut[];
}

/** Remembers what inputs led to which outputs. */
export interface RunCache {
  get(input: Digest): RunCacheEntry | undefined;
  put(input: Digest, entry: RunCacheEntry): void;
  /** All of them, in no order that means anything. */
  entries(): Iterable<readonly [input: Digest, entry: RunCacheEntry]>;
}

/** The run cache in a table of the state database. */
export function runCacheIn(table: BufferedTable): RunCache {
  const get = (input: Digest): RunCacheEntry | undefined => {
    const bytes = table.get(input);
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  };
  return {
    get,
    *entries() {
      for (const key of table.keys()) {
        const entry = isDigest(key) ? get(key) : undefined;
        if (isDigest(key) && entry !== undefined) yield [key, entry];
      }
    },
    put: (input, entry) => table.put(input, new TextEncoder().encode(JSON.stringify(entry))),
  };
}

/** Entries that the run cache keeps. */
export const MAX_RUNS = 10_000;

/** Drops the oldest entries once there are a tenth more than {@linkcode MAX_RUNS}, so that this is rare. */
export function boundRuns(table: BufferedTable, max = MAX_RUNS): number {
  if (table.storedCount <= max * 1.1) return 0;
  const cache = runCacheIn(table);
  const byAge = table.keys().map((key) => ({ key, atMs: cache.get(key as Digest)?.atMs ?? 0 }))
    .sort((a, b) => b.atMs - a.atMs);
  const old = byAge.slice(max);
  for (const { key } of old) table.delete(key);
  return old.length;
}
