// How a workspace and a remote stand to each other. What is learnt on the way is remembered.

import type { Backend } from "./backends/backend.ts";
import type { KnownBlobs } from "./known.ts";
import { DEFAULT_JOBS } from "./limits.ts";
import type { BlobRequest, BlobStore } from "./ports.ts";
import { probeRemote } from "./probe.ts";

/** Files and bytes. */
export interface Amount {
  /** How many. */
  readonly files: number;
  /** Bytes together, or the bytes themselves. */
  readonly bytes: number;
}

/** How the workspace and a remote stand to each other. */
export interface RemoteStatus {
  /** Here, not there. */
  readonly ahead: Amount;
  /** There, not here. */
  readonly behind: Amount;
  /** On both sides. */
  readonly same: Amount;
  /** On neither side: must be made again. */
  readonly lost: Amount;
}

/** Compares what the locks need with what is here and there. */
export async function remoteStatus(
  blobs: readonly BlobRequest[],
  options: {
    readonly backend: Backend;
    readonly store: BlobStore;
    /** Learns what is there and what is not. */
    readonly known?: KnownBlobs;
    readonly jobs?: number;
    readonly signal?: AbortSignal;
  },
): Promise<RemoteStatus> {
  const distinct = [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
  const found = await probeRemote(options.backend, distinct, { ...options, jobs: options.jobs ?? DEFAULT_JOBS });
  for (const { digest, size } of distinct) {
    if (found.has(digest)) options.known?.add(digest, size);
    else options.known?.drop(digest);
  }
  const amount = (here: boolean, there: boolean): Amount => {
    const those = distinct.filter((blob) =>
      (options.store.find(blob) !== undefined) === here && found.has(blob.digest) === there
    );
    return { files: those.length, bytes: those.reduce((sum, blob) => sum + blob.size, 0) };
  };
  return {
    ahead: amount(true, false),
    behind: amount(false, true),
    same: amount(true, true),
    lost: amount(false, false),
  };
}
