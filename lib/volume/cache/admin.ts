// Looking after stored volumes: list, inspect, read one file, remove, collect garbage, verify. Invariant: only keys that our
// own naming makes are ever touched.

import { createHash } from "node:crypto";
import { messageOf, PivotError } from "../../core/mod.ts";
import type { WorkerPool } from "../../pool/mod.ts";
import { type Compression, readAsTar } from "../archive/mod.ts";
import type { ObjectInfo, ObjectStore } from "../ports.ts";
import { keyOfVolume, keyPrefix, volumeOfKey } from "./key.ts";
import { decodeRecord, type EntryRecord } from "./record.ts";
import { catStored, listStored, readAll, type StoredMember } from "./stored_archive.ts";

/** A volume in the store. */
export interface StoredVolume {
  /** Name of the volume. */
  readonly volume: string;
  /** Key below the store's own prefix. */
  readonly key: string;
  /** How the archive is compressed. */
  readonly compression: Compression;
  /** Bytes of the archive. */
  readonly size: number;
  /** Undefined if another program wrote the object. */
  readonly record: EntryRecord | undefined;
}

/** What was found wrong with a stored volume; nothing if `problem` is undefined. */
export interface VolumeVerdict {
  /** Name of the volume. */
  readonly volume: string;
  /** Key below the store's own prefix. */
  readonly key: string;
  /** What is wrong, in words; undefined if nothing is. */
  readonly problem: string | undefined;
}

/** Options of {@linkcode openVolumeStore}. */
export interface VolumeStoreOptions {
  /** Where archives are kept. */
  readonly store: ObjectStore;
  /** Archives and hashes; needs `archive` workers. */
  readonly pool: WorkerPool;
  /** Put before volume names in keys. @default "" */
  readonly prefix?: string;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/** The stored volumes under one prefix. */
export interface VolumeStore {
  /** All volumes, in key order. */
  list(): Promise<readonly StoredVolume[]>;
  /** Longer prefixes that have volumes, a few of them: for whoever finds none under this one. */
  prefixes(): Promise<readonly string[]>;
  /** One volume. @throws {PivotError} `no-such-volume` */
  stat(volume: string): Promise<StoredVolume>;
  /** Members of a volume's archive. */
  members(volume: string): Promise<readonly StoredMember[]>;
  /** The content of one file; reads little more than that file if the archive has an index. */
  cat(volume: string, path: string): AsyncIterable<Uint8Array>;
  /** Removes a volume in every compression; returns the keys that went, or would go. @throws {PivotError} `no-such-volume` */
  remove(volume: string, options?: { readonly dryRun?: boolean }): Promise<readonly string[]>;
  /** Removes volumes older than `maxAgeMs`; those without a record are left alone. Returns what was, or would be, removed. */
  gc(
    options: { readonly maxAgeMs: number; readonly nowMs: number; readonly dryRun?: boolean },
  ): Promise<readonly StoredVolume[]>;
  /** Reads every volume whole: its SHA-256 and every member's name. */
  verify(): AsyncIterable<VolumeVerdict>;
}

/** Opens the stored volumes under a prefix. */
export function openVolumeStore(options: VolumeStoreOptions): VolumeStore {
  const { store } = options;
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const find = async (volume: string): Promise<ObjectInfo> => {
    for (const info of await headAll(volume, options)) return info;
    throw noSuchVolume(volume, store.url);
  };
  return {
    list: () => listVolumes(options),
    prefixes: () => findPrefixes(options),
    async stat(volume) {
      const info = await find(volume);
      return describe(info, options.prefix ?? "") ?? Promise.reject(noSuchVolume(volume, store.url));
    },
    members: async (volume) => await listStored(await find(volume), options),
    async *cat(volume, path) {
      yield* catStored(await find(volume), path, options);
    },
    async remove(volume, { dryRun = false } = {}) {
      const infos = await headAll(volume, options);
      if (infos.length === 0) throw noSuchVolume(volume, store.url);
      for (const info of dryRun ? [] : infos) await store.delete(info.key, signal);
      return infos.map((info) => info.key);
    },
    async gc({ maxAgeMs, nowMs, dryRun = false }) {
      const old = (await listVolumes(options)).filter(({ record }) =>
        record !== undefined && nowMs - record.createdMs > maxAgeMs
      );
      if (dryRun) return old;
      const removed: StoredVolume[] = [];
      for (const each of old) {
        const { key } = each;
        const info = await store.head(key, signal);
        const record = info === undefined ? undefined : decodeRecord(info.metadata);
        // Written anew since it was listed: it is not old any more.
        if (info === undefined || record === undefined || nowMs - record.createdMs <= maxAgeMs) continue;
        await store.delete(key, { ...signal, ifMatch: info.etag });
        removed.push(each);
      }
      return removed;
    },
    async *verify() {
      for (const stored of await listVolumes(options)) yield await verifyOne(stored, options);
    },
  };
}

async function headAll(volume: string, options: VolumeStoreOptions): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for (const compression of ["zstd", "gzip", "none"] as const) {
    const key = keyOfVolume(options.prefix ?? "", volume, compression);
    const info = await options.store.head(key, options.signal === undefined ? {} : { signal: options.signal });
    if (info !== undefined) found.push(info);
  }
  return found;
}

