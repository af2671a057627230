// The one walk over a folder. Invariant: entries come sorted by path in code-unit order, nothing is
// followed, nothing is left out that the caller's filter did not leave out.

import { byCodeUnit } from "../../core/mod.ts";
import { type FileStat, statPath } from "./stat.ts";

/** One entry below the walked folder. */
export interface WalkEntry {
  /** Path relative to the walked folder, `/` between segments. */
  readonly path: string;
  readonly stat: FileStat;
}

/** Options of {@linkcode walk}. */
export interface WalkOptions {
  /** Leaves out an entry, and for a folder all below it. */
  readonly ignore?: (path: string, isDirectory: boolean) => boolean;
}

/**
 * Everything below `root` (the root itself excluded), links not followed. An entry that vanishes during
 * the walk is passed over.
 */
export function walk(root: string, options: WalkOptions = {}): WalkEntry[] {
  const found: WalkEntry[] = [];
  const pending: string[] = [""];
  for (let prefix = pending.pop(); prefix !== undefined; prefix = pending.pop()) {
    for (const entry of Deno.readDirSync(prefix === "" ? root : `${root}/${prefix}`)) {
      const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      if (options.ignore?.(path, entry.isDirectory)) continue;
      const stat = statPath(`${root}/${path}`);
      if (stat === undefined) continue;
      found.push({ path, stat });
      if (stat.kind === "directory") pending.push(path);
    }
  }
  return found.sort((a, b) => byCodeUnit(a.path, b.path));
}
