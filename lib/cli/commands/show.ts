// `pivot show`: one past run, stage by stage.

import { openProject } from "../../app/open_project.ts";
import { findRun, resultOf, shortId } from "../../app/past_runs.ts";
import { formatDuration } from "../../core/mod.ts";
import { renderTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function showCommand(
  options: Extract<Arguments, { readonly command: "show" }>,
  context: CommandContext,
): Promise<number> {
  const { terminal } = context;
  await using project = await openProject(context);
  const run = findRun(project, options.run ?? "last");
  if (options.json) {
    terminal.out(JSON.stringify(run));
    return 0;
  }
  terminal.out(`run ${shortId(run.id)}  ${resultOf(run)} in ${formatDuration(run.ms)}`);
  terminal.out(`started ${run.startedAt.slice(0, 19).replace("T", " ")} UTC by \`pivot ${run.command.join(" ")}\``);
  terminal.out("");
  const acted = run.stages.filter((stage) => options.all || stage.outcome !== "skipped");
  const rows = acted.map((stage) => [
    stage.stage,
    stage.outcome,
    stage.ms > 0 && stage.outcome !== "skipped" ? formatDuration(stage.ms) : "-",
    stage.error ?? stage.reason,
  ]);
  if (rows.length > 0) {
    renderTable({ head: ["stage", "outcome", "took", "why"], rows }, { width: terminal.width }).forEach(terminal.out);
  }
  const hidden = run.stages.length - acted.length;
  if (hidden > 0) terminal.note(`${hidden} skipped; --all lists them too`);
  return 0;
}
