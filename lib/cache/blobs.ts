// The content-addressed store: `<root>/files/ab/cdef…`, mode 0444. Invariants: a blob's name is the xxhash64 of its bytes;
// a blob appears whole or not at all; one that no longer matches its name is moved to quarantine, never handed out.
//
// One inode has one mode, so an executable's blob is a second file with `.x` behind its name and mode 0555. It exists
// in the local cache alone: remotes know only the digest, locks carry the bit.

import { type Digest, type FileIndex, isDigest, PivotError } from "../core/mod.ts";
import type { WorkerPool } from "../pool/mod.ts";
import {
  copyFile,
  type FileStamp,
  type FileStat,
  hardLink,
  isRacy,
  makeFolder,
  moveFile,
  parentOf,
  removeIfThere,
  replaceWith,
  sameStamp,
  setMode,
  statPath,
  symLink,
} from "../sys/mod.ts";
import type { HashJob, HashResult } from "./hash_job.ts";

/** Which blob: executables are kept apart. */
export interface BlobKey {
  /** xxhash64 of the bytes. */
  readonly hash: Digest;
  /** Bytes. */
  readonly size: number;
  /** Whether its owner may execute it. */
  readonly executable: boolean;
}

/** A blob found in the store. */
export interface StoredBlob {
  /** The digest that its name says. */
  readonly hash: Digest;
  /** Whether this is the executable variant. */
  readonly executable: boolean;
  /** Bytes. */
  readonly size: number;
  /** Absolute path. */
  readonly path: string;
}

/** Options of {@linkcode Blobs}. */
export interface BlobsOptions {
  /** Absolute path of the cache. */
  readonly root: string;
  /** Remembers the stamps that vouch for blobs. */
  readonly index: FileIndex;
  /** Hashes; needs `hash` workers. */
  readonly pool: WorkerPool;
}

/** What an audit found. */
export interface AuditResult {
  /** Blobs that were moved to quarantine: name and new place. */
  readonly quarantined: readonly { readonly hash: Digest; readonly movedTo: string }[];
}

/** The blobs of one cache. */
export class Blobs {
  readonly #options: BlobsOptions;
  readonly #made: Set<string> = new Set();
  /** Stamps of blobs that this process hashed or stored itself; index entries may be too fresh to be trusted. */
  readonly #audited: Map<string, FileStamp> = new Map();

  /** Opens the store; nothing is read or made yet. */
  constructor(options: BlobsOptions) {
    this.#options = options;
  }

  /** Absolute path of the cache. */
  get root(): string {
    return this.#options.root;
  }

  /** Where the blob is or would be. */
  path({ hash, executable }: Pick<BlobKey, "hash" | "executable">): string {
    return `${this.#options.root}/files/${hash.slice(0, 2)}/${hash.slice(2)}${executable ? ".x" : ""}`;
  }

  /** A path for a new file on the cache's own file system. */
  temporary(): string {
    const folder = `${this.#options.root}/tmp`;
    this.#ensureFolder(folder);
    return `${folder}/${Deno.pid}-${crypto.randomUUID()}`;
  }

  /** Whether the blob is there and vouched for: its stamp is the one it had when it was hashed. */
  has(key: BlobKey): boolean {
    return this.#vouched(key) !== undefined || this.#vouched({ ...key, executable: !key.executable }) !== undefined;
  }

