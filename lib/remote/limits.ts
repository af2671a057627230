// The bounds of transfers, by name.

const MIB = 1024 * 1024;

/** Objects above this size go in parts. */
export const PARTS_ABOVE_BYTES = 16 * MIB;
/** Bytes of a part; grows with objects of which 10,000 parts would not be enough. */
export const PART_BYTES = 8 * MIB;
/** Parts that S3 takes at most. */
export const MAX_PARTS = 10_000;
/** Parts of one object under way at once. */
export const PARTS_AT_ONCE = 4;
/** Bytes that one worker's transfers hold at once. */
export const WORKER_MEMORY_BYTES = 64 * MIB;
/** After a cancel, how long uploads may take to remove the parts that they sent, milliseconds. Ctrl-C is to end within a second. */
export const CANCEL_GRACE_MS = 700;
/** Silence after which a request counts as stalled, milliseconds. */
export const STALL_MS = 30_000;
/** Tries of one request, the first included. */
export const MAX_TRIES = 6;
/** How long after a remote said who it is a push of known blobs asks nothing, milliseconds. */
export const INDEX_TRUST_MS = 10 * 60_000;
/** Transfers at once unless said otherwise. */
export const DEFAULT_JOBS = 20;

/** Bytes per part for an object of `size` bytes. */
export function partBytesFor(size: number): number {
  return Math.max(PART_BYTES, Math.ceil(size / MAX_PARTS / MIB) * MIB);
}
