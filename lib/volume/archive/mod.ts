/**
 * The archive codec of volumes: tar (POSIX pax) in zstd frames with an index, gzip, or plain.
 *
 * @module
 */

export {
  type ArchiveIndex,
  decodeIndex,
  INDEX_FOOTER_BYTES,
  type IndexedEntry,
  indexFrameBytes,
} from "./archive_index.ts";
export { ByteReader } from "./byte_reader.ts";
export {
  type ArchiveLimits,
  corruptArchive,
  DEFAULT_LIMITS,
  type EntryKind,
  type TarEntry,
  type TarTime,
} from "./entry.ts";
export type { Compression } from "./jobs.ts";
export { LABEL_BYTES, MAX_SEGMENT_BYTES } from "./label.ts";
export { hashListing, listTree, type TreeListing } from "./list_tree.ts";
export { readArchive, type ReadArchiveOptions, type ReadArchiveResult } from "./read_archive.ts";
export { readAsTar, type ReadAsTarOptions } from "./tar_stream.ts";
export { formatTime } from "./tar_encode.ts";
export { TarParser } from "./tar_parser.ts";
export { expand as expandFrame } from "./unpack.ts";
export { release } from "../../sys/mod.ts";
export { writeArchive, type WriteArchiveOptions } from "./write_archive.ts";
