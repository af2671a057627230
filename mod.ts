/**
 * Pivot for Deno: pipelines that re-run only what changed.
 *
 * Declare stages in `pivot.ts` at the root of a project and run them with `deno task pivot run`.
 *
 * @example
 * ```ts
 * import { dep, out, stage, text } from "@pivot/pivot";
 * export const upper = stage({
 *   deps: { a: dep("a.txt", text()) },
 *   outs: out("upper.txt", text()),
 *   run: ({ a }) => a.toUpperCase(),
 * });
 * console.assert(upper.outs.path === "upper.txt");
 * ```
 *
 * @module
 */

export * from "./lib/pipeline/public.ts";
export { PivotError, PivotFindings } from "./lib/core/mod.ts";
export type { ErrorKind, Json, JsonObject, PivotErrorOptions, SourceSpot } from "./lib/core/mod.ts";
export {
  openRepository,
  type Repository,
  type RepositoryCallOptions,
  type RepositoryResult,
} from "./lib/app/repository.ts";
export type {
  Amount,
  BlobFailure,
  BlobRequest,
  Branded,
  Digest,
  RemoteStatus,
  SyncEvent,
  SyncResult,
} from "./lib/remote/mod.ts";
