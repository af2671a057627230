// `pivot logs`: what a stage printed when it last ran.

import { openProject } from "../../app/open_project.ts";
import { lastRunOf, shortId } from "../../app/past_runs.ts";
import { findProject } from "../../config/mod.ts";
import { formatDuration, nearest, PivotError } from "../../core/mod.ts";
import { logPath } from "../../engine/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function logsCommand(
  options: Extract<Arguments, { readonly command: "logs" }>,
  context: CommandContext,
): Promise<number> {
  const root = findProject(context.cwd);
  const lines = readLog(root, options.stage).split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (const line of options.tail === undefined ? lines : lines.slice(-options.tail)) context.terminal.out(line);
  await using project = await openProject(context);
  const last = lastRunOf(project, options.stage);
  if (last !== undefined) {
    const { run, stage } = last;
    context.terminal.note(
      `run ${shortId(run.id)} of ${run.startedAt.slice(0, 19).replace("T", " ")} UTC: ${stage.outcome} in ${
        formatDuration(stage.ms)
      }, ${stage.reason}`,
    );
  }
  return 0;
}

function readLog(root: string, stage: string): string {
  try {
    return Deno.readTextFileSync(`${root}/${logPath(stage)}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const known = knownLogs(root);
    const meant = nearest(stage, known);
    throw new PivotError(`stage "${stage}" has no log`, {
      code: "no-log",
      kind: "usage",
      hint: meant !== undefined
        ? `did you mean "${meant}"?`
        : known.length > 0
        ? `there are logs of ${known.join(", ")}`
        : "nothing ran here yet",
      cause: error,
    });
  }
}

function knownLogs(root: string): string[] {
  try {
    return [...Deno.readDirSync(`${root}/.pivot/logs`)].map((entry) => entry.name.replace(/\.log$/, "")).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
