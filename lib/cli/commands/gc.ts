// `pivot gc`: removes blobs that nothing names.

import { openProject, type Project } from "../../app/open_project.ts";
import { blobsOf } from "../../cache/mod.ts";
import { type Digest, formatBytes, isStageName, plural, type StageName } from "../../core/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

const DAY_MS = 86_400_000;

/** Runs the command. */
export async function gcCommand(
  options: Extract<Arguments, { readonly command: "gc" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const result = project.cache.gc(await recordedBlobs(project), {
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

/** Blobs that a record of this workspace names, stages that are no longer declared included. */
async function recordedBlobs(project: Project): Promise<ReadonlySet<Digest>> {
  const stages = project.locks.recorded().filter((name): name is StageName => isStageName(name));
  const warnings = await project.locks.load(stages);
  const [first] = warnings;
  // What an unreadable lock would have kept is not known: nothing is removed on a guess.
  if (first !== undefined) throw new Error(`${first.message}; repair or remove it before gc`);
  const outs = stages.flatMap((stage) => project.locks.get(stage)?.outs.map(({ content }) => content) ?? []);
  const contents = [...outs, ...(await project.tracked.load()).values()];
  return new Set(contents.flatMap((content) => blobsOf(content).map((blob) => blob.hash)));
}
