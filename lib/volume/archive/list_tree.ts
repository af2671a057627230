// What a folder holds, as entries of an archive. Invariant: the same tree gives the same list, and whatever an archive
// cannot hold is an error, never left out.

import { PivotError } from "../../core/mod.ts";
import { createHasher, type FileStat, statPath, walk } from "../../sys/mod.ts";
import { formatTime } from "./tar_encode.ts";
import type { TarEntry } from "./entry.ts";

/** A folder's content. */
export interface TreeListing {
  /** Parents before children, sorted by path in code-unit order. */
  readonly entries: readonly TarEntry[];
  /**
   * Digest of paths, kinds, sizes, modes, link targets and the mtimes of files: equal listings mean an unchanged tree
   * as far as the file system tells. A folder's mtime does not count: it changes when a file comes and goes.
   */
  readonly hash: string;
  /**
   * Like `hash`, but with inode numbers and ctimes, which nobody can set back: holds on this machine only, until the
   * files are moved.
   */
  readonly stamp: string;
  /** Bytes of all files together, each hard link counted once. */
  readonly bytes: number;
}

/** Lists a folder. A missing folder is an empty one. @throws {PivotError} `cannot-archive` */
export function listTree(root: string): TreeListing {
  if (statPath(root) === undefined) return summarise([], []);
  const refuseLostName = (path: string) => {
    // A name that is not UTF-8 comes to us with its bytes replaced, and then names nothing.
    if (path.includes("\ufffd") && statPath(`${root}/${path}`) === undefined) {
      throw cannotArchive(path, "its name is not UTF-8", "rename it");
    }
    return false;
  };
  const found = walk(root, { ignore: refuseLostName });
  const firstNames = new Map<string, string>();
  const entries = found.map(({ path, stat }) => toEntry(root, path, stat, firstNames));
  return summarise(entries, found.map(({ stat }) => stat));
}

function toEntry(root: string, path: string, stat: FileStat, firstNames: Map<string, string>): TarEntry {
  const base = { path, mode: stat.mode, size: 0, mtime: timeOfMs(stat.mtimeMs), target: "" };
  switch (stat.kind) {
    case "directory":
      return { ...base, kind: "directory" };
    case "symlink":
      return { ...base, kind: "symlink", mode: 0o777, target: Deno.readLinkSync(`${root}/${path}`) };
    case "other":
      throw cannotArchive(path, "it is a socket, pipe or device", "remove it before the volume is persisted");
    case "file": {
      const id = `${stat.device}:${stat.inode}`;
      const first = stat.links > 1 ? firstNames.get(id) : undefined;
      if (first !== undefined) return { ...base, kind: "hardlink", target: first };
      if (stat.links > 1) firstNames.set(id, path);
      return { ...base, kind: "file", size: stat.size };
    }
  }
}

function cannotArchive(path: string, why: string, hint: string): PivotError {
  return new PivotError(`cannot archive "${path}": ${why}`, { code: "cannot-archive", hint });
}

function timeOfMs(ms: number): TarEntry["mtime"] {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round(ms - seconds * 1000) * 1_000_000 };
}

/** The digest of entries as {@linkcode TreeListing.hash} has it. */
export function hashListing(entries: readonly TarEntry[]): string {
  return summarise(entries, []).hash;
}

const BATCH_LINES = 4096;

function summarise(entries: readonly TarEntry[], stats: readonly FileStat[]): TreeListing {
  const [hash, stamp] = [createHasher(), createHasher()];
  const encoder = new TextEncoder();
  let bytes = 0;
  for (let start = 0; start < entries.length; start += BATCH_LINES) {
    let [lines, stampLines] = ["", ""];
    for (let at = start; at < Math.min(start + BATCH_LINES, entries.length); at++) {
      const entry = entries[at];
      if (entry === undefined) break;
      const line = listingLine(entry);
      const stat = stats[at];
      lines += line;
      stampLines += `${line}${stat?.device} ${stat?.inode} ${stat?.ctimeMs}\0`;
      bytes += entry.size;
    }
    hash.update(encoder.encode(lines));
    stamp.update(encoder.encode(stampLines));
  }
  return { entries, hash: hash.digest(), stamp: stamp.digest(), bytes };
}

function listingLine(entry: TarEntry): string {
  const time = entry.kind === "file" || entry.kind === "hardlink" ? toMs(entry) : "";
  return `${entry.path}\0${entry.kind}\0${entry.mode.toString(8)}\0${entry.size}\0${time}\0${entry.target}\0`;
}

/** Milliseconds, since that is what can be read back from disk on every platform. */
function toMs(entry: TarEntry): string {
  return formatTime({ ...entry.mtime, nanos: Math.floor(entry.mtime.nanos / 1_000_000) * 1_000_000 });
}
