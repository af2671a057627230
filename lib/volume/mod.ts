/**
 * Volumes: the driver DSN, the archive codec and the cache that keeps named volumes in an object store between runs.
 *
 * A restored volume is whole and what was recorded, or empty. A stored volume is the old one or the new one, whole. Memory
 * does not grow with a volume's bytes, only with the number of its names. Owners of files are not kept, and mtimes come
 * back in milliseconds, as the platform takes them.
 *
 * @module
 */

export type {
  ByteRange,
  FolderAccess,
  ObjectInfo,
  ObjectSource,
  ObjectStore,
  PutOptions,
  TarAccess,
  VolumeAccess,
} from "./ports.ts";
export {
  type CreateVolumeOptions,
  type Driver,
  type DriverEvent,
  openDriver,
  type OpenDriverOptions,
  type TaskRequest,
  type Volume,
} from "./drivers/mod.ts";
export { type CacheDsn, type DriverDsn, parseDriverDsn } from "./dsn.ts";
export { checkStoreUrl, type StoreScheme } from "./dsn_store.ts";
export {
  type ArchiveLimits,
  type Compression,
  DEFAULT_LIMITS,
  type EntryKind,
  listTree,
  readArchive,
  type ReadArchiveOptions,
  type ReadArchiveResult,
  type TarEntry,
  type TarTime,
  type TreeListing,
  writeArchive,
  type WriteArchiveOptions,
} from "./archive/mod.ts";
export {
  openVolumeStore,
  type StoredVolume,
  type VolumeStore,
  type VolumeStoreOptions,
  type VolumeVerdict,
} from "./cache/admin.ts";
export type { EntryRecord } from "./cache/record.ts";
export type { StoredMember } from "./cache/stored_archive.ts";
export { describeVolumeEvent, type SkipReason, type VolumeEvent } from "./cache/events.ts";
export { keyOfVolume, volumeOfCachePath } from "./cache/key.ts";
export { openS3Store, type S3Place, type S3StoreOptions } from "./cache/open_s3.ts";
export { FolderStore } from "./cache/folder_store.ts";
export { conditionFailed, MemoryStore } from "./cache/memory_store.ts";
export type {
  ConflictPolicy,
  PersistOptions,
  PersistOutcome,
  PersistPolicy,
  RestoreOptions,
  RestoreOutcome,
  VolumeCache,
  VolumeCacheOptions,
} from "./cache/options.ts";
export { createVolumeCache } from "./cache/volume_cache.ts";
export type { IndexedEntry } from "./archive/mod.ts";
export type { JobOptions, WorkerKind, WorkerPool } from "../pool/mod.ts";
export type {
  Branded,
  ErrorKind,
  Json,
  JsonObject,
  PivotError,
  PivotErrorOptions,
  Sha256,
  SourceSpot,
} from "../core/mod.ts";
