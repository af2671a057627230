// What a volume cache is made of and what it answers. Types alone.

import type { WorkerPool } from "../../pool/mod.ts";
import type { ArchiveLimits, Compression } from "../archive/mod.ts";
import type { ObjectStore, VolumeAccess } from "../ports.ts";
import type { SkipReason, VolumeEvent } from "./events.ts";

/** When a volume is persisted: if the run succeeded, whatever it did, or never. An aborted run persists nothing. */
export type PersistPolicy = "success" | "always" | "never";
/** What happens when another run persisted the volume since it was restored: replace it, or leave it. */
export type ConflictPolicy = "newest" | "keep";

/** Options of {@linkcode createVolumeCache}. */
export interface VolumeCacheOptions {
  /** Where archives are kept. */
  readonly store: ObjectStore;
  /** Archives and hashes; needs `archive` workers. */
  readonly pool: WorkerPool;
  /** Folder for archives on their way; made when needed. */
  readonly scratch: string;
  /** The store as it is typed after `--store`, for commands that messages name. @default the store's own URL */
  readonly storeUrl?: string;
  /** Put before volume names in keys. @default "" */
  readonly prefix?: string;
  /** How the archive is compressed. @default "zstd" */
  readonly compression?: Compression;
  /** Compression level. @default zstd 3, gzip 6 */
  readonly level?: number;
  /** Milliseconds after which an entry is a miss and is deleted. @default never */
  readonly ttlMs?: number;
  /** When it is persisted. @default "success" */
  readonly persist?: PersistPolicy;
  /** What to do when another run was faster. @default "newest" */
  readonly onConflict?: ConflictPolicy;
  /** Bounds on what is restored. */
  readonly limits?: Partial<ArchiveLimits>;
  /** Recorded with every entry. */
  readonly who?: string;
  /** Recorded with every entry. */
  readonly commit?: string;
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  /** Told what happens. */
  readonly onEvent?: (event: VolumeEvent) => void;
}

/** Options of one volume. */
export interface RestoreOptions {
  /** When it is persisted. @default the cache's policy */
  readonly persist?: PersistPolicy;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/** How a restore went. A failure is a value: the volume is empty then, and the stored one stays as it is. */
export type RestoreOutcome =
  | { readonly status: "hit"; readonly key: string; readonly bytes: number; readonly ms: number }
  | { readonly status: "miss"; readonly key: string; readonly reason: "absent" | "expired" }
  | { readonly status: "failed"; readonly key: string; readonly error: unknown };

/** How persisting one volume went. */
export type PersistOutcome =
  & { readonly volume: string; readonly key: string }
  & (
    | { readonly status: "persisted"; readonly bytes: number; readonly ms: number }
    | { readonly status: "unchanged"; readonly ms: number }
    | { readonly status: "conflict" }
    | { readonly status: "skipped"; readonly reason: SkipReason }
    | { readonly status: "failed"; readonly error: unknown }
  );

/** How the run ended. */
export interface PersistOptions {
  /** How the run ended. */
  readonly run: "succeeded" | "failed" | "aborted";
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/** Volumes kept in an object store between runs. One per run. */
export interface VolumeCache {
  /**
   * Fills a volume from its entry. Users of one volume share one restore.
   *
   * @throws the signal's reason, and nothing else: a failed restore is an outcome.
   */
  restore(volume: string, access: VolumeAccess, options?: RestoreOptions): Promise<RestoreOutcome>;
  /** Stores every volume that was restored (or missed) and has changed, side by side; one outcome each, by name. */
  persist(options: PersistOptions): Promise<readonly PersistOutcome[]>;
}
