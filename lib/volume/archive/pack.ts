// A worker's half of writing: reads files straight into tar bytes and compresses them as one frame, so that raw bytes
// never cross threads. Invariant: a file that is not as it was listed fails the whole archive.

import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { PivotError } from "../../core/mod.ts";
import type { TarEntry } from "./entry.ts";
import type { PackJob, PackResult, Piece } from "./jobs.ts";
import { release } from "./release.ts";
import { encodeHeaderInto, END_OF_ARCHIVE_BYTES, headerRoom, padded } from "./tar_encode.ts";

/** Level of zstd unless another is asked for. */
const ZSTD_LEVEL = 3;
const GZIP_LEVEL = 6;
/** RFC 1952: the byte that names the system which wrote the file; 255 is unknown. */
const GZIP_SYSTEM_BYTE = 9;

/** Makes one frame. @throws {PivotError} `source-changed` */
export function pack(job: PackJob): PackResult {
  const { raw, offsets } = job.piece === undefined ? packEntries(job) : packPiece(job.root, job.piece);
  return { packed: compress(raw, job), rawBytes: raw.length, offsets };
}

function packEntries(job: PackJob): { raw: Uint8Array<ArrayBuffer>; offsets: number[] } {
  const lengthOf = (entry: TarEntry, at: number) =>
    at === job.entries.length - 1 && job.lastLength !== undefined ? job.lastLength : entry.size;
  const room = job.entries.reduce((sum, entry, at) => sum + headerRoom(entry) + padded(lengthOf(entry, at)), 0);
  const raw = scratch(room + END_OF_ARCHIVE_BYTES);
  const offsets: number[] = [];
  let at = 0;
  for (const [number, entry] of job.entries.entries()) {
    const length = lengthOf(entry, number);
    at = encodeHeaderInto(entry, raw, at);
    offsets.push(at);
    if (entry.kind === "file") readInto(raw.subarray(at, at + length), job.root, entry, 0);
    raw.fill(0, at + length, at + padded(length));
    at += padded(length);
  }
  if (job.last) {
    raw.fill(0, at, at + END_OF_ARCHIVE_BYTES);
    at += END_OF_ARCHIVE_BYTES;
  }
  return { raw: raw.subarray(0, at), offsets };
}

function packPiece(root: string, piece: Piece): { raw: Uint8Array<ArrayBuffer>; offsets: number[] } {
  const raw = scratch(padded(piece.length));
  readInto(raw.subarray(0, piece.length), root, piece.entry, piece.offset);
  raw.fill(0, piece.length);
  return { raw, offsets: [] };
}

/** One buffer per worker, grown when needed: fresh pages for every frame cost more than the copy that `none` needs. */
let buffer = new Uint8Array(0);

function scratch(bytes: number): Uint8Array<ArrayBuffer> {
  if (buffer.length < bytes) buffer = new Uint8Array(bytes);
  return buffer.subarray(0, bytes);
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

function compress(raw: Uint8Array<ArrayBuffer>, job: PackJob): Uint8Array<ArrayBuffer> {
  switch (job.compression) {
    case "none":
      return raw.slice();
    case "gzip": {
      const packed = new Uint8Array(gzipSync(raw, { level: job.level ?? GZIP_LEVEL }));
      packed[GZIP_SYSTEM_BYTE] = 255;
      return packed;
    }
    case "zstd": {
      const params = {
        [constants.ZSTD_c_compressionLevel]: job.level ?? ZSTD_LEVEL,
        [constants.ZSTD_c_checksumFlag]: 1,
      };
      // Puts the size into the frame's header, for `zstd -l`; missing in the types.
      const options = { params, pledgedSrcSize: raw.length, chunkSize: OUTPUT_CHUNK_BYTES };
      const output = zstdCompressSync(raw, options);
      const packed = new Uint8Array(output);
      release(output);
      return packed;
    }
  }
}

/** zlib's default of 16 KiB per call costs a third of the speed; room for the worst case would be mostly garbage. */
const OUTPUT_CHUNK_BYTES = 1024 * 1024;
