/**
 * The worker pool: jobs in, results and typed errors out, each worker with only its own permissions.
 *
 * @module
 */

export { createPool, type JobOptions, type WorkerKind, type WorkerKindOptions, type WorkerPool } from "./pool.ts";
export { type JobContext, serveJobs } from "./serve.ts";
