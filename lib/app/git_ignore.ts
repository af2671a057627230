// Keeps outputs out of git: one block of the project's `.gitignore`, rewritten when outputs come or go.
// Invariant: nothing outside the block is touched; a project that is in no git repository gets no file.

import { byCodeUnit } from "../core/mod.ts";
import type { Pipeline } from "../pipeline/mod.ts";
import { parentOf, statPath, writeDurable } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";

const OPENS = "# pivot: outputs and tracked data, kept in the cache. This block is written by pivot.";
const CLOSES = "# pivot: end";

/**
 * Brings the block up to date with the pipeline's cached outputs and the tracked paths.
 *
 * @returns Whether the file was written. Does nothing where the setting `git.ignore` is off, or outside of git.
 */
export async function syncGitIgnore(project: Project, pipeline: Pipeline): Promise<boolean> {
  if (project.settings.get("git.ignore") !== true || !isInGit(project.root)) return false;
  const outs = pipeline.stages.flatMap((stage) =>
    stage.outs.filter((out) => out.cache && out.globs === undefined)
      .map((out) => `/${escapePattern(out.path)}${out.directory ? "/" : ""}`)
  );
  const tracked = [...(await project.tracked.load()).keys()].map((path) => `/${escapePattern(path)}`);
  const file = `${project.root}/.gitignore`;
  const before = statPath(file) === undefined ? "" : Deno.readTextFileSync(file);
  const after = withBlock(before, [...new Set([...outs, ...tracked])].sort(byCodeUnit));
  if (after === before) return false;
  writeDurable(file, after);
  return true;
}

/** The text of a `.gitignore` with this block; without lines the block goes. Pure. */
export function withBlock(text: string, patterns: readonly string[]): string {
  const lines = text === "" ? [] : text.replace(/\n$/, "").split("\n");
  const from = lines.indexOf(OPENS);
  const to = from < 0 ? -1 : lines.indexOf(CLOSES, from);
  const block = patterns.length === 0 ? [] : [OPENS, ...patterns, CLOSES];
  if (from < 0 || to < 0) {
    if (block.length === 0) return text;
    const gap = lines.length > 0 && lines.at(-1) !== "" ? [""] : [];
    return `${[...lines, ...gap, ...block].join("\n")}\n`;
  }
  const rest = [...lines.slice(0, from), ...block, ...lines.slice(to + 1)];
  return rest.length === 0 ? "" : `${rest.join("\n")}\n`;
}

/** A path as a gitignore pattern that matches it and nothing else. Source: git's documentation of gitignore. */
export function escapePattern(path: string): string {
  return path.replace(/[\\*?[\]]/g, "\\$&").replace(/ +$/, (spaces) => "\\ ".repeat(spaces.length));
}

function isInGit(root: string): boolean {
  for (let folder = root;; folder = parentOf(folder)) {
    if (statPath(`${folder === "/" ? "" : folder}/.git`) !== undefined) return true;
    if (folder === "/" || parentOf(folder) === folder) return false;
  }
}
