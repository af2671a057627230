// Tracked data that is not in the workspace counts as what was recorded of it: a clone can skip what it need not open.
// Invariant: what is in the workspace always wins over a record.

import { type Sight, treeOf } from "../cache/mod.ts";
import type { Content, RelPath, TreeEntry } from "../core/mod.ts";
import { statPath } from "../sys/mod.ts";

/** Recorded contents by path. */
export type TrackedContents = ReadonlyMap<RelPath, Content>;

/** A sight in which tracked paths that are missing from the workspace have their recorded content. */
export function withTracked(sight: Sight, tracked: TrackedContents, projectRoot: string): Sight {
  const missing = new Map([...tracked].filter(([path]) => statPath(`${projectRoot}/${path}`) === undefined));
  if (missing.size === 0) return sight;
  return {
    get(request) {
      const seen = sight.get(request);
      if (request.globs !== undefined) return seen;
      return seen === undefined ? recordedAt(missing, request.path) : joined(seen, request.path, missing);
    },
  };
}

/** The recorded content of a path that is tracked, lies in a tracked folder, or holds tracked paths. */
function recordedAt(missing: TrackedContents, path: RelPath): Content | undefined {
  const own = missing.get(path);
  if (own !== undefined) return own;
  for (const [folder, content] of missing) {
    if (content.type === "directory" && path.startsWith(`${folder}/`)) {
      return below(content, path.slice(folder.length + 1));
    }
  }
  const entries = entriesBelow(missing, path);
  return entries.length === 0 ? undefined : treeOf(entries);
}

function below(content: Content & { type: "directory" }, path: string): Content | undefined {
  const entry = content.files.find((each) => each.path === path);
  if (entry?.type === "file") {
    return { type: "file", hash: entry.hash, size: entry.size, executable: entry.executable };
  }
  const inside = content.files.filter((each) => each.path.startsWith(`${path}/`));
  if (inside.length === 0 && entry?.type !== "directory") return undefined;
  return treeOf(inside.map((each) => ({ ...each, path: each.path.slice(path.length + 1) })));
}

function joined(seen: Content, path: RelPath, missing: TrackedContents): Content {
  if (seen.type !== "directory") return seen;
  const entries = entriesBelow(missing, path);
  if (entries.length === 0) return seen;
  const own = new Set(entries.map((entry) => entry.path));
  // A folder that was empty but for tracked data is no longer an empty folder.
  const rest = seen.files.filter((each) =>
    !own.has(each.path) &&
    !(each.type === "directory" && entries.some((entry) => entry.path.startsWith(`${each.path}/`)))
  );
  return treeOf([...rest, ...entries]);
}

function entriesBelow(missing: TrackedContents, folder: RelPath): TreeEntry[] {
  return [...missing].flatMap(([path, content]): TreeEntry[] => {
    if (!path.startsWith(`${folder}/`)) return [];
    const at = path.slice(folder.length + 1);
    if (content.type === "file") {
      return [{ type: "file", path: at, hash: content.hash, size: content.size, executable: content.executable }];
    }
    if (content.files.length === 0) return [{ type: "directory", path: at }];
    return content.files.map((entry) => ({ ...entry, path: `${at}/${entry.path}` }));
  });
}

/** Tracked paths that a dependency needs and the workspace lacks. */
export function missingTracked(
  tracked: TrackedContents,
  deps: readonly { readonly path: RelPath }[],
  projectRoot: string,
): { readonly path: RelPath; readonly content: Content }[] {
  const touches = (path: RelPath) =>
    deps.some((dep) => dep.path === path || path.startsWith(`${dep.path}/`) || dep.path.startsWith(`${path}/`));
  return [...tracked].filter(([path]) => touches(path) && statPath(`${projectRoot}/${path}`) === undefined)
    .map(([path, content]) => ({ path, content }));
}
