// Makes clean tar segments of a stream of members, as the reader of foreign archives and streams needs them: each
// starts with a member or is a part of one large file. Invariant: what was not understood is not in the output.

import { assert } from "../../core/mod.ts";
import type { TarEntry } from "./entry.ts";
import { encodeHeader, END_OF_ARCHIVE_BYTES, padded } from "./tar_encode.ts";

/** Content bytes that a segment holds, about; larger files are cut into parts of this size. */
export const SEGMENT_BYTES = 4 * 1024 * 1024;
/** Room for one header beside them; names and link targets have at most 4096 bytes. */
const HEADER_ROOM_BYTES = 32 * 1024;

/** Some tar bytes. */
export interface RawSegment {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Starts in the middle of a file. */
  readonly continues: boolean;
}

/** Collects members into segments. */
export class SegmentBuilder {
  readonly #buffer = new Uint8Array(SEGMENT_BYTES + HEADER_ROOM_BYTES);
  readonly #ready: RawSegment[] = [];
  #used = 0;
  #room = SEGMENT_BYTES;
  #left = 0;
  #padding = 0;
  #continues = false;

  /** Starts a member. */
  entry(entry: TarEntry): void {
    assert(this.#left === 0, "the member before got all of its content");
    const header = encodeHeader(entry);
    const total = header.length + padded(entry.size);
    if (this.#continues || (this.#used > 0 && this.#used + total > SEGMENT_BYTES)) this.#flush(false);
    this.#append(header);
    this.#room = SEGMENT_BYTES;
    this.#left = entry.size;
    this.#padding = padded(entry.size) - entry.size;
  }

  /** Content of the member that was started last. */
  data(bytes: Uint8Array): void {
    for (let offset = 0; offset < bytes.length;) {
      if (this.#room === 0) {
        this.#flush(true);
        this.#room = SEGMENT_BYTES;
      }
      const count = Math.min(bytes.length - offset, this.#room);
      this.#append(bytes.subarray(offset, offset + count));
      this.#room -= count;
      this.#left -= count;
      offset += count;
    }
    assert(this.#left >= 0, "content fits its member");
    if (this.#left === 0) this.#append(new Uint8Array(this.#padding));
  }

  /** Adds the end marker. */
  end(): void {
    if (this.#continues || this.#used + END_OF_ARCHIVE_BYTES > SEGMENT_BYTES) this.#flush(false);
    this.#append(new Uint8Array(END_OF_ARCHIVE_BYTES));
    this.#flush(false);
  }

  /** The segments that are whole; each is handed out once. */
  take(): RawSegment[] {
    return this.#ready.splice(0);
  }

  #append(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  #flush(nextContinues: boolean): void {
    if (this.#used > 0) this.#ready.push({ bytes: this.#buffer.slice(0, this.#used), continues: this.#continues });
    this.#used = 0;
    this.#continues = nextContinues;
  }
}
