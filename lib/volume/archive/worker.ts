// What an archive worker needs of this room, and no more, so that a worker starts fast.

export { pack } from "./pack.ts";
export { expand, unpack } from "./unpack.ts";
export type { ArchiveJob, ArchiveResult } from "./jobs.ts";
