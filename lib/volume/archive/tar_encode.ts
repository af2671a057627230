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
  const bytes = new Uint8Array(headerRoom(entry));
  return bytes.slice(0, encodeHeaderInto(entry, bytes, 0));
}

/** Bytes that are enough for an entry's header blocks: UTF-8 takes at most three bytes per UTF-16 unit. */
export function headerRoom({ path, target }: TarEntry): number {
  const long = 3 * (path.length + target.length) + 200;
  return long < BLOCK ? 3 * BLOCK : 2 * BLOCK + padded(long);
}

/** Writes an entry's header blocks. @returns where they end. */
export function encodeHeaderInto(entry: TarEntry, bytes: Uint8Array, at: number): number {
  const shown = entry.kind === "directory" ? `${entry.path}/` : entry.path;
  const cut = isAscii(shown) ? splitName(shown) : undefined;
  const plainTarget = entry.target.length <= NAME_BYTES && isAscii(entry.target);
  const { seconds, nanos } = entry.mtime;
  const records = [
    ...(cut === undefined ? [record("path", shown)] : []),
    ...(plainTarget ? [] : [record("linkpath", entry.target)]),
    ...(entry.size > MAX_OCTAL_SIZE ? [record("size", String(entry.size))] : []),
    ...(nanos === 0 && seconds >= 0 && seconds <= MAX_OCTAL_SIZE ? [] : [record("mtime", formatTime(entry.mtime))]),
  ];
  const block = records.length === 0 ? at : extension(records.join(""), bytes, at);
  const name = cut === undefined ? shown : shown.slice(cut + (cut > 0 ? 1 : 0));
  const fields = { mode: entry.mode, size: entry.size > MAX_OCTAL_SIZE ? 0 : entry.size, type: TYPE_FLAGS[entry.kind] };
  start(bytes, block);
  putText(bytes, block, name, NAME_BYTES);
  if (cut !== undefined && cut > 0) putText(bytes, block + 345, shown.slice(0, cut), PREFIX_BYTES);
  putText(bytes, block + 157, entry.target, NAME_BYTES);
  finish(bytes, block, { ...fields, seconds: Math.min(Math.max(seconds, 0), MAX_OCTAL_SIZE) });
  return block + BLOCK;
}

/** What every header has in common: magic, owner 0. */
const TEMPLATE = new Uint8Array(BLOCK);
for (
  const [at, text] of [[108, "0000000\0"], [116, "0000000\0"], [257, "ustar\x0000"], [329, "0000000\0"], [
    337,
    "0000000\0",
  ]] as const
) {
  TEMPLATE.set(encoder.encode(text), at);
}

function start(bytes: Uint8Array, at: number): void {
  bytes.set(TEMPLATE, at);
}

function finish(
  bytes: Uint8Array,
  at: number,
  fields: { readonly mode: number; readonly size: number; readonly seconds: number; readonly type: string },
): void {
  octal(bytes, at + 100, 8, fields.mode);
  octal(bytes, at + 124, 12, fields.size);
  octal(bytes, at + 136, 12, fields.seconds);
  bytes[at + 156] = fields.type.charCodeAt(0);
  bytes.fill(0x20, at + 148, at + 156);
  let sum = 0;
  for (let index = at; index < at + BLOCK; index++) sum += bytes[index] as number;
  octal(bytes, at + 148, 7, sum);
  bytes[at + 154] = 0;
}

/** Writes what fits; a text that is not ASCII may be cut within a letter, and then stands whole in an extended header. */
function putText(bytes: Uint8Array, at: number, text: string, room: number): void {
  if (!isAscii(text)) return bytes.set(encoder.encode(text).subarray(0, room), at);
  const length = Math.min(text.length, room);
  for (let index = 0; index < length; index++) bytes[at + index] = text.charCodeAt(index);
}

/** Writes an extended header. @returns where it ends. */
function extension(records: string, bytes: Uint8Array, at: number): number {
  const body = bytes.subarray(at + BLOCK);
  const size = encoder.encodeInto(records, body).written;
  start(bytes, at);
  putText(bytes, at, "PaxHeader", NAME_BYTES);
  finish(bytes, at, { mode: 0o644, size, seconds: 0, type: "x" });
  body.fill(0, size, padded(size));
  return at + BLOCK + padded(size);
}

/** Sum of a header's bytes, the checksum field counted as blanks. */
export function checksum(block: Uint8Array): number {
  let sum = 8 * 0x20;
  for (let index = 0; index < BLOCK; index++) sum += block[index] as number;
  for (let index = 148; index < 156; index++) sum -= block[index] as number;
  return sum;
}

function octal(block: Uint8Array, offset: number, length: number, value: number): void {
  const digits = value.toString(8);
  assert(digits.length < length, `${value} does not fit a header field`);
  const start = offset + length - 1 - digits.length;
  block.fill(0x30, offset, start);
  for (let index = 0; index < digits.length; index++) block[start + index] = digits.charCodeAt(index);
}

/** Where a plain name is cut at a slash so that it fits ustar's two fields: 0 for nowhere; undefined if it does not fit. */
function splitName(name: string): number | undefined {
  if (name.length <= NAME_BYTES) return 0;
  for (let cut = name.length - NAME_BYTES - 1; cut <= PREFIX_BYTES && cut < name.length - 1; cut++) {
    if (cut > 0 && name.charCodeAt(cut) === 0x2f) return cut;
  }
  return undefined;
}

function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) >= 0x80) return false;
  return true;
}

/** `<length> <key>=<value>\n`, where the length is in bytes and counts itself. */
function record(key: string, value: string): string {
  const bytes = isAscii(value) ? value.length : encoder.encode(value).length;
  const rest = 1 + key.length + 1 + bytes + 1;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
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
