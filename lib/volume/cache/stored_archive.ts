// Looking into a stored archive: by ranged reads through the index where there is one, else by reading it all.
// Invariant: every read is bound to one version of the object, and what comes out was found where the index said.

import type { WorkerPool } from "../../pool/mod.ts";
import { PivotError } from "../../core/mod.ts";
import {
  type ArchiveIndex,
  corruptArchive,
  decodeIndex,
  expandFrame,
  formatTime,
  INDEX_FOOTER_BYTES,
  type IndexedEntry,
  indexFrameBytes,
  LABEL_BYTES,
  MAX_SEGMENT_BYTES,
  readAsTar,
  type TarEntry,
  TarParser,
} from "../archive/mod.ts";
import type { ByteRange, ObjectInfo, ObjectStore } from "../ports.ts";

/** Bytes read from the end at first: holds the index of small archives whole. */
const TAIL_BYTES = 64 * 1024;

/** One member of a stored archive, for people. */
export type StoredMember = Pick<IndexedEntry, "path" | "kind" | "mode" | "size" | "mtime" | "target">;

/** What reading needs. */
export interface ReadStoredOptions {
  readonly store: ObjectStore;
  readonly pool: WorkerPool;
  readonly signal?: AbortSignal;
}

/** Members of a stored archive, in its order. */
export async function listStored(info: ObjectInfo, options: ReadStoredOptions): Promise<readonly StoredMember[]> {
  const index = await readIndex(info, options);
  if (index !== undefined) return index.entries;
  const members: StoredMember[] = [];
  const onEntry = (entry: TarEntry) => void members.push({ ...entry, mtime: formatTime(entry.mtime) });
  for await (const _ of readAsTar(await readAll(info, options), { ...options, onEntry }));
  return members;
}

/**
 * The content of one file, chunk by chunk.
 *
 * @throws {PivotError} `no-such-member` if the archive has no such file; `corrupt-archive`
 */
export async function* catStored(
  info: ObjectInfo,
  path: string,
  options: ReadStoredOptions,
): AsyncGenerator<Uint8Array> {
  const index = await readIndex(info, options);
  if (index === undefined) return yield* catBySearch(info, path, options);
  const entry = resolve(index, path);
  let [at, left, offset] = [entry.frame, entry.size, entry.offset];
  let start = index.frames.slice(0, at).reduce((sum, frame) => sum + frame.packedBytes, 0);
  for (let first = true; left > 0; first = false) {
    options.signal?.throwIfAborted();
    const frame = index.frames[at++];
    if (frame === undefined) throw corruptArchive("its index lies about a file's frames");
    const length = frame.packedBytes - LABEL_BYTES - 8;
    if (length <= 0 || start + length > info.size || frame.rawBytes > MAX_SEGMENT_BYTES) {
      throw corruptArchive("its index lies about a frame's length");
    }
    const bytes = await readRange(info, { offset: start, length }, options);
    const raw = expandFrame({ bytes, rawBytes: frame.rawBytes });
    if (first) checkMember(raw, entry);
    const part = raw.subarray(offset, offset + left);
    if (part.length === 0) throw corruptArchive("its index lies about where a file starts");
    yield part;
    left -= part.length;
    offset = 0;
    start += frame.packedBytes;
  }
}

/** The file itself, or what its hard link goes to. */
function resolve(index: ArchiveIndex, path: string): IndexedEntry {
  const entry = index.entries.find((each) => each.path === path);
  const file = entry?.kind === "hardlink" ? index.entries.find((each) => each.path === entry.target) : entry;
  if (file?.kind === "file") return file;
  throw noSuchMember(path, entry?.kind);
}

function noSuchMember(path: string, kind: string | undefined): PivotError {
  return new PivotError(
    `cannot read "${path}": ${kind === undefined ? "the volume has no such file" : `it is a ${kind}`}`,
    {
      code: "no-such-member",
      hint: "list the volume's files with `pivot ci cache stat`",
    },
  );
}

/** The frame must hold that very member where the index says that its content starts. */
function checkMember(raw: Uint8Array, entry: IndexedEntry): void {
  let found = false;
  let last: TarEntry | undefined;
  const parser = new TarParser({ onEntry: (each) => void (last = each), onData: () => {} });
  parser.push(raw.subarray(0, entry.offset));
  found = last?.path === entry.path && last.size === entry.size && (parser.dataLeft === entry.size);
  if (!found) throw corruptArchive(`its index lies about where "${entry.path}" is`);
}

async function* catBySearch(info: ObjectInfo, path: string, options: ReadStoredOptions): AsyncGenerator<Uint8Array> {
  let found: TarEntry | undefined;
  const ready: Uint8Array[] = [];
  let inside = false;
  const parser = new TarParser({
    onEntry(entry) {
      if (entry.path === path) found = entry;
      inside = entry.kind === "file" && entry.path === path;
    },
    onData: (bytes) => void (inside && ready.push(bytes.slice())),
  });
  for await (const chunk of readAsTar(await readAll(info, options), options)) {
    parser.push(chunk);
    yield* ready.splice(0);
  }
  // Its content went by earlier, under its first name.
  if (found?.kind === "hardlink") yield* catBySearch(info, found.target, options);
  else if (found?.kind !== "file") throw noSuchMember(path, found?.kind);
}

/** The index, or undefined if the archive has none. */
async function readIndex(info: ObjectInfo, options: ReadStoredOptions): Promise<ArchiveIndex | undefined> {
  const length = Math.min(info.size, TAIL_BYTES);
  const tail = await readRange(info, { offset: info.size - length, length }, options);
  const bytes = indexFrameBytes(tail);
  if (bytes === undefined || bytes < INDEX_FOOTER_BYTES || bytes > info.size) return undefined;
  if (bytes <= tail.length) return decodeIndex(tail.subarray(tail.length - bytes));
  return decodeIndex(await readRange(info, { offset: info.size - bytes, length: bytes }, options));
}

async function readRange(
  info: ObjectInfo,
  range: ByteRange,
  options: ReadStoredOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(range.length);
  let filled = 0;
  for await (const chunk of await open(info, options, range)) {
    if (filled + chunk.length > bytes.length) throw corruptArchive("the store sent more than was asked for");
    bytes.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < bytes.length) throw corruptArchive("the store sent less than was asked for");
  return bytes;
}

/** All bytes of the object. */
export function readAll(info: ObjectInfo, options: ReadStoredOptions): Promise<ReadableStream<Uint8Array>> {
  return open(info, options, undefined);
}

async function open(
  info: ObjectInfo,
  { store, signal }: ReadStoredOptions,
  range: ByteRange | undefined,
): Promise<ReadableStream<Uint8Array>> {
  const object = await store.get(info.key, {
    ifMatch: info.etag,
    ...(range === undefined ? {} : { range }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (object !== undefined) return object.body;
  throw new PivotError(`cannot read "${info.key}": it was deleted meanwhile`, {
    code: "no-such-volume",
    kind: "remote",
  });
}
