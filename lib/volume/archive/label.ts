// The label behind every data frame of our zstd archives: whether the frame starts with a member or in the middle of a file,
// and how long it is when expanded. With it frames are expanded on all workers at once, from a stream. Format version 1:
// "PVTF", version u8, flags u8 (bit 0: starts in the middle of a file), 2 zero bytes, expanded bytes u32 little-endian.

import { corruptArchive } from "./entry.ts";
import { skippableFrame, u32 } from "./zstd_frame.ts";

/** Bytes of a label's payload. */
export const LABEL_BYTES = 12;
/** No frame of ours is larger when expanded. */
export const MAX_SEGMENT_BYTES = 32 * 1024 * 1024;
const MAGIC = [0x50, 0x56, 0x54, 0x46] as const;
const VERSION = 1;

/** What a label says. */
export interface SegmentLabel {
  /** The segment starts in the middle of a file's content. */
  readonly continues: boolean;
  /** Bytes when expanded. */
  readonly rawBytes: number;
}

/** The label as a skippable frame. */
export function encodeLabel(label: SegmentLabel): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(LABEL_BYTES);
  payload.set([...MAGIC, VERSION, label.continues ? 1 : 0]);
  new DataView(payload.buffer).setUint32(8, label.rawBytes, true);
  return skippableFrame(payload);
}

/** Decodes a payload; undefined if it is not a label. @throws {PivotError} `corrupt-archive` if it is one that lies. */
export function decodeLabel(payload: Uint8Array): SegmentLabel | undefined {
  if (payload.length !== LABEL_BYTES || MAGIC.some((byte, index) => payload[index] !== byte)) return undefined;
  if (payload[4] !== VERSION) throw corruptArchive(`its frame labels have the unknown version ${payload[4]}`);
  const rawBytes = u32(payload, 8);
  if (rawBytes === 0 || rawBytes > MAX_SEGMENT_BYTES) throw corruptArchive("a frame's label lies about its size");
  return { continues: ((payload[5] ?? 0) & 1) === 1, rawBytes };
}
