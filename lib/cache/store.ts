// From the workspace into the cache. Invariants: content is in the store before anything refers to it; at every moment
// the workspace or the store holds it whole; a file that has other names elsewhere is copied, since making it
// read-only would change those too.

import type { CheckoutMode, Content, FileIndex, PathContent, TreeEntry } from "../core/mod.ts";
import { PivotError } from "../core/mod.ts";
import { type FileStat, sameStamp, statPath } from "../sys/mod.ts";
import type { BlobKey, Blobs } from "./blobs.ts";
import { blobKey, type FileAt, Placer } from "./placer.ts";

/** What storing needs. */
export interface StoreOptions {
  readonly projectRoot: string;
  readonly blobs: Blobs;
  readonly index: FileIndex;
  readonly modes: readonly CheckoutMode[];
}

/** Every file of some content, with its place in the workspace. */
export function* filesOf(at: PathContent): Generator<FileAt> {
  if (at.content.type === "file") {
    yield { key: at.path, ...blobKey(at.content) };
    return;
  }
  for (const entry of at.content.files) {
    if (entry.type === "file") yield { key: `${at.path}/${entry.path}`, ...blobKey(entry) };
  }
}

/** Every blob that content is made of. */
export function blobsOf(content: Content): BlobKey[] {
  if (content.type === "file") return [blobKey(content)];
  return content.files.filter((entry): entry is TreeEntry & { type: "file" } => entry.type === "file").map(blobKey);
}

/** Moves what was just observed into the store and leaves it in the workspace by the checkout mode. */
export function storeAll(outputs: readonly PathContent[], options: StoreOptions): void {
  const placer = new Placer(options);
  for (const output of outputs) {
    for (const file of filesOf(output)) storeFile(file, options, placer);
  }
}

/** Copies what was just observed into the store; the workspace is left as it is. */
export function storeCopies(outputs: readonly PathContent[], options: StoreOptions): void {
  for (const output of outputs) {
    for (const file of filesOf(output)) {
      if (!options.blobs.has(file)) options.blobs.adoptCopy(`${options.projectRoot}/${file.key}`, file);
    }
  }
}

function storeFile(file: FileAt, options: StoreOptions, placer: Placer): void {
  const { blobs } = options;
  const absolute = `${options.projectRoot}/${file.key}`;
  const stat = statPath(absolute);
  if (stat === undefined) throw vanished(file.key);
  if (stat.kind === "file") assertAsHashed(file, stat, options.index);
  // Linking is one atomic step that copies nothing; it must not reach a file that has a life elsewhere.
  if (
    stat.kind === "file" && stat.links === 1 && placer.mode === "hardlink" && tryLink(absolute, { file, stat, blobs })
  ) {
    return placer.remember(file, stat);
  }
  if (!blobs.has(file)) blobs.adoptCopy(absolute, file);
  placer.place(file);
}

/** What is stored must be what was hashed. */
function assertAsHashed(file: FileAt, stat: FileStat, index: FileIndex): void {
  const hashed = index.get(file.key);
  if (stat.size !== file.size || hashed?.hash !== file.hash || !sameStamp(hashed, stat)) throw vanished(file.key);
}

function tryLink(absolute: string, about: { file: FileAt; stat: FileStat; blobs: Blobs }): boolean {
  try {
    return about.blobs.adoptLink(absolute, about.file, about.stat);
  } catch (error) {
    if (error instanceof PivotError && (error.code === "other-device" || error.code === "no-permission")) return false;
    throw error;
  }
}

function vanished(path: string): PivotError {
  return new PivotError(`output "${path}" changed before it could be stored`, {
    code: "file-changing",
    hint: "a process that the stage left behind may still write to it",
  });
}
