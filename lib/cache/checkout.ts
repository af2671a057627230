// From the cache into the workspace. Invariants: nothing is overwritten that only the workspace has, unless the caller
// says so; a folder comes back exactly; untrusted names are joined segment by segment.

import type { CheckoutMode, Content, FileIndex, PathContent } from "../core/mod.ts";
import { makeFolder, parentOf, removeTree, replaceWith, safeJoin, statPath, symLink, walk } from "../sys/mod.ts";
import type { Blobs } from "./blobs.ts";
import { Placer } from "./placer.ts";
import { blobsOf, filesOf } from "./store.ts";
import { missingBlob } from "./blobs.ts";

/** One thing to check out. */
export interface CheckoutItem extends PathContent {
  /** A copy that may be written to (incremental outputs). @default false */
  readonly writable?: boolean;
  /** Remove what the record does not name from the folder. @default true */
  readonly exact?: boolean;
}

/** What checking out needs. */
export interface CheckoutOptions {
  readonly projectRoot: string;
  readonly blobs: Blobs;
  readonly index: FileIndex;
  readonly modes: readonly CheckoutMode[];
  readonly signal?: AbortSignal;
}

/**
 * Brings items into the workspace. All blobs are checked to be there before the first file is touched.
 *
 * @throws {PivotError} `blob-missing` (kind `integrity`); `unsafe-path` for a listing that leaves its folder.
 */
export function checkoutAll(items: readonly CheckoutItem[], options: CheckoutOptions): void {
  for (const item of items) {
    const lost = blobsOf(item.content).find((key) => !options.blobs.has(key));
    if (lost !== undefined) throw missingBlob(lost.hash);
  }
  for (const item of items) {
    options.signal?.throwIfAborted();
    checkoutItem(item, options);
  }
}

function checkoutItem(item: CheckoutItem, options: CheckoutOptions): void {
  const root = safeJoin(options.projectRoot, item.path);
  const placer = new Placer({ ...options, writable: item.writable ?? false });
  const at = statPath(root);
  if (item.content.type === "file") {
    if (at?.kind === "directory") removeTree(root);
    makeFolder(parentOf(root));
  } else {
    if (at !== undefined && at.kind !== "directory") removeTree(root);
    makeFolder(root);
    if (item.exact !== false) removeStrangers(root, item.content);
    makeFolders(root, item.content);
  }
  for (const file of filesOf(item)) placer.place(file);
}

/** Removes what the listing does not name, and what stands in the way of what it names. */
function removeStrangers(root: string, content: Content & { type: "directory" }): void {
  const wanted = new Map<string, "file" | "directory" | "symlink">();
  for (const entry of content.files) {
    for (let path = entry.path; path.includes("/");) {
      path = path.slice(0, path.lastIndexOf("/"));
      wanted.set(path, "directory");
    }
    wanted.set(entry.path, entry.type === "link" ? "symlink" : entry.type);
  }
  for (const { path, stat } of walk(root)) {
    const want = wanted.get(path);
    // A file may stand there as a link into the cache: placing replaces it in one step.
    if (want === "file" ? stat.kind === "directory" : want !== stat.kind) removeTree(`${root}/${path}`);
  }
}

function makeFolders(root: string, content: Content & { type: "directory" }): void {
  const made = new Set<string>();
  const ensure = (folder: string) => {
    if (made.has(folder)) return;
    makeFolder(folder);
    made.add(folder);
  };
  for (const entry of content.files) {
    const path = made.has(parentOf(`${root}/${entry.path}`)) ? `${root}/${entry.path}` : safeJoin(root, entry.path);
    if (entry.type === "directory") ensure(path);
    else ensure(parentOf(path));
    if (entry.type !== "link") continue;
    const at = statPath(path);
    if (at?.kind === "symlink" && Deno.readLinkSync(path) === entry.target) continue;
    replaceWith(path, (temporary) => symLink(entry.target, temporary));
  }
}
