// The cache around volumes: restore once, persist what changed. Invariant: after a failed restore or an abort the stored
// entry stays as it is.

import { messageOf, PivotError } from "../../core/mod.ts";
import { keyOfVolume } from "./key.ts";
import type {
  PersistOptions,
  PersistOutcome,
  RestoreOptions,
  RestoreOutcome,
  VolumeCache,
  VolumeCacheOptions,
} from "./options.ts";
import type { SkipReason } from "./events.ts";
import type { ObjectStore, VolumeAccess } from "../ports.ts";
import { storeVolume } from "./persist.ts";
import { decodeRecord } from "./record.ts";
import { fillVolume } from "./restore.ts";
import type { VolumeSession } from "./session.ts";

/**
 * Makes the cache of one run.
 *
 * @example
 * ```ts
 * import { createVolumeCache, MemoryStore } from "@pivot/pivot/volume";
 * import { createPool } from "../../pool/mod.ts";
 * await using pool = createPool({ archive: { permissions: { read: true, write: true } } });
 * const scratch = Deno.makeTempDirSync();
 * const cache = createVolumeCache({ store: new MemoryStore(), pool, scratch, prefix: "project-a" });
 * const first = await cache.restore("cache-node_modules", { kind: "folder", path: `${scratch}/volume` });
 * console.assert(first.status === "miss");
 * Deno.writeTextFileSync(`${scratch}/volume/file`, "content");
 * const [stored] = await cache.persist({ run: "succeeded" });
 * console.assert(stored?.status === "persisted");
 * Deno.removeSync(scratch, { recursive: true });
 * ```
 */
export function createVolumeCache(options: VolumeCacheOptions): VolumeCache {
  const sessions = new Map<string, VolumeSession>();
  const compression = options.compression ?? "zstd";
  return {
    restore(volume, access, restoreOptions = {}) {
      const known = sessions.get(volume);
      if (known !== undefined) return known.restored;
      const key = keyOfVolume(options.prefix ?? "", volume, compression);
      const { promise, resolve, reject } = Promise.withResolvers<RestoreOutcome>();
      const policy = restoreOptions.persist ?? options.persist ?? "success";
      const session: VolumeSession = { volume, key, access, policy, restored: promise, base: undefined };
      sessions.set(volume, session);
      restoreSession(session, options, restoreOptions).then(resolve, reject);
      return promise;
    },
    persist: (persistOptions) =>
      Promise.all([...sessions.values()].map((session) => persistSession(session, options, persistOptions))),
  };
}

async function restoreSession(
  session: VolumeSession,
  options: VolumeCacheOptions,
  { signal }: RestoreOptions,
): Promise<RestoreOutcome> {
  const { volume, key, access } = session;
  const emit = options.onEvent ?? (() => {});
  const started = performance.now();
  const withSignal = signal === undefined ? {} : { signal };
  try {
    signal?.throwIfAborted();
    const stored = await options.store.get(key, withSignal);
    const miss = stored === undefined ? "absent" : await expire(session, stored, options, signal);
    if (stored === undefined || miss !== undefined) {
      makeEmpty(access);
      emit({ type: "volume-missed", volume, key, reason: miss ?? "absent" });
      return { status: "miss", key, reason: miss ?? "absent" };
    }
    emit({ type: "volume-restoring", volume, key });
    session.base = await fillVolume(stored, access, {
      pool: options.pool,
      limits: options.limits ?? {},
      ...withSignal,
    });
    const ms = performance.now() - started;
    emit({ type: "volume-restored", volume, key, bytes: stored.info.size, ms });
    return { status: "hit", key, bytes: stored.info.size, ms };
  } catch (error) {
    signal?.throwIfAborted();
    const remedy = isDamaged(error) ? { remedy: removeCommand(volume, options) } : {};
    emit({ type: "volume-restore-failed", volume, key, ...wordsOf(error), ...remedy });
    return { status: "failed", key, error };
  }
}

