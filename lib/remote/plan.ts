// What a push or pull is to do. Invariants: a plan changes nothing; each blob is in exactly one of its lists; what cannot be done is
// in it by name, never left out.

import { type Digest, PivotError } from "../core/mod.ts";
import type { Backend } from "./backends/backend.ts";
import type { KnownBlobs } from "./known.ts";
import { DEFAULT_JOBS } from "./limits.ts";
import type { BlobRequest, BlobStore } from "./ports.ts";
import { probeRemote, wrongSize } from "./probe.ts";

/** A blob that cannot be moved, and why. */
export interface BlobFailure {
  /** The blob. */
  readonly blob: BlobRequest;
  /** Why. */
  readonly error: PivotError;
}

/** What to do; `--dry-run` prints this very value. */
export interface SyncPlan {
  /** Which way. */
  readonly direction: "push" | "pull";
  /** The remote's URL. */
  readonly url: string;
  /** Blobs to move, largest first. */
  readonly move: readonly BlobRequest[];
  /** Blobs that are on the other side already. */
  readonly same: readonly BlobRequest[];
  /** Blobs that cannot be moved. */
  readonly failures: readonly BlobFailure[];
  /** Sum over `move`. */
  readonly bytes: number;
}

/** What planning needs. */
export interface PlanOptions {
  /** The remote. */
  readonly backend: Backend;
  /** The local side. */
  readonly store: BlobStore;
  /** What the remote is known to have. */
  readonly known: KnownBlobs;
  /** Requests at once. @default 20 */
  readonly jobs?: number;
  /** Distrust what is known and send everything, so that each SHA-256 is compared. @default false */
  readonly force?: boolean;
  /** Cancels it; rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * Plans a push of `blobs`. A blob seen on the remote is compared by size; only one that is sent, or `force`, is compared by SHA-256.
 *
 * @throws {PivotError} of kind `remote` if the remote cannot be asked; the signal's reason.
 */
export async function planPush(blobs: readonly BlobRequest[], options: PlanOptions): Promise<SyncPlan> {
  const { backend, store, known } = options;
  const failures: BlobFailure[] = [];
  const same: BlobRequest[] = [];
  const unknown: BlobRequest[] = [];
  for (const blob of distinct(blobs)) {
    if (options.force !== true && known.has(blob.digest)) same.push(blob);
    else unknown.push(blob);
  }
  const jobs = options.jobs ?? DEFAULT_JOBS;
  const probe = { jobs, ...(options.signal === undefined ? {} : { signal: options.signal }) };
  const found = options.force === true ? new Map<Digest, number>() : await probeRemote(backend, unknown, probe);
  const move: BlobRequest[] = [];
  for (const blob of unknown) {
    const size = found.get(blob.digest);
    if (size === blob.size) {
      known.add(blob.digest, size);
      same.push(blob);
    } else if (size !== undefined) failures.push({ blob, error: wrongSize(backend.url, blob, size) });
    else if (store.find(blob) === undefined) failures.push({ blob, error: notHere(blob) });
    else move.push(blob);
  }
  return planOf("push", backend.url, { move, same, failures });
}

/** Plans a pull of `blobs`: what is here stays, the rest is fetched. Asks nothing of the remote. */
export function planPull(
  blobs: readonly BlobRequest[],
  options: {
    readonly url: string;
    readonly store: BlobStore;
    /** Fetch again what is here. @default false */
    readonly force?: boolean;
  },
): SyncPlan {
  const move: BlobRequest[] = [];
  const same: BlobRequest[] = [];
  for (const blob of distinct(blobs)) {
    (options.force === true || options.store.find(blob) === undefined ? move : same).push(blob);
  }
  return planOf("pull", options.url, { move, same, failures: [] });
}

function planOf(
  direction: SyncPlan["direction"],
  url: string,
  lists: Pick<SyncPlan, "move" | "same" | "failures">,
): SyncPlan {
  const move = [...lists.move].sort((a, b) => b.size - a.size);
  return { direction, url, ...lists, move, bytes: move.reduce((sum, blob) => sum + blob.size, 0) };
}

function distinct(blobs: readonly BlobRequest[]): Iterable<BlobRequest> {
  const first = new Map<Digest, BlobRequest>();
  for (const blob of blobs) if (!first.has(blob.digest)) first.set(blob.digest, blob);
  return first.values();
}

function notHere(blob: BlobRequest): PivotError {
  return new PivotError(`cannot push "${blob.label}": the cache has no whole blob ${blob.digest}`, {
    code: "blob-missing",
    kind: "integrity",
    hint: "run the stage that makes it, or pull it from another remote",
    data: { digest: blob.digest, label: blob.label },
  });
}
