// `pivot history`: past runs that did something.

import { openProject } from "../../app/open_project.ts";
import { formatDuration } from "../../core/mod.ts";
import { renderTable } from "../../report/mod.ts";
import { shortId } from "../../app/past_runs.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function historyCommand(
  options: Extract<Arguments, { readonly command: "history" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const runs = project.state.history.ids().flatMap((id) => project.state.history.get(id) ?? [])
    .filter((run) => options.stage === undefined || run.stages.some((each) => didSomething(each, options.stage)))
    .slice(0, options.limit);
  if (options.json) {
    context.terminal.out(JSON.stringify({ runs }));
    return 0;
  }
  if (runs.length === 0) {
    const what = options.stage === undefined
      ? "no run has done anything yet"
      : `no run did anything with "${options.stage}"`;
    context.terminal.note(what);
    return 0;
  }
  const count = (stages: (typeof runs)[number]["stages"], outcome: string) =>
    String(stages.filter((stage) => stage.outcome === outcome).length);
  const rows = runs.map((run) => [
    shortId(run.id),
    run.startedAt.slice(0, 16).replace("T", " "),
    run.success ? "good" : "failed",
    count(run.stages, "ran"),
    count(run.stages, "restored"),
    count(run.stages, "skipped"),
    count(run.stages, "failed"),
    formatDuration(run.ms),
    run.command.join(" "),
  ]);
  const head = ["run", "started (UTC)", "result", "ran", "restored", "skipped", "failed", "took", "command"];
  renderTable({ head, rows }, { width: context.terminal.width }).forEach(context.terminal.out);
  return 0;
}

function didSomething(stage: { readonly stage: string; readonly outcome: string }, name: string | undefined): boolean {
  return stage.stage === name && stage.outcome !== "skipped" && stage.outcome !== "not-run";
}
