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
  readonly type: "file";
  readonly hash: Digest;
  /** Bytes. */
  readonly size: number;
  readonly executable: boolean;
}

/** The content of a folder: `hash` is the xxhash64 of its canonical listing, `size` the sum over its files. */
export interface TreeContent {
  readonly type: "directory";
  readonly hash: Digest;
  readonly size: number;
  /** Sorted by path in code-unit order. */
  readonly files: readonly TreeEntry[];
}

/** Content of a path. */
export type Content = FileContent | TreeContent;

/** What is remembered of one file, so that it need not be read again. */
export interface IndexedFile {
  readonly hash: Digest;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
  readonly inode: number;
  /** Hashed so soon after it was written that the stamp cannot be trusted later. */
  readonly racy: boolean;
}

/** Remembers hashes of files by absolute or project-relative path; the state database implements it. */
export interface FileIndex {
  get(path: string): IndexedFile | undefined;
  /** Takes effect for `get` at once and is made durable with the next commit. */
  put(path: string, file: IndexedFile): void;
  delete(path: string): void;
}

/** Orders checkout modes; the first that works is used unless one was asked for by name. */
export type CheckoutMode = "hardlink" | "symlink" | "copy";

/** A path and its content, as a lock records it. */
export interface PathContent {
  readonly path: RelPath;
  readonly content: Content;
}
