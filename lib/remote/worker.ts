// The worker's side: one open backend per place. The door for workers/transfer.ts.

import { ByteBudget } from "./budget.ts";
import { openBackend } from "./backends/open.ts";
import type { Backend } from "./backends/backend.ts";
import { downloadBlob } from "./download.ts";
import { MAX_TRIES, STALL_MS, WORKER_MEMORY_BYTES } from "./limits.ts";
import { showLocation } from "./location.ts";
import type { DownloadOutcome, UploadOutcome } from "./ports.ts";
import type { TransferJob } from "./transfers.ts";
import { uploadBlob } from "./upload.ts";

/** Makes the handler of a transfer worker. */
export function transferHandler(): (
  job: TransferJob,
  context: { readonly signal: AbortSignal; readonly progress: (value: unknown) => void },
) => Promise<UploadOutcome | DownloadOutcome> {
  const backends = new Map<string, Promise<Backend>>();
  const memory = new ByteBudget(WORKER_MEMORY_BYTES);
  const backendOf = ({ location, sockets }: TransferJob): Promise<Backend> => {
    const key = JSON.stringify([location, sockets]);
    const known = backends.get(key);
    if (known !== undefined) return known;
    const options = { url: showLocation(location), sockets, stallMs: STALL_MS, tries: MAX_TRIES };
    const opened = openBackend(location, options);
    backends.set(key, opened);
    return opened;
  };
  return async (job, { signal, progress }) => {
    const context = { backend: await backendOf(job), memory };
    const options = { signal, onBytes: progress };
    return job.act.type === "upload"
      ? await uploadBlob(job.act.job, context, options)
      : await downloadBlob(job.act.job, context, options);
  };
}
