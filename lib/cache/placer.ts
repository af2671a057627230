// Puts one blob into the workspace by the configured mode. Invariants: an executable keeps its bit; a mode that was asked
// for by name never falls back; the index is left so that the next look reads nothing.

import { assert, type CheckoutMode, type Digest, type FileIndex, PivotError } from "../core/mod.ts";
import { type FileStat, hardLink, statPath } from "../sys/mod.ts";
import { type BlobKey, type Blobs, place } from "./blobs.ts";

/** A file of the workspace and the blob it shows. */
export interface FileAt extends BlobKey {
  /** Path relative to the project. */
  readonly key: string;
}

/** The blob of a file or tree entry. */
export function blobKey(file: { readonly hash: Digest; readonly size: number; readonly executable: boolean }): BlobKey {
  return { hash: file.hash, size: file.size, executable: file.executable };
}

/** Options of {@linkcode Placer}. */
export interface PlacerOptions {
  readonly projectRoot: string;
  readonly blobs: Blobs;
  readonly index: FileIndex;
  /** Tried in order; a single one never falls back. */
  readonly modes: readonly CheckoutMode[];
  /** Writable copies, whatever the modes say. @default false */
  readonly writable?: boolean;
}

/** Places blobs in the workspace. */
export class Placer {
  readonly #options: PlacerOptions;
  #at = 0;

  constructor(options: PlacerOptions) {
    assert(options.modes.length > 0, "there is a checkout mode");
    this.#options = options;
  }

  /** The mode in use: the first of the list that has not failed yet. */
  get mode(): CheckoutMode {
    return this.#options.writable === true ? "copy" : this.#options.modes[this.#at] ?? "copy";
  }

  /** Leaves the blob at its place; does nothing if that is so already. */
  place(file: FileAt): void {
    const target = `${this.#options.projectRoot}/${file.key}`;
    const blob = this.#options.blobs.ensureVariant(file);
    const at = statPath(target);
    if (at === undefined && this.mode === "hardlink" && this.#linkFresh(blob.path, target)) {
      return this.remember(file, blob.stat);
    }
    if (!this.#isInPlace(blob, at, target)) this.#placeByMode(blob.path, target, file);
    this.remember(file, this.mode === "copy" ? statPath(target) ?? blob.stat : blob.stat);
  }

  /** Where nothing stands yet, one link is all it takes. */
  #linkFresh(blob: string, target: string): boolean {
    try {
      hardLink(blob, target);
      return true;
    } catch (error) {
      if (error instanceof PivotError && (FALLS_BACK.has(error.code) || error.code === "exists")) return false;
      throw error;
    }
  }

  #isInPlace(
    blob: { readonly path: string; readonly stat: FileStat },
    at: FileStat | undefined,
    target: string,
  ): boolean {
    if (at === undefined) return false;
    if (this.mode === "symlink") return at.kind === "symlink" && Deno.readLinkSync(target) === blob.path;
    return this.mode === "hardlink" && at.inode !== 0 && at.inode === blob.stat.inode && at.device === blob.stat.device;
  }

  #placeByMode(blob: string, target: string, file: FileAt): void {
    const fileMode = file.executable ? 0o755 : 0o644;
    for (;;) {
      try {
        return place(blob, target, { mode: this.mode, fileMode });
      } catch (error) {
        const last = this.#options.writable === true || this.#at >= this.#options.modes.length - 1;
        if (!(error instanceof PivotError) || !FALLS_BACK.has(error.code)) throw error;
        if (last) throw this.#refused(error, target);
        this.#at += 1;
      }
    }
  }

  #refused(error: PivotError, target: string): PivotError {
    return new PivotError(`cannot check out "${target}" as ${this.mode}: ${error.message}`, {
      code: error.code,
      hint: this.mode === "hardlink"
        ? "cache and workspace are on different file systems: use --checkout-mode copy, or set cache.modes"
        : error.hint ?? "try another checkout mode",
      cause: error,
    });
  }

  /** The bytes are the blob's, which was vouched for: the next look need not read them. */
  remember(file: FileAt, stat: FileStat): void {
    const { size, mtimeMs, inode } = stat;
    this.#options.index.put(file.key, { hash: file.hash, size, mtimeMs, ctimeMs: 0, inode, racy: false });
  }
}

const FALLS_BACK: ReadonlySet<string> = new Set(["other-device", "too-many-links", "no-permission"]);
