// Files that a stage names as code by globs. Sorted; dot folders, node_modules and .pivot are not looked into unless named.

import { byCodeUnit } from "../core/mod.ts";
import { statPath, walk } from "../sys/mod.ts";

const LEFT_OUT: ReadonlySet<string> = new Set([".git", ".pivot", "node_modules"]);

/** Project-relative paths of the files that `globs` match; `!` excludes. */
export async function filesMatching(projectRoot: string, globs: readonly string[]): Promise<string[]> {
  if (globs.length === 0) return [];
  const { default: picomatch } = await import("picomatch");
  const include = picomatch(globs.filter((glob) => !glob.startsWith("!")).map(clean), { dot: true });
  const exclude = picomatch(globs.filter((glob) => glob.startsWith("!")).map((glob) => clean(glob.slice(1))), {
    dot: true,
  });
  const bases = new Set(globs.filter((glob) => !glob.startsWith("!")).map((glob) => baseOf(clean(glob))));
  const found = new Set<string>();
  for (const base of bases) {
    const root = base === "" ? projectRoot : `${projectRoot}/${base}`;
    const stat = statPath(root);
    if (stat?.kind === "file") found.add(base);
    if (stat?.kind !== "directory") continue;
    const ignore = (path: string) => LEFT_OUT.has(path.slice(path.lastIndexOf("/") + 1));
    for (const entry of walk(root, { ignore })) {
      if (entry.stat.kind === "file") found.add(base === "" ? entry.path : `${base}/${entry.path}`);
    }
  }
  return [...found].filter((path) => include(path) && !exclude(path)).sort(byCodeUnit);
}

function clean(glob: string): string {
  return glob.replace(/^\.\//, "");
}

function baseOf(glob: string): string {
  const segments = glob.split("/");
  const wild = segments.findIndex((segment) => /[*?[\]{}()!]/.test(segment));
  return (wild < 0 ? segments : segments.slice(0, wild)).join("/");
}
