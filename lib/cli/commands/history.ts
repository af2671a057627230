// `pivot history`: past runs that did something.

import { openProject } from "../../app/open_project.ts";
import { formatDuration } from "../../core/mod.ts";
import { renderTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function historyCommand(
  options: Extract<Arguments, { readonly command: "history" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const runs = project.state.history.ids().slice(0, options.limit).flatMap((id) => project.state.history.get(id) ?? []);
  if (options.json) {
    context.terminal.out(JSON.stringify({ runs }));
    return 0;
  }
  if (runs.length === 0) {
    context.terminal.note("no run has done anything yet");
    return 0;
  }
  const count = (stages: (typeof runs)[number]["stages"], outcome: string) =>
    String(stages.filter((stage) => stage.outcome === outcome).length);
  const rows = runs.map((run) => [
    run.startedAt.slice(0, 19).replace("T", " "),
    run.success ? "good" : "failed",
    count(run.stages, "ran"),
    count(run.stages, "restored"),
    count(run.stages, "skipped"),
    count(run.stages, "failed"),
    formatDuration(run.ms),
    run.command.join(" "),
  ]);
  const head = ["started (UTC)", "result", "ran", "restored", "skipped", "failed", "took", "command"];
  renderTable({ head, rows }, { width: context.terminal.width }).forEach(context.terminal.out);
  return 0;
}
