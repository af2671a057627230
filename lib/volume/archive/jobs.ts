// The messages between the coordinator and an archive worker. Types alone.

import type { TarEntry } from "./entry.ts";
import type { FilledMembers } from "./fill.ts";

/** How an archive is packed. */
export type Compression = "zstd" | "gzip" | "none";

/** A part of one file's content. */
export interface Piece {
  readonly entry: TarEntry;
  /** First byte of the part in the file. */
  readonly offset: number;
  /** Bytes of the part. */
  readonly length: number;
}

/** Read these from disk, make tar bytes of them and compress them as one frame. */
export interface PackJob {
  readonly type: "pack";
  readonly root: string;
  readonly compression: Compression;
  readonly level: number | undefined;
  /** Whole members; the last one may be the start of a file that other jobs go on with. */
  readonly entries: readonly TarEntry[];
  /** For the start of a large file (the last entry): bytes of its content in this frame. */
  readonly lastLength: number | undefined;
  /** A later part of a large file, instead of entries. */
  readonly piece: Piece | undefined;
  /** Adds the end marker. */
  readonly last: boolean;
  /** The tar bytes, where the coordinator read the files; entries are empty then. */
  readonly filled: FilledMembers | undefined;
}

/** One frame. */
export interface PackResult {
  readonly packed: Uint8Array<ArrayBuffer>;
  /** Bytes before compression. */
  readonly rawBytes: number;
  /** Where in the expanded frame the content of each entry starts. */
  readonly offsets: readonly number[];
  /** The memory of {@linkcode PackJob.filled}, to be used again. */
  readonly filled: Uint8Array<ArrayBuffer> | undefined;
}

/** Expand a segment and write its files below `root`. */
export interface UnpackJob {
  readonly type: "unpack";
  readonly root: string;
  /** A zstd frame, or plain tar bytes when `compressed` is false. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly compressed: boolean;
  /** Bytes when expanded, as the label says. */
  readonly rawBytes: number;
  /** Where the segment goes on in a file, if it does. */
  readonly into: Continuation | undefined;
  /** Small files are left to the coordinator. */
  readonly leaveSmall: boolean;
}

/** A file whose content goes on in the next segments. */
export interface Continuation {
  readonly path: string;
  /** Content bytes before this segment. */
  readonly offset: number;
  /** Content bytes of the whole file. */
  readonly size: number;
}

/** What a segment held. */
export interface UnpackResult {
  readonly entries: readonly TarEntry[];
  /** The file that goes on in the next segment. */
  readonly open: Continuation | undefined;
  /** Whether the end marker was in it. */
  readonly ended: boolean;
  /** What the coordinator has to write; undefined when all of it is on disk. */
  readonly left: LeftMembers | undefined;
}

/** Tar bytes of whole members that were read but not written. */
export interface LeftMembers {
  readonly raw: Uint8Array<ArrayBuffer>;
  /** Where the content of each entry starts. */
  readonly offsets: readonly number[];
}

/** Expand a frame, nothing else. */
export interface ExpandJob {
  readonly type: "expand";
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly rawBytes: number;
}

/** Anything that an archive worker does. */
export type ArchiveJob = PackJob | UnpackJob | ExpandJob;
/** Its answer; bytes for `expand`. */
export type ArchiveResult = PackResult | UnpackResult | Uint8Array<ArrayBuffer>;
