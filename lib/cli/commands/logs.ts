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
  const { terminal } = context;
  const { stage, tail } = options;
  const root = findProject(context.cwd);
  const all = readLog(root, stage).split("\n");
  if (all.at(-1) === "") all.pop();
  const lines = tail === undefined ? all : all.slice(-tail);
  await using project = await openProject(context);
  const last = lastRunOf(project, stage);
  if (options.json) {
    const run = last === undefined ? null : { id: last.run.id, startedAt: last.run.startedAt, ...last.stage };
    terminal.out(JSON.stringify({ stage, run, lines }));
    return 0;
  }
  lines.forEach(terminal.out);
  if (last !== undefined) {
    const { run, stage: { outcome, ms, reason } } = last;
    const started = run.startedAt.slice(0, 19).replace("T", " ");
    terminal.note(`run ${shortId(run.id)} of ${started} UTC: ${outcome} in ${formatDuration(ms)}, ${reason}`);
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
