// `pivot history`: past runs that did something.

import { openProject } from "../../app/open_project.ts";
import { formatDuration } from "../../core/mod.ts";
import { renderTable } from "../../report/mod.ts";
import { resultOf, shortId } from "../../app/past_runs.ts";
import type { HistoryRecord } from "../../state/mod.ts";
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
  const rows = runs.map((run) => [
    shortId(run.id),
    run.startedAt.slice(0, 16).replace("T", " "),
    formatDuration(run.ms),
    resultOf(run),
    countsOf(run),
    run.command.join(" "),
  ]);
  const head = ["run", "started (UTC)", "took", "result", "stages", "command"];
  renderTable({ head, rows }, { width: context.terminal.width }).forEach(context.terminal.out);
  return 0;
}

function didSomething(stage: { readonly stage: string; readonly outcome: string }, name: string | undefined): boolean {
  return stage.stage === name && stage.outcome !== "skipped" && stage.outcome !== "not-run";
}

const OUTCOMES = ["ran", "restored", "skipped", "failed", "cancelled", "not-run"] as const;

function countsOf({ stages }: HistoryRecord): string {
  const counts = OUTCOMES.map((outcome) =>
    [outcome, stages.filter((stage) => stage.outcome === outcome).length] as const
  );
  return counts.filter(([, count]) => count > 0).map(([outcome, count]) => `${count} ${outcome}`).join(", ");
}
