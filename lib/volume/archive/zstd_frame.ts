// Where zstd frames begin and end, found from their headers without expanding them (RFC 8878, section 3.1).
// Invariant: a frame that was cut off is an error here; the decompressor below us would accept it.

import { ByteReader } from "./byte_reader.ts";
import { corruptArchive } from "./entry.ts";

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Skippable frames have sixteen magic numbers; ours is the last but one. */
const OUR_SKIPPABLE_MAGIC = SKIPPABLE_MAGIC + 0xe;
const MAX_BLOCK_BYTES = 128 * 1024;

/** Start of what comes next in a stream of frames. */
export type FrameStart =
  | { readonly kind: "data"; readonly magic: Uint8Array }
  | { readonly kind: "skippable"; readonly ours: boolean; readonly size: number; readonly header: Uint8Array };

/** Reads the first bytes of the next frame; undefined at the end. @throws {PivotError} `corrupt-archive` */
export async function readFrameStart(reader: ByteReader): Promise<FrameStart | undefined> {
  const magic = await reader.exactly(4);
  if (magic === undefined) return undefined;
  const number = u32(magic, 0);
  if (number === FRAME_MAGIC) return { kind: "data", magic };
  if (number < SKIPPABLE_MAGIC || number > SKIPPABLE_MAGIC + 0xf) {
    throw corruptArchive("no zstd frame where one should start");
  }
  const size = await reader.must(4);
  const header = new Uint8Array([...magic, ...size]);
  return { kind: "skippable", ours: number === OUR_SKIPPABLE_MAGIC, size: u32(size, 0), header };
}

/** The rest of a data frame, piece by piece, each piece in memory of its own; ends where the frame ends. */
export async function* framePieces(reader: ByteReader): AsyncGenerator<Uint8Array> {
  const descriptor = await reader.must(1);
  const flags = descriptor[0] ?? 0;
  if ((flags & 0x08) !== 0) throw corruptArchive("a zstd frame has a reserved bit set");
  yield descriptor;
  yield await reader.must(headerBytesAfter(flags));
  for (let last = false; !last;) {
    const header = await reader.must(3);
    const word = (header[0] ?? 0) | ((header[1] ?? 0) << 8) | ((header[2] ?? 0) << 16);
    last = (word & 1) === 1;
    const type = (word >> 1) & 3;
    const size = word >> 3;
    if (type === 3 || size > MAX_BLOCK_BYTES) throw corruptArchive("a zstd block's header is wrong");
    yield header;
    // A run-length block is one byte, whatever it expands to.
    const count = type === 1 ? 1 : size;
    if (count > 0) yield await reader.must(count);
  }
  if ((flags & 0x04) !== 0) yield await reader.must(4);
}

function headerBytesAfter(flags: number): number {
  const single = (flags & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const content = [single ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  return (single ? 0 : 1) + dictionary + content;
}

/** Whether four bytes start a zstd stream. */
export function isZstdMagic(bytes: Uint8Array): boolean {
  const number = u32(bytes, 0);
  return number === FRAME_MAGIC || (number >= SKIPPABLE_MAGIC && number <= SKIPPABLE_MAGIC + 0xf);
}

/** A skippable frame of ours. */
export function skippableFrame(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(8 + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, OUR_SKIPPABLE_MAGIC, true);
  view.setUint32(4, payload.length, true);
  frame.set(payload, 8);
  return frame;
}

/** Whether bytes start with a skippable frame of ours. */
export function isOurSkippable(bytes: Uint8Array): boolean {
  return bytes.length >= 8 && u32(bytes, 0) === OUR_SKIPPABLE_MAGIC;
}

/** Little-endian unsigned number at `offset`. */
export function u32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
