// Puts members on disk, below a folder that only this extraction uses. Invariants: nothing that exists is opened for
// writing, so one name is written once; no link is made here, so no name leads through one.

import { parentOf, setMode } from "../../sys/mod.ts";
import { type TarEntry, unsafeArchive } from "./entry.ts";
import { SEGMENT_BYTES } from "./segment_builder.ts";

/** Members and where their content is. */
export interface ParsedMembers {
  readonly entries: readonly TarEntry[];
  /** Tar bytes; of the last file perhaps only the start. */
  readonly raw: Uint8Array<ArrayBuffer>;
  /** Where in them the content of each entry starts. */
  readonly offsets: readonly number[];
}

/** Writes files and makes folders. */
export class MemberWriter {
  readonly #root: string;
  readonly #folders: Set<string>;
  /** Modes that a new file gets or does not get as asked for: the process's mask and the folder's ACL decide. */
  readonly #granted = new Map<number, boolean>();

  /** @param root Must exist. */
  constructor(root: string) {
    this.#root = root;
    this.#folders = new Set([root]);
  }

  /** @throws {PivotError} `unsafe-archive` where something stands already. */
  write({ entries, raw, offsets }: ParsedMembers): void {
    for (const [at, entry] of entries.entries()) {
      const path = `${this.#root}/${entry.path}`;
      this.#makeFolder(entry.kind === "directory" ? path : parentOf(path), entry.path);
      const start = offsets[at] ?? 0;
      if (entry.kind === "file") this.#writeFile(path, entry, raw.subarray(start, start + entry.size));
    }
  }

  #writeFile(path: string, entry: TarEntry, content: Uint8Array): void {
    using file = createNew(path, entry);
    writeAll(file, content);
    if (content.length < entry.size) return;
    const time = dateOf(entry);
    file.utimeSync(time, time);
    if (entry.size > SEGMENT_BYTES || !this.#grants(file, entry.mode)) setMode(path, entry.mode);
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
}

function createNew(path: string, entry: TarEntry): Deno.FsFile {
  // A large file is opened again for its later parts, which a mode without writing would forbid.
  const mode = entry.size > SEGMENT_BYTES ? 0o600 : entry.mode & 0o777;
  try {
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

/** An entry's mtime; milliseconds are what the platform takes. */
export function dateOf({ mtime }: TarEntry): Date {
  return new Date(mtime.seconds * 1000 + Math.floor(mtime.nanos / 1_000_000));
}

/** Writes every byte. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += file.writeSync(bytes.subarray(written));
}
