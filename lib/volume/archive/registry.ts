// All names of an archive, so that one name is used once and nothing lies below what is no folder.
// Invariant: a hard link names an earlier file of the same archive.

import { type EntryKind, type TarEntry, unsafeArchive } from "./entry.ts";

/** Names seen so far. */
export class NameRegistry {
  readonly #kinds = new Map<string, EntryKind | "implied">();
  readonly #foldCase: boolean;

  /** @param foldCase The names go to a file system that does not tell `A` from `a`. */
  constructor(foldCase: boolean) {
    this.#foldCase = foldCase;
  }

  /** Takes the next member in the archive's order. @throws {PivotError} `unsafe-archive` */
  add(entry: TarEntry): void {
    this.#implyParents(entry.path);
    const key = this.#key(entry.path);
    const before = this.#kinds.get(key);
    // A folder may follow its content once; anything else is there twice.
    if (before !== undefined && !(before === "implied" && entry.kind === "directory")) {
      throw unsafeArchive(
        `the name "${entry.path}" is there twice${this.#foldCase ? ", or differs from another only in case" : ""}`,
      );
    }
    if (entry.kind === "hardlink") this.#checkTarget(entry);
    this.#kinds.set(key, entry.kind);
  }

  #implyParents(path: string): void {
    for (let cut = path.lastIndexOf("/"); cut > 0; cut = path.lastIndexOf("/", cut - 1)) {
      const parent = path.slice(0, cut);
      const key = this.#key(parent);
      const kind = this.#kinds.get(key);
      if (kind === "directory" || kind === "implied") return;
      if (kind !== undefined) throw unsafeArchive(`"${path}" lies below "${parent}", which is a ${kind}`);
      this.#kinds.set(key, "implied");
    }
  }

  #checkTarget(entry: TarEntry): void {
    const kind = this.#kinds.get(this.#key(entry.target));
    if (kind === "file" || kind === "hardlink" || kind === "symlink") return;
    throw unsafeArchive(
      `the hard link "${entry.path}" goes to "${entry.target}", which is no earlier file of the archive`,
    );
  }

  #key(path: string): string {
    return this.#foldCase ? path.normalize("NFC").toLowerCase() : path;
  }
}
