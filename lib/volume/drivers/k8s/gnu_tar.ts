// A tar stream whose long names and large sizes are written as GNU tar does, since the tar of small images passes over pax records.
// Formats: POSIX.1-2024 pax, and the GNU tar manual on `L` and `K` members. Invariant: what cannot be written so is an error.

import { driverError } from "../failure.ts";

const BLOCK = 512;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/**
 * Rewrites a tar as it streams through. Times are cut to whole seconds.
 *
 * @param onFolder Gets the headers of each folder.
 */
export async function* asGnuTar(
  source: AsyncIterable<Uint8Array>,
  onFolder: (headers: readonly Uint8Array[]) => void,
): AsyncGenerator<Uint8Array> {
  await using blocks = new Blocks(source);
  let records: ReadonlyMap<string, string> = new Map();
  for (;;) {
    const header = await blocks.take(BLOCK);
    if (header.every((byte) => byte === 0)) {
      yield header;
      yield* blocks.rest();
      return;
    }
    const size = sizeOf(header);
    const type = String.fromCharCode(header[156] ?? 0);
    if (type === "x" || type === "g") {
      const text = await blocks.take(padded(size));
      if (type === "x") records = parseRecords(text.subarray(0, size));
      continue;
    }
    const whole = Number(records.get("size") ?? size);
    const head = [...longNames(records), patched(header, records, whole)];
    if (type === "5") onFolder(head);
    yield* head;
    yield* blocks.copy(padded(whole));
    records = new Map();
  }
}

/** A tar of headers alone. */
export function* tarOfHeaders(headers: readonly Uint8Array[]): Generator<Uint8Array> {
  yield* headers;
  yield new Uint8Array(2 * BLOCK);
}

/**
 * Sets the times of symbolic links to 0 as a tar streams through: small tars cannot set them, so that they would differ after each
 * restore.
 */
export async function* withoutLinkTimes(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await using blocks = new Blocks(source);
  for (;;) {
    const header = await blocks.take(BLOCK);
    if (header.every((byte) => byte === 0)) {
      yield header;
      yield* blocks.rest();
      return;
    }
    if (String.fromCharCode(header[156] ?? 0) === "2") {
      put(header, numberField(0), 136);
      withChecksum(header);
    }
    yield header;
    yield* blocks.copy(padded(sizeOf(header)));
  }
}

function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** A `K` member for a long target, an `L` member for a long name. */
function* longNames(records: ReadonlyMap<string, string>): Generator<Uint8Array> {
  for (const [key, type] of [["linkpath", "K"], ["path", "L"]] as const) {
    const value = records.get(key);
    if (value === undefined) continue;
    const bytes = encoder.encode(`${value}\0`);
    const header = new Uint8Array(BLOCK);
    put(header, "././@LongLink", 0);
    put(header, "0000644\0", 100);
    put(header, "0000000\0", 108);
    put(header, "0000000\0", 116);
    put(header, `${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
    put(header, "00000000000\0", 136);
    put(header, type, 156);
    put(header, "ustar  \0", 257);
    yield withChecksum(header);
    const body = new Uint8Array(padded(bytes.length));
    body.set(bytes);
    yield body;
  }
}

function patched(header: Uint8Array, records: ReadonlyMap<string, string>, size: number): Uint8Array {
  const copy = header.slice();
  for (const [key, at] of [["path", 0], ["linkpath", 157]] as const) {
    const value = records.get(key);
    if (value === undefined) continue;
    // What readers without the long member see: the beginning.
    copy.fill(0, at, at + 100);
    copy.set(encoder.encode(value).subarray(0, 100), at);
    if (key === "path") copy.fill(0, 345, 500);
  }
  const mtime = records.get("mtime");
  if (mtime !== undefined) put(copy, numberField(Math.max(0, Math.floor(Number(mtime)))), 136);
  if (records.has("size")) copy.set(sizeField(size), 124);
  return withChecksum(copy);
}

function numberField(value: number): string {
  return `${value.toString(8).padStart(11, "0")}\0`;
}

/** Octal up to 8 GiB, base 256 beyond. */
function sizeField(size: number): Uint8Array {
  if (size < 8 ** 11) return encoder.encode(numberField(size));
  const bytes = new Uint8Array(12);
  let rest = size;
  for (let at = 11; at > 0; at--) {
    bytes[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  bytes[0] = 0x80;
  return bytes;
}

function sizeOf(header: Uint8Array): number {
  const field = header.subarray(124, 136);
  if ((field[0] ?? 0) & 0x80) return field.subarray(1).reduce((sum, byte) => sum * 256 + byte, 0);
  const size = parseInt(decoder.decode(field).replace(/\0.*$/, "").trim() || "0", 8);
  if (Number.isSafeInteger(size)) return size;
  throw driverError("volume-failed", "cannot move the files of a volume: the tar has a header that cannot be read");
}

/** `LENGTH KEY=VALUE\n` over and over. */
function parseRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(32, at);
    const length = Number(decoder.decode(bytes.subarray(at, space)));
    if (space < 0 || !(length > 0)) break;
    const record = decoder.decode(bytes.subarray(space + 1, at + length - 1));
    const equals = record.indexOf("=");
    found.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return found;
}

function put(target: Uint8Array, text: string, at: number): void {
  target.set(encoder.encode(text), at);
}

function withChecksum(header: Uint8Array): Uint8Array {
  header.fill(32, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(header, `${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** Takes exact amounts from chunks of any size. */
class Blocks {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  async take(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    let at = 0;
    for await (const part of this.copy(count)) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  async *copy(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0;) {
      if (this.#held.length === 0) {
        const { done, value } = await this.#source.next();
        if (done) throw driverError("volume-failed", "cannot move the files of a volume: the tar was cut off");
        this.#held = value;
        continue;
      }
      const part = this.#held.subarray(0, left);
      this.#held = this.#held.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  /** Whoever stops early lets the source go. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source.return?.();
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    if (this.#held.length > 0) yield this.#held;
    for (;;) {
      const { done, value } = await this.#source.next();
      if (done) return;
      yield value;
    }
  }
}
