// Writing tar headers: POSIX.1-2017 `pax` interchange format (ustar plus extended headers where ustar has no room).
// Invariant: the bytes depend on the entry alone: owner 0, no names of users, no clock.

import { assert } from "../../core/mod.ts";
import type { EntryKind, TarEntry, TarTime } from "./entry.ts";

/** Everything in a tar is in blocks of this size. */
export const BLOCK = 512;
/** Largest size that an octal header field of 12 bytes can say: 8 GiB less one byte. */
const MAX_OCTAL_SIZE = 0o77777777777;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const TYPE_FLAGS: Readonly<Record<EntryKind, string>> = { file: "0", hardlink: "1", symlink: "2", directory: "5" };
const encoder = new TextEncoder();

/** The two empty blocks that end an archive. */
export const END_OF_ARCHIVE_BYTES = 2 * BLOCK;

/** Bytes of content rounded up to whole blocks. */
export function padded(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/** The header blocks of an entry: one, or three and more when an extended header is needed. */
export function encodeHeader(entry: TarEntry): Uint8Array {
  const name = encoder.encode(entry.kind === "directory" ? `${entry.path}/` : entry.path);
  const target = encoder.encode(entry.target);
  const split = splitName(name);
  const records: [string, Uint8Array][] = [];
  if (split === undefined) records.push(["path", name]);
  if (target.length > NAME_BYTES || !isAscii(target)) records.push(["linkpath", target]);
  if (entry.size > MAX_OCTAL_SIZE) records.push(["size", encoder.encode(String(entry.size))]);
  const time = entry.mtime;
  const plainTime = time.nanos === 0 && time.seconds >= 0 && time.seconds <= MAX_OCTAL_SIZE;
  if (!plainTime) records.push(["mtime", encoder.encode(formatTime(time))]);

  const block = ustarBlock({
    name: split?.name ?? name.subarray(0, NAME_BYTES),
    prefix: split?.prefix ?? new Uint8Array(0),
    target: target.subarray(0, NAME_BYTES),
    mode: entry.mode,
    size: entry.size > MAX_OCTAL_SIZE ? 0 : entry.size,
    seconds: Math.min(Math.max(time.seconds, 0), MAX_OCTAL_SIZE),
    type: TYPE_FLAGS[entry.kind],
  });
  return records.length === 0 ? block : withExtension(records, block);
}

interface UstarFields {
  readonly name: Uint8Array;
  readonly prefix: Uint8Array;
  readonly target: Uint8Array;
  readonly mode: number;
  readonly size: number;
  readonly seconds: number;
  readonly type: string;
}

function ustarBlock(fields: UstarFields): Uint8Array {
  const block = new Uint8Array(BLOCK);
  block.set(fields.name, 0);
  octal(block, 100, 8, fields.mode);
  octal(block, 108, 8, 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, fields.size);
  octal(block, 136, 12, fields.seconds);
  block[156] = fields.type.charCodeAt(0);
  block.set(fields.target, 157);
  block.set(encoder.encode("ustar\x0000"), 257);
  octal(block, 329, 8, 0);
  octal(block, 337, 8, 0);
  block.set(fields.prefix, 345);
  const sum = checksum(block).toString(8).padStart(6, "0");
  block.set(encoder.encode(`${sum}\0 `), 148);
  return block;
}

/** Sum of a header's bytes, the checksum field counted as blanks. */
export function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK; index++) {
    if (index < 148 || index >= 156) sum += block[index] ?? 0;
  }
  return sum;
}

function octal(block: Uint8Array, offset: number, length: number, value: number): void {
  const digits = value.toString(8);
  assert(digits.length < length, `${value} does not fit a header field`);
  const start = offset + length - 1 - digits.length;
  block.fill(0x30, offset, start);
  for (let index = 0; index < digits.length; index++) block[start + index] = digits.charCodeAt(index);
}

/** Splits a plain name at a slash so that it fits ustar's two fields, or undefined. */
function splitName(name: Uint8Array): { name: Uint8Array; prefix: Uint8Array } | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= NAME_BYTES) return { name, prefix: new Uint8Array(0) };
  for (let cut = name.length - NAME_BYTES - 1; cut <= PREFIX_BYTES && cut < name.length - 1; cut++) {
    if (cut > 0 && name[cut] === 0x2f) return { name: name.subarray(cut + 1), prefix: name.subarray(0, cut) };
  }
  return undefined;
}

function isAscii(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte < 0x80);
}

function withExtension(records: readonly [string, Uint8Array][], block: Uint8Array): Uint8Array {
  const parts = records.map(([key, value]) => paxRecord(key, value));
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  const all = new Uint8Array(BLOCK + padded(size) + BLOCK);
  const empty = new Uint8Array(0);
  const name = encoder.encode("PaxHeader");
  all.set(ustarBlock({ name, prefix: empty, target: empty, mode: 0o644, size, seconds: 0, type: "x" }), 0);
  let offset = BLOCK;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  all.set(block, all.length - BLOCK);
  return all;
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: Uint8Array): Uint8Array {
  const rest = 1 + key.length + 1 + value.length + 1;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  const record = new Uint8Array(length);
  record.set(encoder.encode(`${length} ${key}=`));
  record.set(value, length - 1 - value.length);
  record[length - 1] = 0x0a;
  return record;
}

/** Decimal seconds with as many digits as are needed; before the epoch the sign covers the whole number. */
export function formatTime(time: TarTime): string {
  if (time.nanos === 0) return String(time.seconds);
  const negative = time.seconds < 0;
  const whole = negative ? -time.seconds - 1 : time.seconds;
  const nanos = negative ? 1_000_000_000 - time.nanos : time.nanos;
  const digits = String(nanos).padStart(9, "0").replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}.${digits}`;
}
