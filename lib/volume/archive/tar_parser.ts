// The one reader of tar bytes: pushed any chunks, it calls back per member and per piece of content. Invariants: every name
// was checked; no member type passes that a volume cannot hold; the end is an end marker, nothing but zeros behind it.

import { corruptArchive, type EntryKind, type TarEntry, type TarTime, unsafeArchive } from "./entry.ts";
import { checkLinkText, checkName, decodeName } from "./names.ts";
import { BLOCK, padded } from "./tar_encode.ts";
import { decodeHeader, decodePax, paxSize, paxTime, type RawHeader } from "./tar_header.ts";

/** An extended header or long name larger than this is refused. */
const MAX_META_BYTES = 1024 * 1024;

/** What the parser tells. */
export interface TarEvents {
  /** A member starts; never called for the volume's own folder. */
  readonly onEntry: (entry: TarEntry) => void;
  /** Content of the member that started last, in order. The bytes are only lent. */
  readonly onData: (bytes: Uint8Array) => void;
}

/** A push parser. */
export class TarParser {
  readonly #events: TarEvents;
  readonly #block = new Uint8Array(BLOCK);
  #filled = 0;
  #meta: { readonly type: string; readonly body: Uint8Array; filled: number } | undefined;
  #dataLeft = 0;
  #paddingLeft = 0;
  #zeroBlocks = 0;
  #global = new Map<string, Uint8Array>();
  #local = new Map<string, Uint8Array>();

  constructor(events: TarEvents) {
    this.#events = events;
  }

  /** Content bytes of the current member that are still to come. */
  get dataLeft(): number {
    return this.#dataLeft;
  }

  /** Whether the end marker was seen. */
  get ended(): boolean {
    return this.#zeroBlocks >= 2;
  }

  /** Whether the bytes so far end between two members. */
  get atBorder(): boolean {
    return this.#filled === 0 && this.#meta === undefined && this.#dataLeft === 0 && this.#paddingLeft === 0 &&
      this.#local.size === 0;
  }

