// A worker's half of reading: expands a segment and writes its files and folders below a folder that only this
// extraction uses. Invariants: nothing that exists is opened for writing, so one name is written once; no link is made
// here, so no name leads through one.

import { zstdDecompressSync } from "node:zlib";
import { assert } from "../../core/mod.ts";
import { parentOf, setMode } from "../../sys/mod.ts";
import { corruptArchive, type TarEntry, unsafeArchive } from "./entry.ts";
import type { Continuation, ExpandJob, UnpackJob, UnpackResult } from "./jobs.ts";
import { release } from "./release.ts";
import { SEGMENT_BYTES } from "./segment_builder.ts";
import { padded } from "./tar_encode.ts";
import { TarParser } from "./tar_parser.ts";

/** Expands one zstd frame to exactly the size that its label says. @throws {PivotError} `corrupt-archive` */
export function expand(job: Omit<ExpandJob, "type">): Uint8Array<ArrayBuffer> {
  let raw: Uint8Array;
  try {
    raw = zstdDecompressSync(job.bytes, { maxOutputLength: job.rawBytes, chunkSize: Math.max(64, job.rawBytes) });
  } catch (error) {
    throw corruptArchive("a zstd frame cannot be expanded", error);
  }
  if (raw.length !== job.rawBytes) throw corruptArchive("a frame's label lies about its size");
  return raw.byteOffset === 0 && raw.buffer instanceof ArrayBuffer && raw.buffer.byteLength === raw.length
    ? new Uint8Array(raw.buffer)
    : new Uint8Array(raw);
}

/** Writes one segment. @throws {PivotError} `corrupt-archive`, `unsafe-archive` */
export function unpack(job: UnpackJob): UnpackResult {
  const raw = job.compressed ? expand(job) : job.bytes;
  if (job.compressed) release(job.bytes);
  try {
    return job.into === undefined ? unpackMembers(job.root, raw) : unpackMore(job.root, raw, job.into);
  } finally {
    release(raw);
  }
}

function unpackMembers(root: string, raw: Uint8Array): UnpackResult {
  const entries: TarEntry[] = [];
  using writer = new FileWriter(root);
  const parser = new TarParser({
    onEntry: (entry) => {
      entries.push(entry);
      writer.start(entry);
    },
    onData: (bytes) => writer.write(bytes),
  });
  parser.push(raw);
  const last = entries.at(-1);
  if (parser.dataLeft > 0) {
    assert(last !== undefined, "content belongs to a member");
    const open = { path: last.path, offset: last.size - parser.dataLeft, size: last.size };
    return { entries, open, ended: false };
  }
  if (!parser.atBorder) throw corruptArchive("a frame ends in the middle of a header");
  writer.finish();
  return { entries, open: undefined, ended: parser.ended };
}

function unpackMore(root: string, raw: Uint8Array, into: Continuation): UnpackResult {
  const left = into.size - into.offset;
  const length = Math.min(left, raw.length);
  if (raw.length > left && raw.length !== padded(left)) {
    throw corruptArchive("a frame goes on behind the file it belongs to");
  }
  using file = Deno.openSync(`${root}/${into.path}`, { write: true });
  file.seekSync(into.offset, Deno.SeekMode.Start);
  writeAll(file, raw.subarray(0, length));
  const offset = into.offset + length;
  return { entries: [], open: offset < into.size ? { ...into, offset } : undefined, ended: false };
}

/** Writes one file after the other. */
class FileWriter implements Disposable {
  readonly #root: string;
  readonly #folders = new Set<string>();
  /** Modes that a new file gets or does not get as asked for: the process's mask and the folder's ACL decide. */
  readonly #granted = new Map<number, boolean>();
  #file: Deno.FsFile | undefined;
  #entry: TarEntry | undefined;

  constructor(root: string) {
    this.#root = root;
    this.#folders.add(root);
  }

  start(entry: TarEntry): void {
    this.finish();
    const path = `${this.#root}/${entry.path}`;
    if (entry.kind === "directory") this.#makeFolder(path, entry.path);
    else this.#makeFolder(parentOf(path), entry.path);
    if (entry.kind !== "file") return;
    this.#file = createNew(path, entry);
    this.#entry = entry;
  }

  write(bytes: Uint8Array): void {
    assert(this.#file !== undefined, "content belongs to a file");
    writeAll(this.#file, bytes);
  }

  finish(): void {
    if (this.#file === undefined || this.#entry === undefined) return;
    const { path, mode, size } = this.#entry;
    const granted = size <= SEGMENT_BYTES && this.#grants(this.#file, mode);
    setTimes(this.#file, this.#entry);
    this.#close();
    if (!granted) setMode(`${this.#root}/${path}`, mode);
  }

  #grants(file: Deno.FsFile, mode: number): boolean {
    let granted = this.#granted.get(mode);
    if (granted === undefined) {
      granted = ((file.statSync().mode ?? 0) & 0o7777) === mode;
      this.#granted.set(mode, granted);
    }
    return granted;
  }

  #makeFolder(path: string, shown: string): void {
    if (this.#folders.has(path)) return;
    try {
      Deno.mkdirSync(path, { recursive: true });
    } catch (error) {
      if (!isCollision(error)) throw error;
      throw unsafeArchive(`"${shown}" lies below a file`);
    }
    this.#folders.add(path);
  }

  #close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#entry = undefined;
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

function createNew(path: string, entry: TarEntry): Deno.FsFile {
  try {
    // A large file is opened again for its later parts, which a mode without writing would forbid.
    const mode = entry.size > SEGMENT_BYTES ? 0o600 : entry.mode & 0o777;
    return Deno.openSync(path, { write: true, createNew: true, mode });
  } catch (error) {
    if (!isCollision(error)) throw error;
    throw unsafeArchive(`the name "${entry.path}" is there twice, or differs from another only in case`);
  }
}

function isCollision(error: unknown): boolean {
  return error instanceof Deno.errors.AlreadyExists || error instanceof Deno.errors.NotADirectory ||
    error instanceof Deno.errors.IsADirectory;
}

function setTimes(file: Deno.FsFile, entry: TarEntry): void {
  const time = new Date(entry.mtime.seconds * 1000 + Math.floor(entry.mtime.nanos / 1_000_000));
  file.utimeSync(time, time);
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}
