// From volume to store. Invariants: the store's entry is replaced whole or not at all, and only if it is still the one the
// volume was restored from, or the conflict policy says so.

import { createHash } from "node:crypto";
import { PivotError } from "../../core/mod.ts";
import { makeFolder, removeTree } from "../../sys/mod.ts";
import { type Compression, listTree, readArchive, release, type TreeListing, writeArchive } from "../archive/mod.ts";
import type { VolumeAccess } from "../ports.ts";
import type { VolumeCacheOptions } from "./options.ts";
import { decodeRecord, encodeRecord } from "./record.ts";
import type { VolumeSession } from "./session.ts";
import { spool, type SpooledArchive } from "./spool.ts";

/** How often a conditional write is tried while other runs keep writing. */
const MAX_CONFLICT_ROUNDS = 5;

/** What became of one volume. */
export type StoreResult =
  | { readonly status: "persisted"; readonly bytes: number }
  | { readonly status: "unchanged" }
  | { readonly status: "conflict" };

/** Callbacks while a volume is stored. */
export interface StoreHooks {
  /** The tree has changed, and work begins. */
  readonly onStart: () => void;
  /** The entry is another than the one restored. */
  readonly onConflict: (kept: "ours" | "theirs") => void;
}

/** Stores a volume if it changed. */
export async function storeVolume(
  session: VolumeSession,
  options: VolumeCacheOptions & { readonly signal?: AbortSignal },
  hooks: StoreHooks,
): Promise<StoreResult> {
  makeFolder(options.scratch);
  await using source = await openSource(session.access, options);
  const { listing, exact } = source;
  const { base } = session;
  const sameListing = base !== undefined && base.listing === listing.hash;
  if (sameListing && exact && base.stamp === listing.stamp) return { status: "unchanged" };
  // Without inodes a listing does not tell a file that was written over with as many bytes: the content does, uncompressed.
  const tarSha256 = exact ? "" : await plainDigest(source.root, listing, options);
  if (tarSha256 !== "" && base?.tarSha256 === tarSha256) return { status: "unchanged" };
  hooks.onStart();
  const { compression = "zstd", level, pool, signal } = options;
  const chunks = writeArchive({
    root: source.root,
    listing,
    compression,
    pool,
    ...(level === undefined ? {} : { level }),
    ...(signal === undefined ? {} : { signal }),
  });
  using archive = await spool(chunks, scratchPath(options.scratch, compression));
  signal?.throwIfAborted();
  // The same files under other inodes, say: the bytes tell.
  if (base !== undefined && base.sha256 === archive.sha256) return { status: "unchanged" };
  return await upload(session, { archive, listing, tarSha256 }, options, hooks);
}

/** SHA-256 of the tree as a plain tar, which is the same for the same tree. */
async function plainDigest(
  root: string,
  listing: TreeListing,
  { pool, signal }: VolumeCacheOptions & { readonly signal?: AbortSignal },
): Promise<string> {
  const hash = createHash("sha256");
  const chunks = writeArchive({
    root,
    listing,
    compression: "none",
    pool,
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const chunk of chunks) {
    hash.update(chunk);
    release(chunk);
  }
  return hash.digest("hex");
}

function scratchPath(scratch: string, compression: Compression | "tree"): string {
  return `${scratch}/${crypto.randomUUID()}.${compression}`;
}

interface Source extends AsyncDisposable {
  readonly root: string;
  readonly listing: TreeListing;
  /** Whether inodes and ctimes mean anything. */
  readonly exact: boolean;
}

/** The volume as a folder of this machine: itself, or a copy read through the driver. */
async function openSource(
  access: VolumeAccess,
  options: VolumeCacheOptions & { readonly signal?: AbortSignal },
): Promise<Source> {
  if (access.kind === "folder") {
    return {
      root: access.path,
      listing: listTree(access.path),
      exact: true,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const root = scratchPath(options.scratch, "tree");
  try {
    await readArchive(await access.read(signal), { target: root, pool: options.pool, ...signal });
  } catch (error) {
    throw error instanceof PivotError && error.code === "unsafe-archive" ? cannotKeep(error) : error;
  }
  return {
    root,
    listing: listTree(root),
    exact: false,
    [Symbol.asyncDispose]: () => Promise.resolve(removeTree(root)),
  };
}

/** It is the volume itself that holds such a thing, and no stored archive. */
function cannotKeep(error: PivotError): PivotError {
  return new PivotError(`the volume holds what is not kept: ${error.message}`, {
    code: "cannot-archive",
    hint: "remove it before the volume is persisted: files, folders and links are kept",
    cause: error,
  });
}

/** A volume that is ready to be sent. */
interface Packed {
  readonly archive: SpooledArchive;
  readonly listing: TreeListing;
  readonly tarSha256: string;
}

async function upload(
  session: VolumeSession,
  { archive, listing, tarSha256 }: Packed,
  options: VolumeCacheOptions & { readonly signal?: AbortSignal },
  hooks: StoreHooks,
): Promise<StoreResult> {
  const metadata = encodeRecord({
    sha256: archive.sha256,
    listing: listing.hash,
    tarSha256,
    treeBytes: listing.bytes,
    entries: listing.entries.length,
    createdMs: (options.now ?? Date.now)(),
    who: options.who ?? "",
    commit: options.commit ?? "",
  });
  const { store, signal } = options;
  let expected = session.base?.etag;
  for (let round = 0; round < MAX_CONFLICT_ROUNDS; round++) {
    const condition = expected === undefined ? { ifAbsent: true } : { ifMatch: expected };
    try {
      await store.put(session.key, archive, { metadata, ...condition, ...(signal === undefined ? {} : { signal }) });
      return { status: "persisted", bytes: archive.size };
    } catch (error) {
      if (!(error instanceof PivotError) || error.code !== "precondition-failed") throw error;
    }
    const current = await store.head(session.key, signal === undefined ? {} : { signal });
    // Ours, if the answer to an earlier try was lost; or another run's with the very same content.
    const same = current !== undefined && decodeRecord(current.metadata)?.sha256 === archive.sha256;
    if (same && current.size === archive.size) return { status: "persisted", bytes: archive.size };
    // Deleted meanwhile: nothing of another run would be lost.
    const kept = current !== undefined && options.onConflict === "keep" ? "theirs" : "ours";
    if (current !== undefined) hooks.onConflict(kept);
    if (kept === "theirs") return { status: "conflict" };
    expected = current?.etag;
  }
  throw new PivotError(
    `cannot persist volume "${session.volume}": other runs replaced it ${MAX_CONFLICT_ROUNDS} times meanwhile`,
    {
      code: "volume-conflict",
      kind: "remote",
      hint: "the stored volume is whole and belongs to another run; run again, or set on_conflict to keep",
    },
  );
}
