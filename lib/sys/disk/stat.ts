// What the file system says of a file without opening it, and when that can be trusted.

/** Identity of one state of a file: if any field differs, the content may differ. */
export interface FileStamp {
  /** Bytes. */
  readonly size: number;
  /** Modification time, milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** Inode change time, milliseconds since the epoch; 0 where the platform has none. Whole seconds on Deno 2.9. */
  readonly ctimeMs: number;
  /** Inode number; 0 where the platform has none. */
  readonly inode: number;
}

/** What kind of thing a path names. */
export type FileKind = "file" | "directory" | "symlink" | "other";

/** One `lstat`. */
export interface FileStat extends FileStamp {
  /** What it is. */
  readonly kind: FileKind;
  /** Permission bits, `0o7777` at most. */
  readonly mode: number;
  /** Device number; hard links cannot cross it. */
  readonly device: number;
  /** Names that the file has. */
  readonly links: number;
}

/** The stat of `path` itself, links not followed, or undefined if nothing is there. */
export function statPath(path: string): FileStat | undefined {
  const info = lstatOrUndefined(path);
  if (info === undefined) return undefined;
  return {
    kind: info.isFile ? "file" : info.isDirectory ? "directory" : info.isSymlink ? "symlink" : "other",
    size: info.size,
    mtimeMs: info.mtime?.getTime() ?? 0,
    ctimeMs: info.ctime?.getTime() ?? 0,
    inode: info.ino ?? 0,
    mode: (info.mode ?? 0o644) & 0o7777,
    device: info.dev,
    links: info.nlink ?? 1,
  };
}

function lstatOrUndefined(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw error;
  }
}

/**
 * Whether two stamps describe the same state of the same file. A ctime of 0 on either side is not compared: files that
 * share an inode with the cache change their ctime whenever a link to it comes or goes.
 */
export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.inode === b.inode &&
    (a.ctimeMs === b.ctimeMs || a.ctimeMs === 0 || b.ctimeMs === 0);
}

/** Linux's slowest common clock tick, and a bit. */
export const TICK_MS = 12;
const COARSE_TICK_MS = 2_000;

/**
 * Whether a file stamped so could have been written again after `readAtMs` without its stamp changing:
 * its mtime is within the clock's tick of the read (10 ms at worst on Linux; two seconds where the file
 * system keeps whole seconds, as FAT does). This is git's "racy" problem; such a hash must not be trusted later.
 */
export function isRacy(stamp: FileStamp, readAtMs: number): boolean {
  const tick = stamp.mtimeMs % 1000 === 0 ? COARSE_TICK_MS : TICK_MS;
  return stamp.mtimeMs > readAtMs - tick;
}
