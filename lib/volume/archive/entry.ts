// One member of an archive as plain data, and what goes wrong with archives.
// Invariant: an entry's path was checked segment by segment and lies inside the volume.

import { PivotError } from "../../core/mod.ts";

/** What an archive can hold. Anything else in a tree is an error, never dropped. */
export type EntryKind = "file" | "directory" | "symlink" | "hardlink";

/** A point in time as tar keeps it. */
export interface TarTime {
  /** Whole seconds since the epoch, rounded towards minus infinity. */
  readonly seconds: number;
  /** 0 to 999,999,999. */
  readonly nanos: number;
}

/** One member. */
export interface TarEntry {
  /** What it is. */
  readonly kind: EntryKind;
  /** Relative to the volume, `/` between segments, none at its end. */
  readonly path: string;
  /** Permission bits, `0o7777` at most. */
  readonly mode: number;
  /** Bytes of content; 0 unless a file. */
  readonly size: number;
  /** When it was last written. */
  readonly mtime: TarTime;
  /** The link's text, or for a hard link the path of the earlier member. Empty otherwise. */
  readonly target: string;
}

/** Bounds on what is read from an archive. */
export interface ArchiveLimits {
  /** Members. @default 2,000,000 */
  readonly entries: number;
  /** Bytes of all files together. @default 1 TiB */
  readonly bytes: number;
  /** Unpacked over packed, looked at once 1 GiB was unpacked. @default 5,000 */
  readonly ratio: number;
}

/** The bounds that hold unless others are given. */
export const DEFAULT_LIMITS: ArchiveLimits = { entries: 2_000_000, bytes: 2 ** 40, ratio: 5_000 };

/** An archive that would write outside the volume, or twice to one name, or holds what no volume holds. */
export function unsafeArchive(what: string): PivotError {
  return new PivotError(`unsafe archive: ${what}`, {
    code: "unsafe-archive",
    kind: "integrity",
    hint: "nothing was kept of it; find out who wrote it, then remove it with `pivot ci cache rm`",
  });
}

/** An archive whose bytes are not what its format says. */
export function corruptArchive(what: string, cause?: unknown): PivotError {
  return new PivotError(`corrupt archive: ${what}`, {
    code: "corrupt-archive",
    kind: "integrity",
    hint: "nothing was kept of it; remove it with `pivot ci cache rm` and let the next run make it again",
    ...(cause === undefined ? {} : { cause }),
  });
}

/** An archive beyond the bounds. */
export function archiveTooLarge(what: string): PivotError {
  return new PivotError(`archive too large: ${what}`, {
    code: "archive-too-large",
    kind: "integrity",
    hint: "if it is meant to be this large, raise the limits",
  });
}
