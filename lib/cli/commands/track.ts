// `pivot track` and `pivot untrack`: data that no stage makes.

import { openProject } from "../../app/open_project.ts";
import { track, type TrackedPath, untrack } from "../../app/track.ts";
import { formatBytes, plural } from "../../core/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

const WORDS: Readonly<Record<TrackedPath["change"], string>> = {
  added: "tracked",
  updated: "recorded again",
  unchanged: "unchanged",
};

/** Runs either command. */
export async function trackCommand(
  options: Extract<Arguments, { readonly command: "track" | "untrack" }>,
  context: CommandContext,
): Promise<number> {
  const { terminal, cwd, signal } = context;
  await using project = await openProject(context);
  const about = { cwd, paths: options.paths, signal, gitIgnore: !options.noGitIgnore };
  if (options.command === "untrack") {
    const paths = await untrack(project, about);
    if (options.json) terminal.out(JSON.stringify({ untracked: paths }));
    else for (const path of paths) terminal.out(`${path}  no longer tracked; the data stays`);
    return 0;
  }
  const result = await track(project, about);
  if (options.json) terminal.out(JSON.stringify(result));
  else {for (const { path, size, change } of result.tracked) {
      terminal.out(`${path}  ${WORDS[change]}, ${formatBytes(size)}`);
    }}
  for (const path of result.inGit) {
    terminal.note(`warning: git keeps "${path}" too; \`git rm -r --cached ${path}\` leaves it to pivot alone`);
  }
  const records = result.tracked.filter(({ change }) => change !== "unchanged").map(({ record }) => record);
  if (records.length > 0 && !options.json) {
    terminal.note(`${plural(records.length, "record")} to keep in git: ${records.join(" ")}`);
  }
  return 0;
}