  /** Takes the next bytes. @throws {PivotError} `corrupt-archive`, `unsafe-archive` */
  push(chunk: Uint8Array): void {
    for (let offset = 0; offset < chunk.length;) {
      if (this.#dataLeft > 0) offset += this.#takeData(chunk, offset);
      else if (this.#paddingLeft > 0) {
        const count = Math.min(this.#paddingLeft, chunk.length - offset);
        this.#paddingLeft -= count;
        offset += count;
      } else if (this.#meta !== undefined) offset += this.#takeMeta(this.#meta, chunk, offset);
      else offset += this.#takeBlock(chunk, offset);
    }
  }

  /** Says that no more bytes come. @throws {PivotError} `corrupt-archive` if the archive is not whole. */
  end(): void {
    if (!this.atBorder) throw corruptArchive("it ends in the middle of a member");
    if (!this.ended) throw corruptArchive("it has no end marker; it was cut off");
  }

  #takeData(chunk: Uint8Array, offset: number): number {
    const count = Math.min(this.#dataLeft, chunk.length - offset);
    this.#dataLeft -= count;
    this.#events.onData(chunk.subarray(offset, offset + count));
    return count;
  }

  #takeBlock(chunk: Uint8Array, offset: number): number {
    if (this.#filled === 0 && chunk.length - offset >= BLOCK) {
      this.#readBlock(chunk.subarray(offset, offset + BLOCK));
      return BLOCK;
    }
    const count = Math.min(BLOCK - this.#filled, chunk.length - offset);
    this.#block.set(chunk.subarray(offset, offset + count), this.#filled);
    this.#filled += count;
    if (this.#filled === BLOCK) {
      this.#filled = 0;
      this.#readBlock(this.#block);
    }
    return count;
  }

  /** @param block Only lent. */
  #readBlock(block: Uint8Array): void {
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      if (this.#local.size > 0) throw corruptArchive("an extended header has no member");
      this.#zeroBlocks += 1;
      return;
    }
    if (this.#zeroBlocks > 0) throw corruptArchive("there is something behind its end marker");
    const header = decodeHeader(block);
    if ("xgLK".includes(header.type)) this.#startMeta(header);
    else this.#startMember(header);
  }

  #startMeta(header: RawHeader): void {
    if (header.size > MAX_META_BYTES) throw unsafeArchive("an extended header is too large");
    const key = header.type === "L" ? "path" : header.type === "K" ? "linkpath" : undefined;
    if (key !== undefined && this.#local.has(key)) throw corruptArchive("a member has two long names");
    if (header.type === "x" && this.#local.size > 0) throw corruptArchive("a member has two extended headers");
    this.#meta = { type: header.type, body: new Uint8Array(header.size), filled: 0 };
    this.#paddingLeft = 0;
    if (header.size === 0) this.#endMeta(this.#meta);
  }

  #takeMeta(meta: { body: Uint8Array; filled: number; type: string }, chunk: Uint8Array, offset: number): number {
    const count = Math.min(meta.body.length - meta.filled, chunk.length - offset);
    meta.body.set(chunk.subarray(offset, offset + count), meta.filled);
    meta.filled += count;
    if (meta.filled === meta.body.length) this.#endMeta(meta);
    return count;
  }

  #endMeta(meta: { readonly type: string; readonly body: Uint8Array }): void {
    this.#meta = undefined;
    this.#paddingLeft = padded(meta.body.length) - meta.body.length;
    if (meta.type === "x") this.#local = decodePax(meta.body);
    else if (meta.type === "g") this.#takeGlobal(decodePax(meta.body));
    else this.#local.set(meta.type === "L" ? "path" : "linkpath", withoutFinalNul(meta.body));
  }

  #takeGlobal(records: ReadonlyMap<string, Uint8Array>): void {
    for (const [key, value] of records) {
      if (key === "path" || key === "linkpath" || key === "size") {
        throw unsafeArchive(`it gives all members one ${key}`);
      }
      this.#global.set(key, value);
    }
  }

  #startMember(header: RawHeader): void {
    const records = this.#global.size === 0 ? this.#local : new Map([...this.#global, ...this.#local]);
    if (this.#local.size > 0) this.#local = new Map();
    for (const key of records.keys()) {
      if (key.startsWith("GNU.sparse.")) {
        throw unsafeArchive("it holds a sparse file; write it with --format=pax and no -S");
      }
    }
    const name = decodeName(records.get("path") ?? header.name);
    const kind = kindOf(header, name);
    const path = checkName(name);
    const sized = records.get("size");
    const size = sized === undefined ? header.size : paxSize(sized);
    // Only files have content; a size on a link or folder is ignored by some readers and obeyed by others.
    if (kind !== "file" && size !== 0) throw unsafeArchive(`"${path}" is a ${kind} but has content`);
    if (path === "" && kind !== "directory") throw unsafeArchive(`the volume itself is a ${kind}`);
    this.#dataLeft = size;
    this.#paddingLeft = padded(size) - size;
    if (path === "") return;
    this.#events.onEntry({
      kind,
      path,
      mode: header.mode & 0o7777,
      size,
      mtime: timeOf(header, records),
      target: targetOf(kind, path, header, records),
    });
  }
}

function kindOf(header: RawHeader, name: string): EntryKind {
  switch (header.type) {
    case "0":
    case "7":
      if (name.endsWith("/")) throw unsafeArchive(`the file "${name}" has the name of a folder`);
      return "file";
    case "\0":
      return name.endsWith("/") ? "directory" : "file";
    case "1":
      return "hardlink";
    case "2":
      return "symlink";
    case "5":
      return "directory";
    case "3":
    case "4":
      throw unsafeArchive(`"${name}" is a device`);
    case "6":
      throw unsafeArchive(`"${name}" is a named pipe`);
    case "S":
      throw unsafeArchive(`"${name}" is a sparse file of GNU tar's own kind; write it without -S`);
    default:
      throw unsafeArchive(`"${name}" is of the unknown type ${JSON.stringify(header.type)}`);
  }
}

function timeOf(header: RawHeader, records: ReadonlyMap<string, Uint8Array>): TarTime {
  const exact = records.get("mtime");
  return exact === undefined ? { seconds: header.seconds, nanos: 0 } : paxTime(exact);
}

function targetOf(kind: EntryKind, path: string, header: RawHeader, records: ReadonlyMap<string, Uint8Array>): string {
  if (kind === "file" || kind === "directory") return "";
  const target = decodeName(records.get("linkpath") ?? header.target);
  return kind === "symlink" ? checkLinkText(target, path) : checkName(target);
}

function withoutFinalNul(body: Uint8Array): Uint8Array {
  return body.at(-1) === 0 ? body.slice(0, -1) : body;
}
