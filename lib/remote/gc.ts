// Garbage collection on a remote. Invariants: it removes only what is named like ours, is old enough, is not wanted and not claimed by a
// push (claims.ts); it removes nothing that it did not plan; shared runs go before the blobs that they name; before anything goes the remote gets a new id, so that whoever
// remembers what it had asks again.

import { type Digest, PivotError, type Sha256 } from "../core/mod.ts";
import { createHash } from "node:crypto";
import type { Backend, ObjectInfo, PartUpload } from "./backends/backend.ts";
import { eachBounded } from "./bounded.ts";
import { GcMark, readClaims } from "./claims.ts";
import { BLOBS, digestOfKey, IDENTITY, inputOfKey, RUNS } from "./keys.ts";
import type { KnownBlobs } from "./known.ts";
import { DEFAULT_JOBS } from "./limits.ts";
import { blobsOfRun } from "./shared_runs.ts";
import type { Amount } from "./status.ts";

/** What a gc is to remove; a dry run prints this very value. */
export interface RemoteGcPlan {
  /** Old and unwanted. */
  readonly remove: readonly { readonly digest: Digest; readonly object: ObjectInfo }[];
  /** Old shared runs that name what goes or is gone already, and those that nobody can read. They go first. */
  readonly runs: readonly ObjectInfo[];
  /** Uploads that were given up long ago. */
  readonly abandoned: readonly PartUpload[];
  /** Claims of pushes that are too old to count. */
  readonly claims: readonly ObjectInfo[];
  /** What was written later stays, and claims written later count; milliseconds since the epoch. */
  readonly beforeMs: number;
  /** What stays. */
  readonly kept: Amount;
  /** Objects below the same prefix that are not named like blobs; never touched. */
  readonly foreign: number;
  /** Sum over `remove`. */
  readonly bytes: number;
}

