// What the workspace contains. Invariants: a file is read only if its stamp is not the remembered one; nothing in a
// folder is silently left out; a file that changes while it is read is never given a hash.

import {
  type Content,
  type Digest,
  type FileIndex,
  HASH_BATCH_FILES,
  isDigest,
  PivotError,
  type RelPath,
  SMALL_FILE_BYTES,
  type TreeEntry,
} from "../core/mod.ts";
import type { WorkerPool } from "../pool/mod.ts";
import { type FileStat, isRacy, sameStamp, statPath, walk } from "../sys/mod.ts";
import type { HashJob, HashResult } from "./hash_job.ts";
import { loadIgnore } from "./ignore_file.ts";
import { treeOf } from "./listing.ts";

/** What to look at. */
export interface ScanRequest {
  /** File or folder, relative to the project. */
  readonly path: RelPath;
  /** Only files below `path` that one of these globs (relative to the project) matches. */
  readonly globs?: readonly string[];
}

/** What was seen: content by request; undefined where nothing is there. */
export interface Sight {
  /** The content of a request that was made. */
  get(request: ScanRequest): Content | undefined;
}

function sightKey(request: ScanRequest): string {
  return request.globs === undefined ? request.path : [request.path, ...request.globs].join("\0");
}

/** Looks at the workspace. */
export interface Scanner {
  /**
   * Looks at each path; files whose hash is not known are read.
   *
   * @throws {PivotError} `unsupported-entry` for what cannot be kept, `file-changing` for a file that changes under the read.
   */
  observe(
    requests: readonly ScanRequest[],
    options?: { readonly signal?: AbortSignal },
  ): Promise<Sight>;
}

/** Options of {@linkcode createScanner}. */
export interface ScannerOptions {
  /** Absolute path of the project. */
  readonly projectRoot: string;
  /** Absolute path of the cache; links into it stand for what they point to. */
  readonly cacheRoot: string;
  /** Remembers the hashes of files. */
  readonly index: FileIndex;
  /** Hashes; needs `hash` workers. */
  readonly pool: WorkerPool;
}

/** Folders that globs from the project's root do not look into. */
const NEVER_BELOW_ROOT: ReadonlySet<string> = new Set([".git", ".pivot", "node_modules"]);

interface Slot {
  /** Key in the index: the path relative to the project. */
  readonly key: string;
  readonly absolute: string;
  stat: FileStat;
  hash: Digest | undefined;
}

/** Makes a scanner. */
export function createScanner(options: ScannerOptions): Scanner {
  return {
    async observe(requests, { signal } = {}) {
      signal?.throwIfAborted();
      const survey = new Survey(options, await loadIgnore(options.projectRoot));
      const builders: Builder[] = [];
      for (const request of requests) {
        const made = survey.look(request);
        // A promise for each of ten thousand plain files would cost more than looking at them.
        builders.push(typeof made === "function" ? made : await made);
      }
      await survey.hashUnknown(signal);
      const seen = new Map(requests.map((request, at) => [sightKey(request), builders[at]?.()]));
      return { get: (request) => seen.get(sightKey(request)) };
    },
  };
}

type Builder = () => Content | undefined;

class Survey {
  readonly #options: ScannerOptions;
  readonly #ignored: (path: string, isDirectory: boolean) => boolean;
  readonly #unknown: Slot[] = [];

  constructor(options: ScannerOptions, ignored: (path: string, isDirectory: boolean) => boolean) {
    this.#options = options;
    this.#ignored = ignored;
  }

  /** What builds the content once all hashes are known; a promise of it for folders. */
  look(request: ScanRequest): Builder | Promise<Builder> {
    const absolute = `${this.#options.projectRoot}/${request.path}`;
    const stat = statPath(absolute);
    if (stat === undefined) return () => undefined;
    const target = stat.kind === "symlink" ? this.#throughLink(absolute) : undefined;
    const real = target === undefined ? stat : target.stat;
    if (real.kind === "directory") return this.#lookInto(request, target?.absolute ?? absolute);
    if (real.kind !== "file") throw unsupported(request.path, real.kind);
    const slot = this.#slot(request.path, target?.absolute ?? absolute, real);
    return () => ({ type: "file", hash: known(slot), size: slot.stat.size, executable: isExecutable(slot.stat) });
  }

  async #lookInto(request: ScanRequest, absolute: string): Promise<Builder> {
    const { globs } = request;
    const wanted = globs === undefined ? undefined : await globMatcher(globs);
    const fromRoot = request.path === ".";
    const prefix = fromRoot ? "" : `${request.path}/`;
    const found = walk(absolute, {
      ignore: (path, isDirectory) =>
        (fromRoot && isDirectory && NEVER_BELOW_ROOT.has(path)) || this.#ignored(`${prefix}${path}`, isDirectory),
    });
    const parents = new Set(found.map((entry) => entry.path.slice(0, Math.max(0, entry.path.lastIndexOf("/")))));
    const entries: (() => TreeEntry)[] = [];
    for (const { path, stat } of found) {
      if (wanted !== undefined && (stat.kind === "directory" || !wanted(`${prefix}${path}`))) continue;
      if (stat.kind === "directory") {
        if (!parents.has(path)) entries.push(() => ({ type: "directory", path }));
      } else entries.push(this.#entry(request.path, absolute, { path, stat }));
    }
    return () => treeOf(entries.map((make) => make()));
  }

