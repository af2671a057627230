// A worker's half of reading: expands a segment, judges its names and writes its files and folders below a folder that
// only this extraction uses. Invariant: a segment is parsed whole before anything of it is written.

import { zstdDecompressSync } from "node:zlib";
import { assert } from "../../core/mod.ts";
import { corruptArchive, type TarEntry } from "./entry.ts";
import type { Continuation, ExpandJob, UnpackJob, UnpackResult } from "./jobs.ts";
import { release } from "../../sys/mod.ts";
import { areSmall } from "./small_files.ts";
import { padded } from "./tar_encode.ts";
import { TarParser } from "./tar_parser.ts";
import { MemberWriter, writeAll } from "./write_members.ts";

/** Expands one zstd frame to exactly the size that its label says. @throws {PivotError} `corrupt-archive` */
export function expand(job: Omit<ExpandJob, "type">): Uint8Array<ArrayBuffer> {
  let raw: Uint8Array;
  try {
    raw = zstdDecompressSync(job.bytes, { maxOutputLength: job.rawBytes, chunkSize: Math.max(64, job.rawBytes) });
  } catch (error) {
    throw corruptArchive("a zstd frame cannot be expanded", error);
  }
  if (raw.length !== job.rawBytes) throw corruptArchive("a frame's label lies about its size");
  return raw.byteOffset === 0 && raw.buffer instanceof ArrayBuffer && raw.buffer.byteLength === raw.length
    ? new Uint8Array(raw.buffer)
    : new Uint8Array(raw);
}

/** Writes one segment, or leaves it to the coordinator. @throws {PivotError} `corrupt-archive`, `unsafe-archive` */
export function unpack(job: UnpackJob): UnpackResult {
  const raw = job.compressed ? expand(job) : job.bytes;
  if (job.compressed) release(job.bytes);
  const result = job.into === undefined ? unpackMembers(job, raw) : unpackMore(job.root, raw, job.into);
  if (result.left === undefined) release(raw);
  return result;
}

function unpackMembers({ root, leaveSmall }: UnpackJob, raw: Uint8Array<ArrayBuffer>): UnpackResult {
  const { entries, offsets, parser } = parse(raw);
  if (parser.dataLeft === 0 && !parser.atBorder) throw corruptArchive("a frame ends in the middle of a header");
  const open = parser.dataLeft === 0 ? undefined : openFile(entries.at(-1), parser.dataLeft);
  // The later parts of an open file are written by workers, which must find its start on disk.
  if (leaveSmall && open === undefined && areSmall(entries.length)) {
    return { entries, open, ended: parser.ended, left: { raw, offsets } };
  }
  new MemberWriter(root).write({ entries, raw, offsets });
  return { entries, open, ended: parser.ended, left: undefined };
}

function parse(raw: Uint8Array): { entries: TarEntry[]; offsets: number[]; parser: TarParser } {
  const entries: TarEntry[] = [];
  const offsets: number[] = [];
  const parser = new TarParser({
    onEntry(entry) {
      entries.push(entry);
      offsets.push(0);
    },
    // All bytes are pushed at once, so a member's content comes in one piece.
    onData(bytes) {
      offsets[entries.length - 1] = bytes.byteOffset - raw.byteOffset;
    },
  });
  parser.push(raw);
  return { entries, offsets, parser };
}

function openFile(last: TarEntry | undefined, dataLeft: number): Continuation {
  assert(last !== undefined, "content belongs to a member");
  return { path: last.path, offset: last.size - dataLeft, size: last.size };
}

function unpackMore(root: string, raw: Uint8Array, into: Continuation): UnpackResult {
  const left = into.size - into.offset;
  const length = Math.min(left, raw.length);
  if (raw.length > left && raw.length !== padded(left)) {
    throw corruptArchive("a frame goes on behind the file it belongs to");
  }
  using file = Deno.openSync(`${root}/${into.path}`, { write: true });
  file.seekSync(into.offset, Deno.SeekMode.Start);
  writeAll(file, raw.subarray(0, length));
  const offset = into.offset + length;
  const open = offset < into.size ? { ...into, offset } : undefined;
  return { entries: [], open, ended: false, left: undefined };
}
