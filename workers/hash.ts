// A hash worker: a list of files in, a digest per file out. It may read, and nothing else.

import type { HashJob, HashResult } from "../lib/cache/mod.ts";
import { hashFile } from "../lib/sys/mod.ts";
import { serveJobs } from "../lib/pool/mod.ts";

serveJobs<HashJob, HashResult>((job, { signal }) =>
  job.paths.map((path) => {
    signal.throwIfAborted();
    return hashFile(path);
  })
);
