/**
 * Remotes: share the cache through S3 and its kin, a folder, Google Cloud Storage or Azure.
 *
 * Every blob is checked by xxhash64 and SHA-256 where it is read, and appears on either side whole or not at all. Nothing is ever
 * overwritten. A failure of one blob is named and does not stop the others. Credentials are neither kept nor shown: they come from
 * the provider's own chain, and a URL that holds one is refused.
 *
 * | URL | where | credentials |
 * |---|---|---|
 * | `s3://bucket/prefix?region=&endpoint=&profile=&checksums=` | AWS S3, or what speaks like it at `endpoint` | AWS's chain |
 * | `minio://host:port/bucket/prefix?secure=true` | S3 at that host, path style | `MINIO_ACCESS_KEY`, `MINIO_SECRET_KEY` |
 * | `gcs://bucket/prefix` | Google Cloud Storage | `GCS_HMAC_ACCESS_ID`, `GCS_HMAC_SECRET` |
 * | `azure://container/prefix` | Azure Blob Storage | `AZURE_STORAGE_CONNECTION_STRING`, or `AZURE_STORAGE_ACCOUNT` with `AZURE_STORAGE_KEY` or `AZURE_STORAGE_SAS_TOKEN` |
 * | `file:///folder` | a folder | none |
 * | `memory://name` | this process, through {@linkcode memoryBackend} | none |
 *
 * To push and pull a whole project use `openRepository` of `@pivot/pivot`.
 *
 * @module
 */

export type { Backend, ObjectInfo } from "./backends/backend.ts";
export { memoryBackend } from "./backends/memory.ts";
export { withLimit } from "./backends/limit.ts";
export { type CallKind, counted, observed, type ObservedCall } from "./backends/observe.ts";
export { type BreakableCall, faulty, type InjectedFault } from "./backends/faults.ts";
export type { RemoteReason } from "./backends/problems.ts";
export { readOnly } from "./backends/read_only.ts";
export { directoryStore } from "./directory_store.ts";
export { type ExecuteOptions, executePlan, type SyncEvent, type SyncResult } from "./execute.ts";
export { blobKey, digestOfKey } from "./keys.ts";
export { type KnownBlobs, knownBlobs, memoryTable } from "./known.ts";
export { DEFAULT_JOBS } from "./limits.ts";
export {
  locationId,
  type LocationOptions,
  parseLocation,
  type RemoteLocation,
  type RemoteScheme,
  showLocation,
} from "./location.ts";
export { RemoteManager, type RemoteSettings } from "./manager.ts";
export { type BlobFailure, type PlanOptions, planPull, planPush, type SyncPlan } from "./plan.ts";
export type {
  BlobRequest,
  BlobStore,
  Download,
  DownloadOutcome,
  KeyValue,
  TransferCallOptions,
  Transfers,
  Upload,
  UploadOutcome,
} from "./ports.ts";
export {
  Remote,
  type RemoteCallOptions,
  RemoteConfig,
  type RemoteConfigOptions,
  type RemoteOptions,
} from "./remote.ts";
export { pullRun, pushRun, type SharedRun, type SharedRunOptions } from "./shared_runs.ts";
export { inlineTransfers, poolTransfers } from "./transfers.ts";
export { type CheckStep, remoteCheck } from "./check.ts";
export { executeRemoteGc, planRemoteGc, type RemoteGcOptions, type RemoteGcPlan } from "./gc.ts";
export { type Amount, type RemoteStatus, remoteStatus } from "./status.ts";
export type {
  ByteRange,
  CallOptions,
  GetOptions,
  ObjectBody,
  PartUpload,
  PartUploads,
  PutOptions,
  UploadedPart,
} from "./backends/backend.ts";
export type { JobOptions, WorkerKind, WorkerPool } from "../pool/mod.ts";
export type {
  Branded,
  Digest,
  ErrorKind,
  Json,
  JsonObject,
  PivotError,
  PivotErrorOptions,
  Sha256,
  SourceSpot,
} from "../core/mod.ts";
