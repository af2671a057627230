// The index at the end of our zstd archives: which frame holds which member, so that one file is fetched by ranged reads.
// A skippable frame, format version 1: JSON compressed with zstd, then u32 length of that, u32 length of the JSON, "PVTI",
// u32 version; numbers little-endian. JSON: {"frames":[[packed bytes, raw bytes],…], "entries":[[path, kind, mode, size,
// mtime, target, frame, raw offset of the content in that frame],…]}. Frames count from 0, a frame's label counts with it.
// Restoring never trusts the index; only looking into an archive does, and checks what it finds.

import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { corruptArchive, type EntryKind } from "./entry.ts";
import { skippableFrame, u32 } from "./zstd_frame.ts";

/** Bytes behind the compressed JSON. */
export const INDEX_FOOTER_BYTES = 16;
const MAGIC = [0x50, 0x56, 0x54, 0x49] as const;
const VERSION = 1;
const MAX_INDEX_BYTES = 1024 * 1024 * 1024;

/** One frame. */
export interface IndexedFrame {
  /** Bytes in the archive, label included. */
  readonly packedBytes: number;
  readonly rawBytes: number;
}

/** One member. */
export interface IndexedEntry {
  /** Path in the volume. */
  readonly path: string;
  /** What it is. */
  readonly kind: EntryKind;
  /** Permission bits. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
  /** Decimal seconds since the epoch. */
  readonly mtime: string;
  /** Where a link leads; empty for everything else. */
  readonly target: string;
  /** Number of the frame in which the content starts. */
  readonly frame: number;
  /** Where in that frame, expanded, the content starts. */
  readonly offset: number;
}

/** What an archive contains and where. */
export interface ArchiveIndex {
  readonly frames: readonly IndexedFrame[];
  readonly entries: readonly IndexedEntry[];
}

type EntryRow = readonly [string, EntryKind, number, number, string, string, number, number];

/** The index as a skippable frame. */
export function encodeIndex(index: ArchiveIndex): Uint8Array<ArrayBuffer> {
  const rows = index.entries.map((each): EntryRow => [
    each.path,
    each.kind,
    each.mode,
    each.size,
    each.mtime,
    each.target,
    each.frame,
    each.offset,
  ]);
  const frames = index.frames.map((frame) => [frame.packedBytes, frame.rawBytes]);
  const json = new TextEncoder().encode(JSON.stringify({ frames, entries: rows }));
  const packed = zstdCompressSync(json, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
  const payload = new Uint8Array(packed.length + INDEX_FOOTER_BYTES);
  payload.set(packed);
  const view = new DataView(payload.buffer, packed.length);
  view.setUint32(0, packed.length, true);
  view.setUint32(4, json.length, true);
  payload.set(MAGIC, packed.length + 8);
  view.setUint32(12, VERSION, true);
  return skippableFrame(payload);
}

/** Bytes of the whole index frame, read from an archive's last bytes; undefined if they are not an index's. */
export function indexFrameBytes(tail: Uint8Array): number | undefined {
  if (tail.length < INDEX_FOOTER_BYTES) return undefined;
  const footer = tail.subarray(tail.length - INDEX_FOOTER_BYTES);
  if (MAGIC.some((byte, at) => footer[8 + at] !== byte)) return undefined;
  if (u32(footer, 12) !== VERSION) throw corruptArchive(`its index has the unknown version ${u32(footer, 12)}`);
  return 8 + u32(footer, 0) + INDEX_FOOTER_BYTES;
}

/** Decodes a whole index frame. @throws {PivotError} `corrupt-archive` */
export function decodeIndex(frame: Uint8Array): ArchiveIndex {
  const footer = frame.length - INDEX_FOOTER_BYTES;
  if (footer < 8 || indexFrameBytes(frame) !== frame.length) throw corruptArchive("its index lies about its length");
  const jsonBytes = u32(frame, footer + 4);
  if (jsonBytes > MAX_INDEX_BYTES) throw corruptArchive("its index is too large");
  try {
    const json = zstdDecompressSync(frame.subarray(8, footer), { maxOutputLength: Math.max(1, jsonBytes) });
    return checkIndex(JSON.parse(new TextDecoder().decode(json)));
  } catch (error) {
    throw corruptArchive("its index cannot be read", error);
  }
}

function checkIndex(value: { frames?: unknown; entries?: unknown }): ArchiveIndex {
  if (!Array.isArray(value.frames) || !Array.isArray(value.entries)) throw corruptArchive("its index has no lists");
  const frames = value.frames.map((frame): IndexedFrame => {
    if (!Array.isArray(frame) || !frame.every(isCount)) throw corruptArchive("its index has a bad frame");
    return { packedBytes: Number(frame[0]), rawBytes: Number(frame[1]) };
  });
  const entries = value.entries.map((row): IndexedEntry => {
    if (!isEntryRow(row) || row[6] >= frames.length) throw corruptArchive("its index has a bad member");
    const [path, kind, mode, size, mtime, target, frame, offset] = row;
    return { path, kind, mode, size, mtime, target, frame, offset };
  });
  return { frames, entries };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isEntryRow(row: unknown): row is EntryRow {
  return Array.isArray(row) && row.length === 8 && [0, 1, 4, 5].every((at) => typeof row[at] === "string") &&
    [2, 3, 6, 7].every((at) => isCount(row[at])) && ["file", "directory", "symlink", "hardlink"].includes(row[1]);
}
