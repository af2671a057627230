// Transfers in workers, or in this thread. Invariant: both are the same two functions, so what is tested here holds there.

import type { WorkerPool } from "../pool/mod.ts";
import type { Backend } from "./backends/backend.ts";
import { ByteBudget } from "./budget.ts";
import { downloadBlob } from "./download.ts";
import { CANCEL_GRACE_MS, WORKER_MEMORY_BYTES } from "./limits.ts";
import type { RemoteLocation } from "./location.ts";
import type { Download, DownloadOutcome, TransferCallOptions, Transfers, Upload, UploadOutcome } from "./ports.ts";
import { uploadBlob } from "./upload.ts";

/** What a transfer worker is asked. */
export interface TransferJob {
  readonly location: RemoteLocation;
  /** Sockets of this worker's client. */
  readonly sockets: number;
  readonly act: { readonly type: "upload"; readonly job: Upload } | {
    readonly type: "download";
    readonly job: Download;
  };
}

/** Transfers in this thread; for backends that cannot be opened twice, and for tests. */
export function inlineTransfers(backend: Backend): Transfers {
  const context = { backend, memory: new ByteBudget(WORKER_MEMORY_BYTES) };
  return {
    upload: (job, options) => uploadBlob(job, context, options),
    download: (job, options) => downloadBlob(job, context, options),
  };
}

/** Transfers in the pool's `transfer` workers. @param options `jobs` = transfers at once, over all workers */
export function poolTransfers(
  pool: WorkerPool,
  options: { readonly location: RemoteLocation; readonly jobs: number },
): Transfers {
  const run = <Outcome>(act: TransferJob["act"], { signal, onBytes }: TransferCallOptions = {}): Promise<Outcome> => {
    const job: TransferJob = { location: options.location, sockets: options.jobs, act };
    return pool.run<TransferJob, Outcome>("transfer", job, {
      ...(signal === undefined ? {} : { signal, graceMs: CANCEL_GRACE_MS }),
      ...(onBytes === undefined ? {} : { onProgress: (value) => onBytes(Number(value)) }),
    });
  };
  return {
    upload: (job, call) => run<UploadOutcome>({ type: "upload", job }, call),
    download: (job, call) => run<DownloadOutcome>({ type: "download", job }, call),
  };
}
