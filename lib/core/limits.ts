// Every bound that protects memory, descriptors or time, in one place and by name.

/** Files up to this size are hashed in batches; larger ones are streamed. */
export const SMALL_FILE_BYTES = 256 * 1024;
/** Bytes read per system call when streaming. */
export const STREAM_CHUNK_BYTES = 1024 * 1024;
/** Files per message to a hash worker. */
export const HASH_BATCH_FILES = 256;
/** How long a child may take to end after it was asked to. */
export const KILL_GRACE_MS = 3_000;
/** Lines of a failed stage's log that are shown. */
export const LOG_TAIL_LINES = 20;
/** Longest name of one file that common file systems take, in bytes. */
export const MAX_NAME_BYTES = 255;
