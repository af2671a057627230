// An archive worker: packs, unpacks and expands one frame at a time. It may read and write files, and nothing else.

import { type ArchiveJob, type ArchiveResult, expand, pack, unpack } from "../lib/volume/archive/worker.ts";
import { serveJobs } from "../lib/pool/mod.ts";

serveJobs<ArchiveJob, ArchiveResult>((job, { signal, transfer }) => {
  signal.throwIfAborted();
  switch (job.type) {
    case "pack": {
      const result = pack(job);
      transfer(result.packed.buffer);
      if (result.filled !== undefined) transfer(result.filled.buffer);
      return result;
    }
    case "unpack": {
      const result = unpack(job);
      if (result.left !== undefined) transfer(result.left.raw.buffer);
      return result;
    }
    case "expand": {
      const raw = expand(job);
      transfer(raw.buffer);
      return raw;
    }
  }
});
