/**
 * Content-addressed storage of outputs: observe the workspace, store, check out, collect garbage, verify.
 *
 * Hashing happens in workers with read permission alone; linking happens here. A blob is vouched for by its stamp; one whose
 * stamp changed is hashed again before it is used, and moved to quarantine if it does not match its name.
 *
 * @module
 */

export { type AuditResult, type BlobKey, Blobs, type BlobsOptions, missingBlob, type StoredBlob } from "./blobs.ts";
export { type Cache, type CacheOptions, type CheckoutCallOptions, createCache, sameFileSystem } from "./cache.ts";
export type { CheckoutItem } from "./checkout.ts";
export type { HashedFile, HashJob, HashResult } from "./hash_job.ts";
export { listingDigest, treeOf } from "./listing.ts";
export { createScanner, type Scanner, type ScannerOptions, type ScanRequest, type Sight } from "./scan.ts";
export { blobsOf } from "./store.ts";
export type { GcOptions, GcResult, VerifyOptions, VerifyResult } from "./upkeep.ts";
export type { FileKind, FileStamp, FileStat } from "../sys/mod.ts";
export type { JobOptions, WorkerKind, WorkerPool } from "../pool/mod.ts";
export type {
  Branded,
  CheckoutMode,
  Content,
  Digest,
  FileContent,
  FileIndex,
  IndexedFile,
  PathContent,
  RelPath,
  TreeContent,
  TreeEntry,
} from "../core/mod.ts";
