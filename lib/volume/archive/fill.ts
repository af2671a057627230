// Files as tar bytes, ready to be compressed: on a worker, or on the coordinator where files are small and many.
// Invariant: a file that is not as it was listed fails the whole archive.

import { PivotError } from "../../core/mod.ts";
import type { TarEntry } from "./entry.ts";
import type { Piece } from "./jobs.ts";
import { encodeHeaderInto, END_OF_ARCHIVE_BYTES, headerRoom, padded } from "./tar_encode.ts";

/** Some members of an archive. */
export interface Members {
  readonly root: string;
  readonly entries: readonly TarEntry[];
  /** For the start of a large file (the last entry): bytes of its content here. */
  readonly lastLength?: number | undefined;
  /** Adds the end marker. */
  readonly last: boolean;
}

/** Their tar bytes, in memory that was lent for them. */
export interface FilledMembers {
  readonly raw: Uint8Array<ArrayBuffer>;
  /** Where the content of each entry starts. */
  readonly offsets: readonly number[];
}

/** Gives at least so many bytes of memory, whatever is in them. */
export type Scratch = (bytes: number) => Uint8Array<ArrayBuffer>;

/** Reads members into tar bytes. @throws {PivotError} `source-changed` */
export function fillMembers({ root, entries, lastLength, last }: Members, scratch: Scratch): FilledMembers {
  const lengthOf = (entry: TarEntry, at: number) =>
    at === entries.length - 1 && lastLength !== undefined ? lastLength : entry.size;
  const room = entries.reduce((sum, entry, at) => sum + headerRoom(entry) + padded(lengthOf(entry, at)), 0);
  const raw = scratch(room + END_OF_ARCHIVE_BYTES);
  const offsets: number[] = [];
  let at = 0;
  for (const [number, entry] of entries.entries()) {
    const length = lengthOf(entry, number);
    at = encodeHeaderInto(entry, raw, at);
    offsets.push(at);
    if (entry.kind === "file") readInto(raw.subarray(at, at + length), root, entry, 0);
    raw.fill(0, at + length, at + padded(length));
    at += padded(length);
  }
  if (last) {
    raw.fill(0, at, at + END_OF_ARCHIVE_BYTES);
    at += END_OF_ARCHIVE_BYTES;
  }
  return { raw: raw.subarray(0, at), offsets };
}

/** Reads a part of a large file, padded to whole blocks. @throws {PivotError} `source-changed` */
export function fillPiece(root: string, piece: Piece, scratch: Scratch): FilledMembers {
  const raw = scratch(padded(piece.length)).subarray(0, padded(piece.length));
  readInto(raw.subarray(0, piece.length), root, piece.entry, piece.offset);
  raw.fill(0, piece.length);
  return { raw, offsets: [] };
}

function readInto(target: Uint8Array, root: string, entry: TarEntry, offset: number): void {
  using file = openSource(`${root}/${entry.path}`, entry.path);
  if (offset > 0) file.seekSync(offset, Deno.SeekMode.Start);
  for (let filled = 0; filled < target.length;) {
    const count = file.readSync(target.subarray(filled));
    if (count === null) throw sourceChanged(entry.path, "it became shorter");
    filled += count;
  }
  // One that grew while it was read shows in its size, without a read more.
  assertSame(file.statSync(), entry);
}

function assertSame(now: Deno.FileInfo, entry: TarEntry): void {
  if (now.size !== entry.size) throw sourceChanged(entry.path, "its size changed");
  const ms = entry.mtime.seconds * 1000 + Math.floor(entry.mtime.nanos / 1_000_000);
  if (now.mtime !== null && now.mtime.getTime() !== ms) throw sourceChanged(entry.path, "it was written to");
}

function openSource(path: string, shown: string): Deno.FsFile {
  try {
    return Deno.openSync(path);
  } catch (error) {
    throw sourceChanged(shown, "it cannot be opened", error);
  }
}

function sourceChanged(path: string, why: string, cause?: unknown): PivotError {
  return new PivotError(`cannot archive "${path}": ${why} while the volume was read`, {
    code: "source-changed",
    hint: "end whatever still writes to the volume before it is persisted",
    ...(cause === undefined ? {} : { cause }),
  });
}
