// Which of some blobs a remote has, by HEAD or by LIST, whichever costs fewer round trips. A blob's name is a hash, so names are
// spread evenly: the first page of a listing tells how many there are without reading the rest.

import { type Digest, PivotError } from "../core/mod.ts";
import type { Backend } from "./backends/backend.ts";
import { eachBounded } from "./bounded.ts";
import { blobKey, BLOBS, digestOfKey } from "./keys.ts";
import type { BlobRequest } from "./ports.ts";

/** Keys in one answer to a LIST. */
const PAGE = 1000;

/** Options of {@linkcode probeRemote}. */
export interface ProbeOptions {
  /** Requests at once. */
  readonly jobs: number;
  readonly signal?: AbortSignal;
}

/** Sizes on the remote, by digest; what is absent here is absent there. */
export type Found = ReadonlyMap<Digest, number>;

/** Asks which of `blobs` are there. */
export async function probeRemote(
  backend: Backend,
  blobs: readonly BlobRequest[],
  options: ProbeOptions,
): Promise<Found> {
  if (blobs.length === 0) return new Map();
  if (blobs.length <= options.jobs) return await probeByHead(backend, blobs, options);
  const found = new Map<Digest, number>();
  const startedMs = performance.now();
  let seen = 0;
  for await (const { key, size } of backend.list(BLOBS, signalOf(options))) {
    seen++;
    const digest = digestOfKey(key);
    if (digest !== undefined) found.set(digest, size);
    if (seen !== PAGE) continue;
    const pageMs = performance.now() - startedMs;
    const rounds = { pages: pagesLeft(digest), pageMs, heads: blobs.length / options.jobs };
    if (headIsCheaper(rounds)) return await probeByHead(backend, blobs, options);
  }
  return found;
}

/** Pages that a listing still needs if its first 1000 keys end at `last`. */
function pagesLeft(last: Digest | undefined): number {
  if (last === undefined) return 1;
  const share = (Number.parseInt(last.slice(0, 8), 16) + 1) / 2 ** 32;
  return Math.ceil(1 / share) - 1;
}

/** Whether asking for each is done sooner than listing on. A page takes as long as about two HEADs at least. */
export function headIsCheaper(rounds: { pages: number; pageMs: number; heads: number }): boolean {
  const headMs = Math.max(1, rounds.pageMs / 4);
  return rounds.heads * headMs < rounds.pages * rounds.pageMs;
}

async function probeByHead(backend: Backend, blobs: readonly BlobRequest[], options: ProbeOptions): Promise<Found> {
  const found = new Map<Digest, number>();
  await eachBounded(blobs, options.jobs, async ({ digest }) => {
    const info = await backend.head(blobKey(digest), signalOf(options));
    if (info !== undefined) found.set(digest, info.size);
  });
  return found;
}

/** The error for an object whose size is not that of the blob of its name. */
export function wrongSize(url: string, blob: BlobRequest, size: number): PivotError {
  return new PivotError(`${url} holds "${blobKey(blob.digest)}" with ${size} bytes instead of ${blob.size}`, {
    code: "remote-content-conflict",
    kind: "integrity",
    hint: "nothing was overwritten; find out who wrote it before you delete it",
    data: { digest: blob.digest },
  });
}

function signalOf(options: ProbeOptions): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