  /** The stat of a blob whose bytes are known to be right. */
  #vouched(key: BlobKey): FileStat | undefined {
    const path = this.path(key);
    const stat = statPath(path);
    if (stat?.kind !== "file" || stat.size !== key.size) return undefined;
    const remembered = this.#options.index.get(indexKey(path));
    if (remembered !== undefined && !remembered.racy && remembered.hash === key.hash && sameStamp(remembered, stat)) {
      return stat;
    }
    const audited = this.#audited.get(path);
    return audited !== undefined && sameStamp(audited, stat) ? stat : undefined;
  }

  /** Hashes the blobs that nothing vouches for, so that `has` can answer; what does not match goes to quarantine. */
  async audit(keys: Iterable<BlobKey>, signal?: AbortSignal): Promise<AuditResult> {
    const suspects = new Map<string, { key: BlobKey; stat: FileStat }>();
    for (const key of keys) {
      for (const executable of [false, true]) {
        const variant = { ...key, executable };
        const stat = statPath(this.path(variant));
        if (stat?.kind === "file" && this.#vouched(variant) === undefined) {
          suspects.set(this.path(variant), { key: variant, stat });
        }
      }
    }
    const quarantined: { hash: Digest; movedTo: string }[] = [];
    await Promise.all([...suspects].map(async ([path, { key, stat }]) => {
      const readAtMs = Date.now();
      const job: HashJob = { paths: [path] };
      const [result] = await this.#options.pool.run<HashJob, HashResult>(
        "hash",
        job,
        signal === undefined ? {} : { signal },
      );
      if (result?.hash === key.hash) {
        this.#remember(path, { hash: key.hash, stat, readAtMs });
      } else quarantined.push({ hash: key.hash, movedTo: this.quarantine(path) });
    }));
    return { quarantined };
  }

  /** Takes a blob that does not match its name out of the store. */
  quarantine(path: string): string {
    const folder = `${this.#options.root}/quarantine`;
    this.#ensureFolder(folder);
    const movedTo = `${folder}/${path.slice(`${this.#options.root}/files/`.length).replace("/", "")}-${Date.now()}`;
    moveFile(path, movedTo);
    this.#options.index.delete(indexKey(path));
    this.#audited.delete(path);
    return movedTo;
  }

  /**
   * Makes `file`, which was just hashed and has no other name, a blob under a second name.
   *
   * @returns False if the blob is there already.
   */
  adoptLink(file: string, key: BlobKey, stat: FileStat): boolean {
    const path = this.path(key);
    if (statPath(path) !== undefined) return false;
    this.#ensureFolder(parentOf(path));
    const readAtMs = Date.now();
    setMode(file, modeOf(key));
    hardLink(file, path);
    // Neither a mode nor a further name changes what the stamp says of the bytes.
    this.#remember(path, { hash: key.hash, stat, readAtMs });
    return true;
  }

  /** Copies `file`, which was just hashed, into the store. */
  adoptCopy(file: string, key: BlobKey): void {
    this.#adopt(key, (path) => {
      const temporary = this.temporary();
      copyFile(file, temporary);
      if (statPath(temporary)?.size !== key.size) {
        removeIfThere(temporary);
        throw new PivotError(`"${file}" changed while it was copied into the cache`, { code: "file-changing" });
      }
      setMode(temporary, modeOf(key));
      moveFile(temporary, path);
    });
  }

  /** Moves a file whose bytes were verified into the store. */
  adoptMove(file: string, key: BlobKey): void {
    this.#adopt(key, (path) => {
      setMode(file, modeOf(key));
      moveFile(file, path);
    });
    removeIfThere(file);
  }

  #adopt(key: BlobKey, make: (path: string) => void): void {
    const path = this.path(key);
    const there = statPath(path);
    if (there !== undefined && this.#vouched(key) !== undefined) return;
    if (there !== undefined) this.quarantine(path);
    this.#ensureFolder(parentOf(path));
    const readAtMs = Date.now();
    make(path);
    const stat = statPath(path);
    if (stat !== undefined) this.#remember(path, { hash: key.hash, stat, readAtMs });
  }

  /** A blob with exactly this mode, and its stat; made from the other variant if only that is there. */
  ensureVariant(key: BlobKey): { readonly path: string; readonly stat: FileStat } {
    const path = this.path(key);
    const there = this.#vouched(key);
    if (there !== undefined) return { path, stat: there };
    const other = { ...key, executable: !key.executable };
    if (this.#vouched(other) !== undefined) this.adoptCopy(this.path(other), key);
    const stat = this.#vouched(key);
    if (stat === undefined) throw missingBlob(key.hash);
    return { path, stat };
  }

  #remember(path: string, at: { hash: Digest; stat: FileStat; readAtMs: number }): void {
    const { size, mtimeMs, inode } = at.stat;
    const racy = isRacy(at.stat, at.readAtMs);
    this.#options.index.put(indexKey(path), { hash: at.hash, size, mtimeMs, ctimeMs: 0, inode, racy });
    this.#audited.set(path, { size, mtimeMs, ctimeMs: 0, inode });
  }

  #ensureFolder(folder: string): void {
    if (this.#made.has(folder)) return;
    makeFolder(folder);
    this.#made.add(folder);
  }

  /** All blobs. */
  *list(): Generator<StoredBlob> {
    for (const folder of readFolder(`${this.#options.root}/files`)) {
      for (const entry of readFolder(`${this.#options.root}/files/${folder.name}`)) {
        const executable = entry.name.endsWith(".x");
        const hash = folder.name + (executable ? entry.name.slice(0, -2) : entry.name);
        const path = `${this.#options.root}/files/${folder.name}/${entry.name}`;
        const stat = statPath(path);
        if (isDigest(hash) && stat?.kind === "file") yield { hash, executable, size: stat.size, path };
      }
    }
  }
}

function indexKey(path: string): string {
  return `blob:${path}`;
}

function modeOf(key: BlobKey): number {
  return key.executable ? 0o555 : 0o444;
}

function readFolder(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return [];
    throw error;
  }
}

/** The error for content that the cache does not have. */
export function missingBlob(hash: Digest): PivotError {
  return new PivotError(`the cache has no whole blob ${hash}`, {
    code: "blob-missing",
    kind: "integrity",
    hint: "pull it from a remote, or run the stage that makes it",
    data: { hash },
  });
}

/** Replaces `target` by a link to or copy of a blob. */
export function place(
  blob: string,
  target: string,
  how: { mode: "hardlink" | "symlink" | "copy"; fileMode: number },
): void {
  replaceWith(target, (temporary) => {
    if (how.mode === "hardlink") return hardLink(blob, temporary);
    if (how.mode === "symlink") return symLink(blob, temporary);
    copyFile(blob, temporary);
    setMode(temporary, how.fileMode);
  });
}
