// Garbage collection and verification. Invariants: gc removes only blobs that the caller did not name and that are older than
// the bound; verify reads every byte and moves what does not match to quarantine.

import { type Digest, HASH_BATCH_FILES, SMALL_FILE_BYTES } from "../core/mod.ts";
import type { WorkerPool } from "../pool/mod.ts";
import { removeIfThere, statPath } from "../sys/mod.ts";
import type { Blobs, StoredBlob } from "./blobs.ts";
import type { HashJob, HashResult } from "./hash_job.ts";

/** Options of gc. */
export interface GcOptions {
  /** Keeps blobs that were written less than this long ago, in milliseconds. @default 0 */
  readonly youngerThanMs?: number;
  /** Only says what would go. @default false */
  readonly dryRun?: boolean;
  /** Milliseconds since the epoch. @default Date.now() */
  readonly nowMs?: number;
}

/** What gc removed or would remove. */
export interface GcResult {
  /** Blobs that went, or would go. */
  readonly removed: readonly { readonly hash: Digest; readonly size: number }[];
  /** Blobs that stayed. */
  readonly kept: number;
  /** Bytes of the removed blobs. */
  readonly freedBytes: number;
}

/** Removes blobs that are not in `keep`. */
export function collectGarbage(blobs: Blobs, keep: ReadonlySet<Digest>, options: GcOptions): GcResult {
  const now = options.nowMs ?? Date.now();
  const removed: { hash: Digest; size: number }[] = [];
  let kept = 0;
  for (const blob of blobs.list()) {
    const young = options.youngerThanMs !== undefined &&
      now - (statPath(blob.path)?.mtimeMs ?? now) < options.youngerThanMs;
    if (keep.has(blob.hash) || young) {
      kept += 1;
      continue;
    }
    if (options.dryRun !== true) removeIfThere(blob.path);
    removed.push({ hash: blob.hash, size: blob.size });
  }
  return { removed, kept, freedBytes: removed.reduce((sum, blob) => sum + blob.size, 0) };
}

/** Options of verify. */
export interface VerifyOptions {
  /** Stops the verification. */
  readonly signal?: AbortSignal;
  /** Called after each batch with blobs and bytes done so far. */
  readonly onProgress?: (done: { readonly blobs: number; readonly bytes: number }) => void;
}

/** What verify found. */
export interface VerifyResult {
  /** Blobs that were read. */
  readonly checked: number;
  /** Bytes that were read. */
  readonly bytes: number;
  /** Blobs whose bytes do not match their names, and where they are now. */
  readonly damaged: readonly { readonly hash: Digest; readonly found: Digest; readonly movedTo: string }[];
}

/** Hashes every blob again. */
export async function verifyBlobs(blobs: Blobs, pool: WorkerPool, options: VerifyOptions): Promise<VerifyResult> {
  const damaged: { hash: Digest; found: Digest; movedTo: string }[] = [];
  const done = { blobs: 0, bytes: 0 };
  await Promise.all(
    batches(blobs.list()).map(async (batch) => {
      const job: HashJob = { paths: batch.map((blob) => blob.path) };
      const results = await pool.run<HashJob, HashResult>(
        "hash",
        job,
        options.signal === undefined ? {} : { signal: options.signal },
      );
      for (const [at, blob] of batch.entries()) {
        const found = results[at]?.hash;
        if (found !== undefined && found !== blob.hash) {
          damaged.push({ hash: blob.hash, found, movedTo: blobs.quarantine(blob.path) });
        }
        done.blobs += 1;
        done.bytes += blob.size;
      }
      options.onProgress?.({ ...done });
    }),
  );
  return { checked: done.blobs, bytes: done.bytes, damaged };
}

function batches(all: Iterable<StoredBlob>): StoredBlob[][] {
  const found: StoredBlob[][] = [];
  let batch: StoredBlob[] = [];
  for (const blob of all) {
    if (blob.size > SMALL_FILE_BYTES) found.push([blob]);
    else batch.push(blob);
    if (batch.length < HASH_BATCH_FILES) continue;
    found.push(batch);
    batch = [];
  }
  return batch.length === 0 ? found : [...found, batch];
}
