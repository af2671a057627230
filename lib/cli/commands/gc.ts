// `pivot gc`: removes blobs that nothing names.

import { openProject } from "../../app/open_project.ts";
import { wantedBlobs } from "../../app/wanted.ts";
import { formatBytes, plural } from "../../core/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

const DAY_MS = 86_400_000;

/** Runs the command. */
export async function gcCommand(
  options: Extract<Arguments, { readonly command: "gc" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const wanted = { branches: options.allBranches, tags: options.allTags, signal: context.signal };
  const result = project.cache.gc((await wantedBlobs(project, wanted)).blobs, {
    dryRun: options.dryRun,
    ...(options.keepDays === undefined ? {} : { youngerThanMs: options.keepDays * DAY_MS }),
  });
  await project.state.commit();
  if (options.json) context.terminal.out(JSON.stringify(result));
  else {
    const verb = options.dryRun ? "would remove" : "removed";
    context.terminal.out(
      `${verb} ${plural(result.removed.length, "blob")} (${formatBytes(result.freedBytes)}), kept ${result.kept}`,
    );
  }
  return 0;
}
