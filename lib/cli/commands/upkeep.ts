// `pivot gc` and `pivot verify`: looking after the cache.

import { openProject, type Project } from "../../app/open_project.ts";
import { blobsOf } from "../../cache/mod.ts";
import { type Digest, formatBytes, isStageName, plural, type StageName } from "../../core/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

const DAY_MS = 86_400_000;

/** Runs either command. */
export async function upkeepCommand(
  options: Extract<Arguments, { readonly command: "gc" | "verify" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  if (options.command === "verify") return await verify(project, options.json, context);
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

async function verify(project: Project, json: boolean, context: CommandContext): Promise<number> {
  const result = await project.cache.verify({ signal: context.signal });
  await project.state.commit();
  if (json) context.terminal.out(JSON.stringify(result));
  else {
    for (const { hash, found, movedTo } of result.damaged) {
      context.terminal.out(`damaged ${hash}: its content is ${found}; moved to ${movedTo}`);
    }
    context.terminal.out(
      `${plural(result.checked, "blob")} (${formatBytes(result.bytes)}), ${result.damaged.length} damaged`,
    );
  }
  return result.damaged.length > 0 ? 12 : 0;
}
