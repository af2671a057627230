// `pivot commit`: what `run --no-commit` left behind becomes the record.

import { commit } from "../../app/commit.ts";
import { openProject } from "../../app/open_project.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function commitCommand(
  options: Extract<Arguments, { readonly command: "commit" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const result = await commit(project, options.targets, { gitIgnore: !options.noGitIgnore });
  if (options.json) {
    context.terminal.out(JSON.stringify(result));
    return 0;
  }
  for (const stage of result.committed) context.terminal.out(`committed ${stage}`);
  for (const stage of result.incomplete) context.terminal.note(`${stage}: left out, not all of its files are there`);
  if (result.committed.length === 0) context.terminal.note("nothing to commit");
  return 0;
}
