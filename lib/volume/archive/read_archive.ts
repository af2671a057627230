// The coordinator's half of reading: segments go to the workers side by side; names are judged, links and folders finished
// here, when all files are written. Invariant: the target folder is whole when this returns, and gone when it throws.

import { lutimesSync } from "node:fs";
import { assert } from "../../core/mod.ts";
import type { WorkerPool } from "../../pool/mod.ts";
import { hardLink, makeFolder, release, removeTree, setMode, statPath, symLink } from "../../sys/mod.ts";
import { ByteReader } from "./byte_reader.ts";
import { type ArchiveLimits, corruptArchive, DEFAULT_LIMITS, type TarEntry, unsafeArchive } from "./entry.ts";
import { inOrder } from "./in_order.ts";
import type { Continuation, UnpackJob, UnpackResult } from "./jobs.ts";
import { Meter } from "./meter.ts";
import { NameRegistry } from "./registry.ts";
import { readSegments, type Segment } from "./segments.ts";
import { coordinatorOpensSmall } from "./small_files.ts";
import { dateOf, MemberWriter } from "./write_members.ts";

/** Options of {@linkcode readArchive}. */
export interface ReadArchiveOptions {
  /** A folder that is not there yet; it is made, for this extraction alone. */
  readonly target: string;
  /** Archives and hashes; needs `archive` workers. */
  readonly pool: WorkerPool;
  /** Bounds on what is read. @default DEFAULT_LIMITS @default DEFAULT_LIMITS */
  readonly limits?: Partial<ArchiveLimits>;
  /** Sees every byte of the archive, in order, before the call returns. */
  readonly onBytes?: (bytes: Uint8Array) => void;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
  /** Refuses names that differ only in case. @default whether the file system of `target` does not tell them apart */
  readonly foldCase?: boolean;
}

/** What was read. */
export interface ReadArchiveResult {
  /** As the archive says, in its order; times are exact even where the disk keeps less. */
  readonly entries: readonly TarEntry[];
  /** Bytes of all files. */
  readonly bytes: number;
  /** Bytes of the archive. */
  readonly packedBytes: number;
}

/**
 * Extracts an archive (zstd, gzip or plain; told from its first bytes) into a new folder. The chunks of the stream are given away.
 *
 * @throws {PivotError} `unsafe-archive`, `corrupt-archive`, `archive-too-large`; the signal's reason. The folder is gone then.
 */
export async function readArchive(
  stream: ReadableStream<Uint8Array>,
  options: ReadArchiveOptions,
): Promise<ReadArchiveResult> {
  const { target } = options;
  assert(statPath(target) === undefined, "an archive is extracted into a new folder");
  makeFolder(target);
  setMode(target, 0o700);
  try {
    return await extract(stream, options);
  } catch (error) {
    removeTree(target);
    throw error;
  }
}

async function extract(stream: ReadableStream<Uint8Array>, options: ReadArchiveOptions): Promise<ReadArchiveResult> {
  const { target, pool } = options;
  await using reader = new ByteReader(stream, options.onBytes);
  const meter = new Meter({ ...DEFAULT_LIMITS, ...options.limits }, () => reader.taken);
  const registry = new NameRegistry(options.foldCase ?? foldsCase(target));
  const dispatcher = new Dispatcher(target, pool);
  const writer = new MemberWriter(target);
  const entries: TarEntry[] = [];
  const segments = readSegments(reader, (bytes) => meter.raw(bytes));
  let [open, ended]: [Continuation | undefined, boolean] = [undefined, false];
  for await (const result of inOrder(segments, 2 * pool.width("archive"), (segment) => dispatcher.run(segment))) {
    options.signal?.throwIfAborted();
    if (ended) throw corruptArchive("there is something behind its end marker");
    if (open !== undefined && result.entries.length > 0) throw corruptArchive(`"${open.path}" is not whole`);
    for (const entry of result.entries) {
      meter.entry(entry);
      registry.add(entry);
      entries.push(entry);
    }
    if (result.left !== undefined) {
      writer.write({ entries: result.entries, ...result.left });
      release(result.left.raw);
    }
    open = result.open;
    ended = result.ended;
  }
  if (!ended || open !== undefined) throw corruptArchive("it has no end marker; it was cut off");
  finish(target, entries, dispatcher.largeFiles);
  return { entries, bytes: entries.reduce((sum, entry) => sum + entry.size, 0), packedBytes: reader.taken };
}

