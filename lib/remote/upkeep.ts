// Looking after a remote: status, check, gc. Invariant: gc removes only what is named like a blob, is old enough and is not
// wanted; what it plans is what it removes.

import { type Digest, PivotError } from "../core/mod.ts";
import { createHash } from "node:crypto";
import type { Backend, ObjectInfo, PartUpload } from "./backends/backend.ts";
import { readUpTo } from "./backends/streams.ts";
import { eachBounded } from "./bounded.ts";
import { BLOBS, digestOfKey } from "./keys.ts";
import type { KnownBlobs } from "./known.ts";
import { DEFAULT_JOBS } from "./limits.ts";
import { parseSha256 } from "../core/mod.ts";
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

/** One step of a check. */
export interface CheckStep {
  /** What was tried. */
  readonly name: "reach" | "write" | "read" | "list" | "delete";
  /** Absent = it works. */
  readonly error?: PivotError;
  /** Milliseconds. */
  readonly durationMs: number;
}

/** Tries each ability with a small object of its own, which is removed again; stops at the first failure but always cleans up. */
export async function remoteCheck(
  backend: Backend,
  options: { readonly signal?: AbortSignal } = {},
): Promise<CheckStep[]> {
  const key = `pivot-check/${crypto.randomUUID()}`;
  const bytes = new TextEncoder().encode(key);
  const sha256 = parseSha256(createHash("sha256").update(bytes).digest("hex"));
  const same = (read: Uint8Array | undefined): boolean => read !== undefined && new TextDecoder().decode(read) === key;
  const acts: readonly (readonly [CheckStep["name"], () => Promise<boolean>])[] = [
    ["reach", async () => await backend.head(key, options) === undefined],
    ["write", async () => await backend.put(key, bytes, { ...options, sha256 }) === "stored"],
    ["read", async () => {
      const found = await backend.get(key, options);
      return found !== undefined && same(await readUpTo(found.body, bytes.length));
    }],
    ["list", async () => {
      for await (const info of backend.list(key, options)) if (info.key === key) return true;
      return false;
    }],
    ["delete", async () => {
      await backend.delete(key, options);
      return await backend.head(key, options) === undefined;
    }],
  ];
  const steps: CheckStep[] = [];
  for (const [name, act] of acts) {
    const step = await tryStep(backend, name, act);
    steps.push(step);
    if (step.error === undefined) continue;
    if (name === "read" || name === "list") await backend.delete(key).catch(() => undefined);
    break;
  }
  options.signal?.throwIfAborted();
  return steps;
}

async function tryStep(backend: Backend, name: CheckStep["name"], act: () => Promise<boolean>): Promise<CheckStep> {
  const startedMs = performance.now();
  const done = (error?: PivotError): CheckStep => {
    const durationMs = performance.now() - startedMs;
    return error === undefined ? { name, durationMs } : { name, durationMs, error };
  };
  try {
    if (await act()) return done();
    const message = `${backend.url} did not show what was just written to it`;
    return done(new PivotError(message, { code: "remote-inconsistent", kind: "remote" }));
  } catch (error) {
    if (error instanceof PivotError) return done(error);
    throw error;
  }
}

/** What a gc is to remove; a dry run prints this very value. */
export interface RemoteGcPlan {
  /** Old and unwanted. */
  readonly remove: readonly { readonly digest: Digest; readonly object: ObjectInfo }[];
  /** Uploads that were given up long ago. */
  readonly abandoned: readonly PartUpload[];
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
  const remove: { digest: Digest; object: ObjectInfo }[] = [];
  let [foreign, files, bytes] = [0, 0, 0];
  for await (const object of options.backend.list(BLOBS, call)) {
    const digest = digestOfKey(object.key);
    if (digest === undefined) foreign++;
    else if (!options.wanted.has(digest) && object.modifiedMs < beforeMs) remove.push({ digest, object });
    else [files, bytes] = [files + 1, bytes + object.size];
  }
  const uploads = await options.backend.parts?.list(BLOBS, call) ?? [];
  return {
    remove,
    abandoned: uploads.filter((upload) => upload.startedMs < beforeMs),
    kept: { files, bytes },
    foreign,
    bytes: remove.reduce((sum, { object }) => sum + object.size, 0),
  };
}

/** Removes what a plan names. An object written again since is left alone. @returns what was removed */
export async function executeRemoteGc(
  plan: RemoteGcPlan,
  options: {
    readonly backend: Backend;
    readonly known: KnownBlobs;
    readonly jobs?: number;
    readonly signal?: AbortSignal;
  },
): Promise<Amount> {
  const { backend, known } = options;
  const call = options.signal === undefined ? {} : { signal: options.signal };
  let [files, bytes] = [0, 0];
  await eachBounded(plan.remove, options.jobs ?? DEFAULT_JOBS, async ({ digest, object }) => {
    const now = await backend.head(object.key, call);
    if (now === undefined || now.modifiedMs > object.modifiedMs + 999) return;
    known.drop(digest);
    await backend.delete(object.key, call);
    [files, bytes] = [files + 1, bytes + object.size];
  });
  for (const upload of plan.abandoned) await backend.parts?.abort(upload, call);
  return { files, bytes };
}
