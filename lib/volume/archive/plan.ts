// Cuts a listing into the jobs that make an archive. Invariant: pure, so the same listing gives the same frames.

import { assert } from "../../core/mod.ts";
import type { TarEntry } from "./entry.ts";
import type { Piece } from "./jobs.ts";
import { SEGMENT_BYTES } from "./segment_builder.ts";
import { BLOCK, padded } from "./tar_encode.ts";

/** What goes into one frame: whole members, or a later part of a large file. */
export interface FramePlan {
  readonly entries: readonly TarEntry[];
  /** Content bytes of the last entry in this frame, if it goes on in the next. */
  readonly lastLength?: number;
  readonly piece?: Piece;
  /** Adds the end marker. */
  readonly last: boolean;
}

/** Bytes that a member's headers take, about: an extended header for its mtime, mostly. */
const HEADER_BYTES = 3 * BLOCK;

/** The frames of an archive, in order; each about 4 MiB before compression, ending on a member's border where it can. */
export function* planFrames(entries: readonly TarEntry[]): Generator<FramePlan> {
  let [batch, bytes]: [TarEntry[], number] = [[], 0];
  for (const entry of entries) {
    const total = HEADER_BYTES + padded(entry.size);
    if (batch.length > 0 && bytes + total > SEGMENT_BYTES) {
      yield { entries: batch, last: false };
      [batch, bytes] = [[], 0];
    }
    if (entry.size > SEGMENT_BYTES) yield* planLargeFile(entry);
    else {
      batch.push(entry);
      bytes += total;
    }
  }
  yield { entries: batch, last: true };
}

function* planLargeFile(entry: TarEntry): Generator<FramePlan> {
  assert(entry.size > SEGMENT_BYTES, "only large files are cut");
  yield { entries: [entry], lastLength: SEGMENT_BYTES, last: false };
  for (let offset = SEGMENT_BYTES; offset < entry.size; offset += SEGMENT_BYTES) {
    const length = Math.min(SEGMENT_BYTES, entry.size - offset);
    yield { entries: [], piece: { entry, offset, length }, last: false };
  }
}
