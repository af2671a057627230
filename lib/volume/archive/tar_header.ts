// Reading one tar header block and the records of extended headers, as ustar, pax, GNU tar and bsdtar write them.
// Invariant: a field that is not what the format allows is an error, never a guess.

import { corruptArchive, type TarTime } from "./entry.ts";
import { checksum } from "./tar_encode.ts";

/** One header block, its fields decoded but not judged; bytes are views into the block. */
export interface RawHeader {
  readonly type: string;
  /** Bytes of the name, prefix joined. */
  readonly name: Uint8Array;
  readonly target: Uint8Array;
  readonly mode: number;
  readonly size: number;
  readonly seconds: number;
}

/** Decodes a block that is not all zero. @throws {PivotError} `corrupt-archive` */
export function decodeHeader(block: Uint8Array): RawHeader {
  if (number(block, 148, 8, "checksum") !== checksum(block)) throw corruptArchive("a header's checksum is wrong");
  const name = text(block, 0, 100);
  const prefix = isPosix(block) ? text(block, 345, 155) : NOTHING;
  return {
    type: String.fromCharCode(block[156] ?? 0),
    name: prefix.length === 0 ? name : joined(prefix, name),
    target: text(block, 157, 100),
    mode: number(block, 100, 8, "mode"),
    size: number(block, 124, 12, "size"),
    seconds: number(block, 136, 12, "mtime", true),
  };
}

const NOTHING = new Uint8Array(0);
const POSIX_MAGIC = [0x75, 0x73, 0x74, 0x61, 0x72, 0];

/** Whether the magic is `ustar\0`; GNU tar's own format has a blank there and other fields behind it. */
function isPosix(block: Uint8Array): boolean {
  return POSIX_MAGIC.every((byte, index) => block[257 + index] === byte);
}

function text(block: Uint8Array, offset: number, length: number): Uint8Array {
  if (block[offset] === 0) return NOTHING;
  const end = block.indexOf(0, offset);
  return block.subarray(offset, end < 0 ? offset + length : Math.min(end, offset + length));
}

function joined(prefix: Uint8Array, name: Uint8Array): Uint8Array {
  const all = new Uint8Array(prefix.length + 1 + name.length);
  all.set(prefix);
  all[prefix.length] = 0x2f;
  all.set(name, prefix.length + 1);
  return all;
}

const BLANK = 0x20;
const ZERO = 0x30;

/** A number in octal digits, or in GNU's base 256 when the first bit is set. */
function number(block: Uint8Array, offset: number, length: number, what: string, signed = false): number {
  const field = block.subarray(offset, offset + length);
  const first = field[0] ?? 0;
  if ((first & 0x80) !== 0) return base256(field, what, signed);
  let [at, value] = [0, 0];
  while (field[at] === BLANK) at += 1;
  for (let digit = (field[at] ?? 0) - ZERO; digit >= 0 && digit < 8; digit = (field[at] ?? 0) - ZERO) {
    value = value * 8 + digit;
    at += 1;
  }
  for (; at < length; at++) {
    if (field[at] !== 0 && field[at] !== BLANK) throw corruptArchive(`a header's ${what} is not a number`);
  }
  return value;
}

function base256(field: Uint8Array, what: string, signed: boolean): number {
  const negative = field[0] === 0xff;
  if (field[0] !== 0x80 && !negative) throw corruptArchive(`a header's ${what} is out of range`);
  let value = 0n;
  for (const byte of field.subarray(1)) value = (value << 8n) | BigInt(byte);
  if (negative) value -= 1n << BigInt(8 * (field.length - 1));
  const result = Number(value);
  if (!Number.isSafeInteger(result)) throw corruptArchive(`a header's ${what} is out of range`);
  if (negative && !signed) throw corruptArchive(`a header's ${what} is negative`);
  return result;
}

/** Records of an extended header: `<length> <key>=<value>\n` each. @throws {PivotError} `corrupt-archive` */
export function decodePax(body: Uint8Array): Map<string, Uint8Array> {
  const records = new Map<string, Uint8Array>();
  for (let offset = 0; offset < body.length;) {
    const space = body.indexOf(0x20, offset);
    const digits = space < 0 || space - offset > 12 ? "" : String.fromCharCode(...body.subarray(offset, space));
    if (!/^[1-9][0-9]*$/.test(digits)) throw corruptArchive("an extended header's record has no length");
    const end = offset + Number(digits);
    if (end > body.length || end <= space + 2) {
      throw corruptArchive("an extended header's record lies about its length");
    }
    if (body[end - 1] !== 0x0a) throw corruptArchive("an extended header's record does not end with a line feed");
    const equals = body.indexOf(0x3d, space);
    if (equals < 0 || equals >= end) throw corruptArchive("an extended header's record has no key");
    records.set(String.fromCharCode(...body.subarray(space + 1, equals)), body.slice(equals + 1, end - 1));
    offset = end;
  }
  return records;
}

/** A record's text when it can only be plain digits, sign and point. */
function plain(value: Uint8Array): string {
  return String.fromCharCode(...value.subarray(0, 64));
}

/** @throws {PivotError} `corrupt-archive` */
export function paxSize(value: Uint8Array): number {
  const digits = plain(value);
  const size = Number(digits);
  if (!/^[0-9]+$/.test(digits) || !Number.isSafeInteger(size)) {
    throw corruptArchive("an extended header's size is not a number");
  }
  return size;
}

/** @throws {PivotError} `corrupt-archive` */
export function paxTime(value: Uint8Array): TarTime {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(plain(value));
  if (match === null) throw corruptArchive("an extended header's mtime is not a number");
  const whole = Number(match[2]);
  const nanos = Number((match[3] ?? "").slice(0, 9).padEnd(9, "0"));
  if (match[1] === "") return { seconds: whole, nanos };
  return nanos === 0 ? { seconds: 0 - whole, nanos: 0 } : { seconds: -whole - 1, nanos: 1_000_000_000 - nanos };
}
