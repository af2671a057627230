// What a file or folder contains, as plain data: the currency between cache, locks, remotes and engine.

import type { Digest, RelPath } from "./ids.ts";

/** One entry of a folder's listing. Folders appear only when they are empty; others follow from the paths. */
export type TreeEntry =
  | {
    readonly type: "file";
    /** Relative to the folder, `/` between segments. */
    readonly path: string;
    readonly hash: Digest;
    /** Bytes. */
    readonly size: number;
    readonly executable: boolean;
  }
  | { readonly type: "directory"; readonly path: string }
  | {
    readonly type: "link";
    readonly path: string;
    /** As stored in the link: relative, and inside the folder. */
    readonly target: string;
  };

/** The content of one file. */
export interface FileContent {
  /** Tells files from folders. */
  readonly type: "file";
  /** xxhash64 of the bytes. */
  readonly hash: Digest;
  /** Bytes. */
  readonly size: number;
  /** Whether its owner may execute it. */
  readonly executable: boolean;
}

/** The content of a folder: `hash` is the xxhash64 of its canonical listing, `size` the sum over its files. */
export interface TreeContent {
  /** Tells folders from files. */
  readonly type: "directory";
  /** xxhash64 of the canonical listing. */
  readonly hash: Digest;
  /** Bytes of all files together. */
  readonly size: number;
  /** Sorted by path in code-unit order. */
  readonly files: readonly TreeEntry[];
}

/** Content of a path. */
export type Content = FileContent | TreeContent;

/** What is remembered of one file, so that it need not be read again. */
export interface IndexedFile {
  /** xxhash64 of the bytes. */
  readonly hash: Digest;
  /** Bytes. */
  readonly size: number;
  /** Modification time, milliseconds since the epoch. */
  readonly mtimeMs: number;
  /** Inode change time, milliseconds since the epoch; 0 = not to be compared. */
  readonly ctimeMs: number;
  /** Inode number; 0 where the platform has none. */
  readonly inode: number;
  /** Hashed so soon after it was written that the stamp cannot be trusted later. */
  readonly racy: boolean;
}

/** Remembers hashes of files by absolute or project-relative path; the state database implements it. */
export interface FileIndex {
  /** What is remembered of a file. */
  get(path: string): IndexedFile | undefined;
  /** Takes effect for `get` at once and is made durable with the next commit. */
  put(path: string, file: IndexedFile): void;
  /** Forgets a file. */
  delete(path: string): void;
}

/** Orders checkout modes; the first that works is used unless one was asked for by name. */
export type CheckoutMode = "hardlink" | "symlink" | "copy";

/** A path and its content, as a lock records it. */
export interface PathContent {
  /** Relative to the project. */
  readonly path: RelPath;
  /** What is there, or was there. */
  readonly content: Content;
}
