// Exact reads from a stream of chunks of any size. Invariants: bytes are handed out once, in order; the source is cancelled when the
// reader is closed early; a chunk belongs to the reader, which frees a large one as soon as it was read.

import { corruptArchive } from "./entry.ts";
import { release } from "../../sys/mod.ts";

/** Smaller chunks may be views into what their stream goes on using. */
const OWN_FROM_BYTES = 512 * 1024;

/** Reads exact counts of bytes. */
export class ByteReader implements AsyncDisposable {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #onBytes: (bytes: Uint8Array) => void;
  #chunk: Uint8Array = new Uint8Array(0);
  #offset = 0;
  #ended = false;
  /** Bytes taken from the stream so far, those included that were not handed out yet. */
  taken = 0;

  /** @param onBytes Sees every chunk as it arrives, for hashing in flight. */
  constructor(stream: ReadableStream<Uint8Array>, onBytes: (bytes: Uint8Array) => void = () => {}) {
    this.#reader = stream.getReader();
    this.#onBytes = onBytes;
  }

  /** Puts bytes back, to be read again. */
  unread(bytes: Uint8Array): void {
    const rest = this.#chunk.subarray(this.#offset);
    const joined = new Uint8Array(bytes.length + rest.length);
    joined.set(bytes);
    joined.set(rest, bytes.length);
    [this.#chunk, this.#offset] = [joined, 0];
  }

  /** Up to `limit` bytes, whatever is there next; undefined at the end. The bytes are only lent. */
  async some(limit: number): Promise<Uint8Array | undefined> {
    while (this.#offset === this.#chunk.length) {
      if (this.#ended || !(await this.#fill())) return undefined;
    }
    const end = Math.min(this.#chunk.length, this.#offset + limit);
    const bytes = this.#chunk.subarray(this.#offset, end);
    this.#offset = end;
    return bytes;
  }

  /** Exactly `count` bytes of their own, or undefined if the stream ends before the first. @throws {PivotError} if it ends later. */
  async exactly(count: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const part = await this.some(count - filled);
      if (part === undefined) break;
      bytes.set(part, filled);
      filled += part.length;
    }
    if (filled === count) return bytes;
    if (filled === 0) return undefined;
    throw corruptArchive("it was cut off");
  }

  /** Exactly `count` bytes. @throws {PivotError} `corrupt-archive` if the stream ends before. */
  async must(count: number): Promise<Uint8Array> {
    const bytes = await this.exactly(count);
    if (bytes === undefined) throw corruptArchive("it was cut off");
    return bytes;
  }

  /** Passes over `count` bytes. @throws {PivotError} `corrupt-archive` if the stream ends before. */
  async skip(count: number): Promise<void> {
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      if (part === undefined) throw corruptArchive("it was cut off");
      left -= part.length;
    }
  }

  async #fill(): Promise<boolean> {
    const read = this.#chunk;
    if (read.length >= OWN_FROM_BYTES && read.length === read.buffer.byteLength) release(read);
    this.#chunk = new Uint8Array(0);
    this.#offset = 0;
    const { done, value } = await this.#reader.read();
    if (done) {
      this.#ended = true;
      return false;
    }
    this.taken += value.length;
    this.#onBytes(value);
    [this.#chunk, this.#offset] = [value, 0];
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.#reader.cancel().catch(() => {});
    this.#reader.releaseLock();
  }
}