/** Options of {@linkcode planRemoteGc}. */
export interface RemoteGcOptions {
  /** The remote. */
  readonly backend: Backend;
  /** Everything that a lock on any branch reaches. */
  readonly wanted: ReadonlySet<Digest>;
  /** Younger objects stay, wanted or not: a push may be under way whose lock is not here yet. Days, 1 or more. */
  readonly olderThanDays: number;
  /** Now, milliseconds since the epoch. */
  readonly nowMs: number;
  /** Requests at once. @default 20 */
  readonly jobs?: number;
  /** Cancels it; rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Plans a gc; changes nothing. @throws {PivotError} `bad-age` (kind `usage`) for an age below one day */
export async function planRemoteGc(options: RemoteGcOptions): Promise<RemoteGcPlan> {
  if (!(options.olderThanDays >= 1)) {
    throw new PivotError(`cannot remove objects older than ${options.olderThanDays} days`, {
      code: "bad-age",
      kind: "usage",
      hint: "give 1 day or more, so that a push under way keeps its blobs",
    });
  }
  const beforeMs = options.nowMs - options.olderThanDays * 86_400_000;
  const call = options.signal === undefined ? {} : { signal: options.signal };
  const runs = await readRuns(options);
  // A run that was shared lately may be looked up any moment: what it names stays.
  const young = runs.filter(({ object }) => object.modifiedMs >= beforeMs);
  const claims = await readClaims(options.backend, { ...options, beforeMs });
  const wanted = new Set([...options.wanted, ...claims.digests, ...young.flatMap(({ blobs }) => [...blobs ?? []])]);
  const remove: { digest: Digest; object: ObjectInfo }[] = [];
  const stays = new Set<Digest>();
  let [foreign, bytes] = [0, 0];
  for await (const object of options.backend.list(BLOBS, call)) {
    const digest = digestOfKey(object.key);
    if (digest === undefined) foreign++;
    else if (!wanted.has(digest) && object.modifiedMs < beforeMs) remove.push({ digest, object });
    else {
      stays.add(digest);
      bytes += object.size;
    }
  }
  const dead = runs.filter(({ object, blobs }) =>
    object.modifiedMs < beforeMs && (blobs === undefined || [...blobs].some((digest) => !stays.has(digest)))
  );
  const uploads = await options.backend.parts?.list(BLOBS, call) ?? [];
  return {
    remove,
    runs: dead.map(({ object }) => object),
    abandoned: uploads.filter(({ key, startedMs }) => digestOfKey(key) !== undefined && startedMs < beforeMs),
    claims: claims.old,
    beforeMs,
    kept: { files: stays.size, bytes },
    foreign,
    bytes: remove.reduce((sum, { object }) => sum + object.size, 0),
  };
}

interface ReadRun {
  readonly object: ObjectInfo;
  /** Undefined for what cannot be read. */
  readonly blobs: ReadonlySet<Digest> | undefined;
}

async function readRuns(options: RemoteGcOptions): Promise<ReadRun[]> {
  const call = options.signal === undefined ? {} : { signal: options.signal };
  const objects: ObjectInfo[] = [];
  for await (const object of options.backend.list(RUNS, call)) {
    if (inputOfKey(object.key) !== undefined) objects.push(object);
  }
  const read: ReadRun[] = [];
  await eachBounded(objects, options.jobs ?? DEFAULT_JOBS, async (object) => {
    read.push({ object, blobs: await blobsOfRun(options.backend, object.key, call) });
  });
  return read;
}

/**
 * Removes what a plan names. An object written again since, or claimed by a push, is left alone.
 *
 * @returns what was removed
 * @throws {PivotError} `gc-mark-lost` if others could take it for dead, as after a long sleep of the machine
 */
export async function executeRemoteGc(
  plan: RemoteGcPlan,
  options: {
    readonly backend: Backend;
    readonly known: KnownBlobs;
    readonly jobs?: number;
    /** Told once when another gc must end first. */
    readonly onWait?: () => void;
    /** Milliseconds between two looks at whether it ended. @default 1000 */
    readonly pollMs?: number;
    readonly signal?: AbortSignal;
  },
): Promise<Amount> {
  const { backend, known } = options;
  const jobs = options.jobs ?? DEFAULT_JOBS;
  if (plan.remove.length + plan.runs.length + plan.abandoned.length + plan.claims.length === 0) {
    return { files: 0, bytes: 0 };
  }
  await using mark = await GcMark.set(options);
  // Pushes that saw no mark have claimed before it was set.
  const { digests: claimed } = await readClaims(backend, { ...options, beforeMs: plan.beforeMs });
  const call = options.signal === undefined ? {} : { signal: options.signal };
  const deleteUnlessNew = async (object: ObjectInfo): Promise<boolean> => {
    const now = await backend.head(object.key, call);
    if (now === undefined || now.modifiedMs > object.modifiedMs + 999) return false;
    mark.check();
    await backend.delete(object.key, call);
    return true;
  };
  if (plan.remove.length + plan.runs.length > 0) {
    const id = new TextEncoder().encode(crypto.randomUUID());
    const sha256 = createHash("sha256").update(id).digest("hex") as Sha256;
    await backend.put(IDENTITY, id, { ...call, sha256 });
    known.clear();
  }
  let [files, bytes] = [0, 0];
  await eachBounded(plan.runs, jobs, async (object) => void await deleteUnlessNew(object));
  await eachBounded(plan.remove, jobs, async ({ digest, object }) => {
    if (claimed.has(digest)) return;
    if (await deleteUnlessNew(object)) [files, bytes] = [files + 1, bytes + object.size];
  });
  await eachBounded(plan.claims, jobs, async (object) => void await deleteUnlessNew(object));
  for (const upload of plan.abandoned) {
    // A push may be resuming it.
    const digest = digestOfKey(upload.key);
    if (digest !== undefined && claimed.has(digest)) continue;
    mark.check();
    await backend.parts?.abort(upload, call);
  }
  return { files, bytes };
}
