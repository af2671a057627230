// Places of volumes below a task's folder. Invariant: what is made for a mount inside another volume is counted, and gone
// when the last task that needs it has ended, so that no volume's listing tells of a mount.

import { messageOf } from "../../../core/mod.ts";
import { makeFolder, moveFile, removeIfThere, removeTree, safeJoin, statPath, symLink } from "../../../sys/mod.ts";
import { driverError } from "../failure.ts";
import { isWithin, type PlacedMount } from "../mount_paths.ts";

/** A mount with the folders it connects. */
export interface FolderMount extends PlacedMount {
  /** The volume's folder. */
  readonly source: string;
}

/** A mount whose place is there. */
export interface MountPoint extends FolderMount {
  /** Where its place is on disk, seen from outside: inside another volume's folder, if it is nested. */
  readonly place: string;
}

interface Made {
  users: number;
  /** The volume that a link leads to; undefined for a folder. */
  readonly source: string | undefined;
  /** Where what stood there before was put. */
  readonly aside: string | undefined;
}

/** Makes and unmakes the places of mounts of all tasks of one driver. Synchronous, hence atomic between tasks. */
export class MountPoints {
  readonly #made = new Map<string, Made>();
  readonly #asideFolder: string;
  #asides = 0;

  /** @param asideFolder A folder on the volumes' own file system. */
  constructor(asideFolder: string) {
    this.#asideFolder = asideFolder;
  }

  /** Where a path of the task is on disk, given the mounts that are placed already. */
  static hostPath(taskFolder: string, path: string, placed: readonly FolderMount[]): string {
    const outer = placed.findLast((mount) => isWithin(path, mount.path));
    const [base, cut] = outer === undefined ? [taskFolder, ""] : [outer.source, outer.path];
    const rest = path.slice(cut.length).replace(/^\//, "");
    if (rest === "") return base;
    if (outer === undefined && path.startsWith("/")) return path;
    try {
      return safeJoin(base, rest);
    } catch (error) {
      throw driverError("bad-mount", `cannot mount at "${path}": ${messageOf(error)}`, undefined, error);
    }
  }

  /**
   * Makes a place for every mount: folders to bind to, or links to the volumes.
   *
   * @returns what to call when the task has ended.
   */
  place(
    taskFolder: string,
    mounts: readonly FolderMount[],
    how: "folders" | "links",
  ): { readonly points: readonly MountPoint[]; release(): void } {
    const points: MountPoint[] = [];
    const taken: string[] = [];
    const release = () => {
      for (const path of taken.toReversed()) this.#release(path);
    };
    try {
      for (const mount of mounts) {
        const place = MountPoints.hostPath(taskFolder, mount.path, points);
        points.push({ ...mount, place });
        if (mount.path === "") continue;
        if (
          mount.path.startsWith("/") &&
          !points.some((outer) => outer.path !== mount.path && isWithin(mount.path, outer.path))
        ) {
          continue;
        }
        this.#takeParents(place, taken);
        if (how === "folders") this.#takeFolder(place, taken);
        else this.#takeLink(place, mount.source, taken);
      }
      return { points, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  #takeParents(place: string, taken: string[]): void {
    const missing: string[] = [];
    for (let path = parent(place); this.#made.has(path) || statPath(path) === undefined; path = parent(path)) {
      missing.unshift(path);
    }
    for (const path of missing) this.#takeFolder(path, taken);
  }

  #takeFolder(path: string, taken: string[]): void {
    const made = this.#made.get(path);
    if (made !== undefined) made.users += 1;
    else {
      const there = statPath(path);
      if (there?.kind === "directory") return;
      if (there !== undefined) {
        throw driverError(
          "bad-mount",
          `cannot mount at "${path}": a ${there.kind} is there`,
          "remove it, or mount elsewhere",
        );
      }
      makeFolder(path);
      this.#made.set(path, { users: 1, source: undefined, aside: undefined });
    }
    taken.push(path);
  }

  #takeLink(path: string, source: string, taken: string[]): void {
    const made = this.#made.get(path);
    if (made !== undefined && made.source !== source) {
      throw driverError(
        "bad-mount",
        `cannot mount at "${path}": a task that runs at the same time has another volume there`,
        "run one after the other, or where mount namespaces work",
      );
    }
    if (made !== undefined) made.users += 1;
    else {
      const there = statPath(path);
      if (there !== undefined && there.kind !== "directory") {
        throw driverError(
          "bad-mount",
          `cannot mount at "${path}": a ${there.kind} is there`,
          "remove it, or mount elsewhere",
        );
      }
      const aside = there === undefined ? undefined : `${this.#asideFolder}/${++this.#asides}`;
      if (aside !== undefined) moveFile(path, aside);
      symLink(source, path);
      this.#made.set(path, { users: 1, source, aside });
    }
    taken.push(path);
  }

  #release(path: string): void {
    const made = this.#made.get(path);
    if (made === undefined || --made.users > 0) return;
    this.#made.delete(path);
    if (made.source === undefined) return removeIfEmpty(path);
    const now = statPath(path)?.kind;
    if (now === "symlink") removeIfThere(path);
    else if (now === "directory") {
      // The task removed the link and made a folder of that name: that is what the volume shall hold.
      removeTree(made.source);
      moveFile(path, made.source);
    }
    if (made.aside !== undefined) moveFile(made.aside, path);
  }
}

function parent(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

function removeIfEmpty(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    const osCode = (error as { code?: unknown }).code;
    const kept = error instanceof Deno.errors.NotFound || osCode === "ENOTEMPTY" || osCode === "EEXIST";
    if (!kept) throw error;
  }
}
