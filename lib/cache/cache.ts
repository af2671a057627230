// The cache of one project, as the rooms above see it.

import type { CheckoutMode, Digest, FileIndex, PathContent } from "../core/mod.ts";
import type { WorkerPool } from "../pool/mod.ts";
import { statPath } from "../sys/mod.ts";
import { type AuditResult, type BlobKey, Blobs, type StoredBlob } from "./blobs.ts";
import { checkoutAll, type CheckoutItem } from "./checkout.ts";
import {
  collectGarbage,
  type GcOptions,
  type GcResult,
  verifyBlobs,
  type VerifyOptions,
  type VerifyResult,
} from "./upkeep.ts";
import { blobsOf, storeAll, storeCopies } from "./store.ts";

/** Options of {@linkcode createCache}. */
export interface CacheOptions {
  /** Absolute path of the project. */
  readonly projectRoot: string;
  /** Absolute path of the cache folder; it may be on another file system. */
  readonly root: string;
  /** How files come into the workspace: the first that works. @default ["hardlink", "symlink", "copy"] */
  readonly modes?: readonly CheckoutMode[];
  /** Remembers the hashes of files and blobs. */
  readonly index: FileIndex;
  /** Hashes; needs `hash` workers. */
  readonly pool: WorkerPool;
}

/** Options of a checkout. */
export interface CheckoutCallOptions {
  /** This mode and no other. */
  readonly mode?: CheckoutMode;
  /** Stops between two items. */
  readonly signal?: AbortSignal;
}

/** Content-addressed store of outputs. */
export interface Cache {
  /** Absolute path of the cache. */
  readonly root: string;
  /** The blobs themselves. */
  readonly blobs: Blobs;
  /** Whether all of this content can be given back. Ask `audit` first for content that may have been altered. */
  has(content: PathContent["content"]): boolean;
  /** Hashes what nothing vouches for; altered blobs go to quarantine. */
  audit(contents: readonly PathContent["content"][], signal?: AbortSignal): Promise<AuditResult>;
  /** Stores outputs that were just observed and links them back. */
  store(outputs: readonly PathContent[]): void;
  /** Stores copies of outputs that were just observed; the workspace keeps its own, writable files. */
  storeCopies(outputs: readonly PathContent[]): void;
  /** Brings content into the workspace, replacing what is there. */
  checkout(items: readonly CheckoutItem[], options?: CheckoutCallOptions): void;
  /** Every blob in the store. */
  list(): Iterable<StoredBlob>;
  /** Removes blobs that are not named. */
  gc(keep: ReadonlySet<Digest>, options?: GcOptions): GcResult;
  /** Hashes every blob again; damaged ones go to quarantine. */
  verify(options?: VerifyOptions): Promise<VerifyResult>;
}

/** Opens the cache; folders are made when something is stored. */
export function createCache(options: CacheOptions): Cache {
  const { projectRoot, index, pool } = options;
  const modes = options.modes ?? ["hardlink", "symlink", "copy"];
  const blobs = new Blobs({ root: options.root, index, pool });
  return {
    root: options.root,
    blobs,
    has: (content) => blobsOf(content).every((key) => blobs.has(key)),
    audit: (contents, signal) => blobs.audit(contents.flatMap((content): BlobKey[] => blobsOf(content)), signal),
    store: (outputs) => storeAll(outputs, { projectRoot, blobs, index, modes }),
    storeCopies: (outputs) => storeCopies(outputs, { projectRoot, blobs, index, modes }),
    checkout(items, { mode, signal } = {}) {
      checkoutAll(items, {
        projectRoot,
        blobs,
        index,
        modes: mode === undefined ? modes : [mode],
        ...(signal === undefined ? {} : { signal }),
      });
    },
    list: () => blobs.list(),
    gc: (keep, gcOptions = {}) => collectGarbage(blobs, keep, gcOptions),
    verify: (verifyOptions = {}) => verifyBlobs(blobs, pool, verifyOptions),
  };
}

/** Whether two paths are on one file system, so that hard links between them work. */
export function sameFileSystem(a: string, b: string): boolean {
  return statPath(a)?.device === statPath(b)?.device;
}