/** A folder volume that was never filled must still be there for its task. */
function makeEmpty(access: VolumeAccess): void {
  if (access.kind === "folder") Deno.mkdirSync(access.path, { recursive: true });
}

function wordsOf(error: unknown): { readonly error: unknown; readonly message: string; readonly hint?: string } {
  const hint = error instanceof PivotError && error.hint !== undefined ? { hint: error.hint } : {};
  return { error, message: messageOf(error), ...hint };
}

/** Whether the stored archive is at fault, rather than the way to it. */
function isDamaged(error: unknown): boolean {
  return error instanceof PivotError && ["corrupt-archive", "unsafe-archive"].includes(error.code);
}

/** What a person types to take an entry away; words that a shell would read otherwise are quoted. */
function removeCommand(volume: string, { store, storeUrl, prefix = "" }: VolumeCacheOptions): string {
  const quoted = (text: string) => /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
  const below = prefix === "" ? "" : ` --prefix ${quoted(prefix)}`;
  return `pivot ci cache rm ${quoted(volume)} --store ${quoted(storeUrl ?? store.url)}${below}`;
}

type StoredEntry = NonNullable<Awaited<ReturnType<ObjectStore["get"]>>>;

/**
 * Deletes an entry that is too old; only that version, since another run may have written a new one. One that cannot be deleted
 * is a miss all the same, and is replaced when the volume is stored.
 */
async function expire(
  session: VolumeSession,
  { info, body }: StoredEntry,
  options: VolumeCacheOptions,
  signal: AbortSignal | undefined,
): Promise<"expired" | undefined> {
  if (options.ttlMs === undefined) return undefined;
  const created = decodeRecord(info.metadata)?.createdMs;
  const age = (options.now ?? Date.now)() - (created ?? -Infinity);
  // Without a record nobody can say how old it is; it counts as too old.
  if (age <= options.ttlMs) return undefined;
  await body.cancel();
  try {
    await options.store.delete(info.key, { ifMatch: info.etag, ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    const { volume, key } = session;
    options.onEvent?.({ type: "volume-expired-kept", volume, key, error, message: messageOf(error) });
    session.base = { etag: info.etag, sha256: "", listing: "", tarSha256: "", stamp: undefined };
  }
  return "expired";
}

async function persistSession(
  session: VolumeSession,
  options: VolumeCacheOptions,
  persistOptions: PersistOptions,
): Promise<PersistOutcome> {
  const { volume, key } = session;
  const emit = options.onEvent ?? (() => {});
  const started = performance.now();
  const reason = await skipReason(session, persistOptions);
  if (reason !== undefined) {
    emit({ type: "volume-persist-skipped", volume, key, reason });
    return { volume, key, status: "skipped", reason };
  }
  try {
    const { signal } = persistOptions;
    const result = await storeVolume(session, { ...options, ...(signal === undefined ? {} : { signal }) }, {
      onStart: () => emit({ type: "volume-persisting", volume, key }),
      onConflict: (kept) => emit({ type: "volume-conflict", volume, key, kept }),
    });
    const ms = performance.now() - started;
    if (result.status === "persisted") emit({ type: "volume-persisted", volume, key, bytes: result.bytes, ms });
    if (result.status === "unchanged") emit({ type: "volume-unchanged", volume, key, ms });
    return result.status === "conflict" ? { volume, key, ...result } : { volume, key, ...result, ms };
  } catch (error) {
    emit({ type: "volume-persist-failed", volume, key, ...wordsOf(error) });
    return { volume, key, status: "failed", error };
  }
}

async function skipReason(session: VolumeSession, { run, signal }: PersistOptions): Promise<SkipReason | undefined> {
  if (run === "aborted" || signal?.aborted) return "aborted";
  if (session.policy === "never") return "policy";
  if (run === "failed" && session.policy !== "always") return "run-failed";
  const restored = await session.restored.catch(() => undefined);
  return restored === undefined || restored.status === "failed" ? "restore-failed" : undefined;
}