  #entry(root: RelPath, absolute: string, { path, stat }: { path: string; stat: FileStat }): () => TreeEntry {
    const full = `${absolute}/${path}`;
    const key = `${root}/${path}`;
    if (stat.kind === "symlink") {
      const raw = Deno.readLinkSync(full);
      const blob = this.#blobStat(raw);
      if (blob === undefined) {
        assertStaysInside(key, path, raw);
        return () => ({ type: "link", path, target: raw });
      }
      const slot = this.#slot(key, raw, blob);
      return () => fileEntry(path, slot);
    }
    if (stat.kind !== "file") throw unsupported(key, stat.kind);
    const slot = this.#slot(key, full, stat);
    return () => fileEntry(path, slot);
  }

  /** The stat of a blob that a link points to, if it is one of ours. */
  #blobStat(target: string): FileStat | undefined {
    return target.startsWith(`${this.#options.cacheRoot}/files/`) ? statPath(target) : undefined;
  }

  #throughLink(absolute: string): { absolute: string; stat: FileStat } | undefined {
    try {
      const target = Deno.realPathSync(absolute);
      const stat = statPath(target);
      return stat === undefined ? undefined : { absolute: target, stat };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  #slot(key: string, absolute: string, stat: FileStat): Slot {
    const remembered = this.#options.index.get(key);
    const good = remembered !== undefined && !remembered.racy && sameStamp(remembered, stat);
    const slot: Slot = { key, absolute, stat, hash: good ? remembered.hash : undefined };
    if (!good) this.#unknown.push(slot);
    return slot;
  }

  async hashUnknown(signal: AbortSignal | undefined): Promise<void> {
    const small = this.#unknown.filter((slot) => slot.stat.size <= SMALL_FILE_BYTES);
    const large = this.#unknown.filter((slot) => slot.stat.size > SMALL_FILE_BYTES);
    // The largest first, so that no worker is left alone with one at the end.
    large.sort((a, b) => b.stat.size - a.stat.size);
    const jobs = large.map((slot) => [slot]);
    for (let at = 0; at < small.length; at += HASH_BATCH_FILES) jobs.push(small.slice(at, at + HASH_BATCH_FILES));
    await Promise.all(jobs.map((slots) => this.#hash(slots, signal)));
  }

  async #hash(slots: readonly Slot[], signal: AbortSignal | undefined, again = true): Promise<void> {
    const readAtMs = Date.now();
    const job: HashJob = { paths: slots.map((slot) => slot.absolute) };
    const results = await this.#options.pool.run<HashJob, HashResult>(
      "hash",
      job,
      signal === undefined ? {} : { signal },
    );
    const changed: Slot[] = [];
    for (const [at, slot] of slots.entries()) {
      const result = results[at];
      const { stat } = slot;
      if (result?.size !== stat.size || result.mtimeMs !== stat.mtimeMs || result.inode !== stat.inode) {
        slot.stat = statPath(slot.absolute) ?? stat;
        changed.push(slot);
        continue;
      }
      slot.hash = result.hash;
      this.#options.index.put(slot.key, {
        ...stampOf(slot.stat),
        hash: result.hash,
        racy: isRacy(slot.stat, readAtMs),
      });
    }
    if (changed.length === 0) return;
    if (!again) throw changing(changed[0]?.key ?? "");
    await this.#hash(changed, signal, false);
  }
}

function stampOf(stat: FileStat): { size: number; mtimeMs: number; ctimeMs: number; inode: number } {
  // Files with several names change their ctime whenever one of the names comes or goes.
  return { size: stat.size, mtimeMs: stat.mtimeMs, ctimeMs: stat.links > 1 ? 0 : stat.ctimeMs, inode: stat.inode };
}

function known(slot: Slot): Digest {
  if (isDigest(slot.hash)) return slot.hash;
  throw changing(slot.key);
}

function fileEntry(path: string, slot: Slot): TreeEntry {
  return { type: "file", path, hash: known(slot), size: slot.stat.size, executable: isExecutable(slot.stat) };
}

function isExecutable(stat: FileStat): boolean {
  return (stat.mode & 0o100) !== 0;
}

async function globMatcher(globs: readonly string[]): Promise<(path: string) => boolean> {
  const { default: picomatch } = await import("picomatch");
  const include = picomatch(globs.filter((glob) => !glob.startsWith("!")), { dot: true });
  const exclude = picomatch(globs.filter((glob) => glob.startsWith("!")).map((glob) => glob.slice(1)), { dot: true });
  return (path) => include(path) && !exclude(path);
}

/** A link in a folder must lead to somewhere in that folder, or the folder cannot come back the same elsewhere. */
function assertStaysInside(key: string, path: string, target: string): void {
  const depth = path.split("/").slice(0, -1);
  for (const segment of target.split("/")) {
    if (target.startsWith("/") || (segment === ".." && depth.pop() === undefined)) {
      throw new PivotError(`cannot keep "${key}": the link leads out of its folder, to "${target}"`, {
        code: "unsupported-entry",
        hint: "make the link relative and inside the folder, or copy the file",
      });
    }
    if (segment !== ".." && segment !== "." && segment !== "") depth.push(segment);
  }
}

function unsupported(path: string, kind: string): PivotError {
  const what = kind === "symlink" ? "a link that leads nowhere" : "neither a file, a folder nor a link";
  return new PivotError(`cannot keep "${path}": it is ${what}`, {
    code: "unsupported-entry",
    hint: "remove it, or name it in .pivotignore",
  });
}

function changing(path: string): PivotError {
  return new PivotError(`"${path}" changed while it was read`, {
    code: "file-changing",
    hint: "another program writes to it; try again when that is done",
  });
}
