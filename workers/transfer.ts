// A transfer worker: a blob's file in, its object on the remote out, or the other way round.

import { serveJobs } from "../lib/pool/mod.ts";
import { transferHandler } from "../lib/remote/worker.ts";

serveJobs(transferHandler());
