// Any archive as a stream of segments that workers can unpack: our own frames as they are, everything else (gzip, plain
// tar, zstd of other writers) expanded here and cut again. Invariant: a stream that was cut off is an error.

import { Buffer } from "node:buffer";
import { pipeline, Readable, type Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { ByteReader } from "./byte_reader.ts";
import { corruptArchive } from "./entry.ts";
import { decodeLabel, LABEL_BYTES, MAX_SEGMENT_BYTES, type SegmentLabel } from "./label.ts";
import { release } from "../../sys/mod.ts";
import { SegmentBuilder } from "./segment_builder.ts";
import { TarParser } from "./tar_parser.ts";
import { framePieces, type FrameStart, isZstdMagic, readFrameStart } from "./zstd_frame.ts";

/** Some of an archive: whole members, or a part of one file. */
export interface Segment {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** A zstd frame of ours; else plain tar bytes. */
  readonly compressed: boolean;
  readonly continues: boolean;
  /** Bytes when expanded. */
  readonly rawBytes: number;
}

/** An early look at bytes expanded so far, to stop a bomb before its end. */
export type RawBytesHook = (bytes: number) => void;

/**
 * Segments of an archive in any of the formats we read; the format is told from its first bytes.
 *
 * @throws {PivotError} `corrupt-archive`, `unsafe-archive`
 */
export async function* readSegments(reader: ByteReader, onRaw: RawBytesHook): AsyncGenerator<Segment> {
  const magic = await reader.exactly(4);
  if (magic === undefined) throw corruptArchive("it is empty");
  reader.unread(magic);
  if (magic[0] === 0x1f && magic[1] === 0x8b) yield* cut(through(createGunzip(), rest(reader)), onRaw);
  else if (isZstdMagic(magic)) yield* readZstd(reader, onRaw);
  else yield* cut(rest(reader), onRaw);
}

const CHUNK_BYTES = 256 * 1024;

async function* rest(reader: ByteReader): AsyncGenerator<Uint8Array> {
  for (let part = await reader.some(CHUNK_BYTES); part !== undefined; part = await reader.some(CHUNK_BYTES)) yield part;
}

/** Frames with labels go to the workers as they are; without, all is expanded here. */
async function* readZstd(reader: ByteReader, onRaw: RawBytesHook): AsyncGenerator<Segment> {
  // pzstd, for one, starts with a skippable frame.
  for (let start = await readFrameStart(reader); start?.kind !== "data"; start = await readFrameStart(reader)) {
    if (start === undefined) throw corruptArchive("it holds no zstd frame");
    await reader.skip(start.size);
  }
  const pieces = framePieces(reader);
  const first = await collect(pieces);
  const next = first.whole ? await readFrameStart(reader) : undefined;
  const label = next === undefined ? undefined : await readLabel(reader, next);
  if (label === undefined) {
    if (next !== undefined) reader.unread(next.kind === "data" ? next.magic : next.header);
    yield* cut(expandFrames(reader, first.parts, pieces), onRaw);
    return;
  }
  yield toSegment(first.parts, label);
  onRaw(label.rawBytes);
  yield* labelledFrames(reader, onRaw);
}

async function* labelledFrames(reader: ByteReader, onRaw: RawBytesHook): AsyncGenerator<Segment> {
  for (let start = await readFrameStart(reader); start !== undefined; start = await readFrameStart(reader)) {
    if (start.kind === "skippable") {
      await reader.skip(start.size);
      continue;
    }
    const { parts, whole } = await collect(framePieces(reader));
    if (!whole) throw corruptArchive("a labelled frame is too large");
    const next = await readFrameStart(reader);
    const label = next === undefined ? undefined : await readLabel(reader, next);
    if (label === undefined) throw corruptArchive("a frame has no label");
    onRaw(label.rawBytes);
    yield toSegment(parts, label);
  }
}

async function readLabel(reader: ByteReader, start: FrameStart): Promise<SegmentLabel | undefined> {
  if (start.kind !== "skippable" || !start.ours || start.size !== LABEL_BYTES) return undefined;
  const payload = await reader.must(LABEL_BYTES);
  const label = decodeLabel(payload);
  if (label === undefined) throw corruptArchive("a frame's label cannot be read");
  return label;
}

/** Collects a frame's pieces up to the size that ours have at most. */
async function collect(pieces: AsyncGenerator<Uint8Array>): Promise<{ parts: Uint8Array[]; whole: boolean }> {
  const parts: Uint8Array[] = [new Uint8Array([0x28, 0xb5, 0x2f, 0xfd])];
  for (let bytes = 0; bytes <= MAX_SEGMENT_BYTES;) {
    const { done, value } = await pieces.next();
    if (done) return { parts, whole: true };
    parts.push(value);
    bytes += value.length;
  }
  return { parts, whole: false };
}

/** Joins the parts, which are freed. */
function toSegment(parts: readonly Uint8Array[], label: SegmentLabel): Segment {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
    release(part);
  }
  return { bytes, compressed: true, continues: label.continues, rawBytes: label.rawBytes };
}

async function* expandFrames(
  reader: ByteReader,
  parts: readonly Uint8Array[],
  pieces: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* through(createZstdDecompress({ chunkSize: CHUNK_BYTES }), chain(parts, pieces));
  for (let start = await readFrameStart(reader); start !== undefined; start = await readFrameStart(reader)) {
    if (start.kind === "skippable") await reader.skip(start.size);
    // One decompressor per frame: ours would end after the first.
    else yield* through(createZstdDecompress({ chunkSize: CHUNK_BYTES }), chain([start.magic], framePieces(reader)));
  }
}

async function* chain(parts: readonly Uint8Array[], pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* parts;
  yield* pieces;
}

/** Bytes through one of Node's decompressors. */
async function* through(transform: Transform, source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      // Node's streams take Buffers; the bytes are lent only until the next read, so they are copied.
      for await (const part of source) yield Buffer.from(part);
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  const done = pipeline(Readable.from(watched()), transform, () => {});
  try {
    for await (const chunk of done) yield chunk as Uint8Array;
  } catch (error) {
    throw failure ?? corruptArchive("it cannot be expanded", error);
  }
}

/** Parses plain tar bytes and cuts them into clean segments. */
async function* cut(source: AsyncIterable<Uint8Array>, onRaw: RawBytesHook): AsyncGenerator<Segment> {
  const builder = new SegmentBuilder();
  const parser = new TarParser({ onEntry: (entry) => builder.entry(entry), onData: (bytes) => builder.data(bytes) });
  const ready = function* (): Generator<Segment> {
    for (const { bytes, continues } of builder.take()) {
      yield { bytes, continues, compressed: false, rawBytes: bytes.length };
    }
  };
  for await (const chunk of source) {
    onRaw(chunk.length);
    parser.push(chunk);
    yield* ready();
  }
  parser.end();
  builder.end();
  yield* ready();
}