async function listVolumes(options: VolumeStoreOptions): Promise<StoredVolume[]> {
  const { store, prefix = "" } = options;
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const volumes: StoredVolume[] = [];
  for await (const { key } of store.list(keyPrefix(prefix), signal)) {
    if (volumeOfKey(prefix, key) === undefined) continue;
    // A listing has no metadata.
    const info = await store.head(key, signal);
    const volume = info === undefined ? undefined : describe(info, prefix);
    if (volume !== undefined) volumes.push(volume);
  }
  return volumes;
}

/** Bounds on looking for prefixes. */
const MAX_KEYS_SEEN = 1000;
const MAX_PREFIXES = 5;

async function findPrefixes({ store, prefix = "", signal }: VolumeStoreOptions): Promise<readonly string[]> {
  const found = new Set<string>();
  let seen = 0;
  for await (const { key } of store.list(keyPrefix(prefix), signal === undefined ? {} : { signal })) {
    const folder = key.slice(0, Math.max(0, key.lastIndexOf("/")));
    if (folder !== prefix && volumeOfKey(folder, key) !== undefined) found.add(folder);
    if (++seen >= MAX_KEYS_SEEN || found.size >= MAX_PREFIXES) break;
  }
  return [...found];
}

function describe(info: ObjectInfo, prefix: string): StoredVolume | undefined {
  const named = volumeOfKey(prefix, info.key);
  return named === undefined
    ? undefined
    : { ...named, key: info.key, size: info.size, record: decodeRecord(info.metadata) };
}

async function verifyOne(stored: StoredVolume, options: VolumeStoreOptions): Promise<VolumeVerdict> {
  const { volume, key } = stored;
  try {
    const info = await options.store.head(key, options.signal === undefined ? {} : { signal: options.signal });
    if (info === undefined) return { volume, key, problem: "it was deleted meanwhile" };
    const hash = createHash("sha256");
    const body = await readAll(info, options);
    for await (const _ of readAsTar(body, { ...options, onBytes: (bytes) => void hash.update(bytes) }));
    const recorded = decodeRecord(info.metadata)?.sha256;
    if (recorded === undefined) return { volume, key, problem: "it has no record of its SHA-256" };
    return {
      volume,
      key,
      problem: recorded === hash.digest("hex") ? undefined : "its SHA-256 is not the recorded one",
    };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { volume, key, problem: messageOf(error) };
  }
}

function noSuchVolume(volume: string, url: string): PivotError {
  return new PivotError(`no volume "${volume}" in ${url}`, {
    code: "no-such-volume",
    hint: "list the stored volumes with `pivot ci cache ls`, and check --prefix: it is the cache_prefix of the run",
  });
}
