// Any archive as one clean, uncompressed tar stream, for volumes that are filled through a pipe. Invariant: every byte was
// parsed, judged and written anew; what the far side gets holds nothing that our own reader would refuse.

import type { WorkerPool } from "../../pool/mod.ts";
import { ByteReader } from "./byte_reader.ts";
import { type ArchiveLimits, DEFAULT_LIMITS, type TarEntry } from "./entry.ts";
import { inOrder } from "./in_order.ts";
import type { ExpandJob } from "./jobs.ts";
import { Meter } from "./meter.ts";
import { NameRegistry } from "./registry.ts";
import { SegmentBuilder } from "./segment_builder.ts";
import { readSegments, type Segment } from "./segments.ts";
import { TarParser } from "./tar_parser.ts";

/** Options of {@linkcode readAsTar}. */
export interface ReadAsTarOptions {
  readonly pool: WorkerPool;
  /** @default DEFAULT_LIMITS */
  readonly limits?: Partial<ArchiveLimits>;
  /** Sees every byte of the archive, in order. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** Called for every member, in order. */
  readonly onEntry?: (entry: TarEntry) => void;
  /** Called when the archive was read whole, before the last bytes are yielded; throws to refuse it. */
  readonly onWhole?: () => void;
  readonly signal?: AbortSignal;
}

/**
 * Expands and cleans an archive. The end marker comes only when all of it was good, so a reader that insists on it never
 * takes a part for the whole.
 *
 * @throws {PivotError} `unsafe-archive`, `corrupt-archive`, `archive-too-large`; the signal's reason.
 */
export async function* readAsTar(
  stream: ReadableStream<Uint8Array>,
  options: ReadAsTarOptions,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const { pool, signal } = options;
  await using reader = new ByteReader(stream, options.onBytes);
  const meter = new Meter({ ...DEFAULT_LIMITS, ...options.limits }, () => reader.taken);
  const registry = new NameRegistry(false);
  const builder = new SegmentBuilder();
  const parser = new TarParser({
    onEntry(entry) {
      meter.entry(entry);
      registry.add(entry);
      options.onEntry?.(entry);
      builder.entry(entry);
    },
    onData: (bytes) => builder.data(bytes),
  });
  const expand = (segment: Segment) => expandSegment(segment, pool, signal);
  const segments = readSegments(reader, (bytes) => meter.raw(bytes));
  for await (const raw of inOrder(segments, 2 * pool.width("archive"), expand)) {
    parser.push(raw);
    for (const { bytes } of builder.take()) yield bytes;
  }
  signal?.throwIfAborted();
  parser.end();
  options.onWhole?.();
  builder.end();
  for (const { bytes } of builder.take()) yield bytes;
}

function expandSegment(
  segment: Segment,
  pool: WorkerPool,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!segment.compressed) return Promise.resolve(segment.bytes);
  const job: ExpandJob = { type: "expand", bytes: segment.bytes, rawBytes: segment.rawBytes };
  const transfer = [segment.bytes.buffer];
  return pool.run("archive", job, signal === undefined ? { transfer } : { transfer, signal });
}