/** Gives segments to workers; one that goes on in a file waits until the start of that file is on disk. */
class Dispatcher {
  readonly #root: string;
  readonly #pool: WorkerPool;
  readonly #leaveSmall: boolean;
  #head: Promise<UnpackResult> | undefined;
  /** Content bytes handed out since the head, so that later parts need not wait for each other. */
  #handedOut = 0;
  /** Paths of files that came in several segments. */
  readonly largeFiles = new Set<string>();

  constructor(root: string, pool: WorkerPool) {
    this.#root = root;
    this.#pool = pool;
    this.#leaveSmall = coordinatorOpensSmall(pool.width("archive"));
  }

  run(segment: Segment): Promise<UnpackResult> {
    if (segment.continues) return this.#continue(segment);
    this.#handedOut = 0;
    this.#head = this.#send(segment, undefined);
    return this.#head;
  }

  async #continue(segment: Segment): Promise<UnpackResult> {
    const before = this.#handedOut;
    this.#handedOut += segment.rawBytes;
    const open = (await this.#head)?.open;
    if (open === undefined) throw corruptArchive("a frame says that it goes on in a file, but none is open");
    const offset = open.offset + before;
    if (offset >= open.size) throw corruptArchive(`there is more of "${open.path}" than its size says`);
    this.largeFiles.add(open.path);
    return await this.#send(segment, { ...open, offset });
  }

  #send(segment: Segment, into: Continuation | undefined): Promise<UnpackResult> {
    const { bytes, compressed, rawBytes } = segment;
    const job: UnpackJob = {
      type: "unpack",
      root: this.#root,
      bytes,
      compressed,
      rawBytes,
      into,
      leaveSmall: this.#leaveSmall,
    };
    // Not cancelled in its middle: the folder may be removed only when no worker writes to it any more.
    return this.#pool.run<UnpackJob, UnpackResult>("archive", job, { transfer: [bytes.buffer] });
  }
}

function foldsCase(folder: string): boolean {
  const probe = `${folder}/.pivot-Case`;
  Deno.writeTextFileSync(probe, "");
  const folds = statPath(`${folder}/.pivot-cASE`) !== undefined;
  Deno.removeSync(probe);
  return folds;
}

/** Makes the links, then gives large files and folders their modes and times, folders from the deepest up. */
function finish(root: string, entries: readonly TarEntry[], largeFiles: ReadonlySet<string>): void {
  const linkTexts = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind === "symlink") {
      makeLink(root, entry, () => symLink(entry.target, `${root}/${entry.path}`));
      linkTexts.set(entry.path, entry.target);
    } else if (entry.kind === "hardlink") {
      // A second name of a link is the same link again: what counts is where it leads.
      const text = linkTexts.get(entry.target);
      if (text !== undefined) linkTexts.set(entry.path, text);
      const make = text === undefined ? hardLink : (_from: string, to: string) => symLink(text, to);
      makeLink(root, entry, () => make(`${root}/${entry.target}`, `${root}/${entry.path}`));
    } else if (largeFiles.has(entry.path)) setModeAndTime(root, entry);
  }
  for (const entry of entries.toReversed()) if (entry.kind === "directory") setModeAndTime(root, entry);
}

function makeLink(root: string, entry: TarEntry, make: () => void): void {
  if (statPath(`${root}/${entry.path}`) !== undefined) throw unsafeArchive(`the name "${entry.path}" is there twice`);
  make();
  if (entry.kind === "symlink") lutimesSync(`${root}/${entry.path}`, dateOf(entry), dateOf(entry));
}

function setModeAndTime(root: string, entry: TarEntry): void {
  const path = `${root}/${entry.path}`;
  setMode(path, entry.mode);
  Deno.utimeSync(path, dateOf(entry), dateOf(entry));
}
