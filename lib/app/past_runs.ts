// Finding past runs by what people type: a short name, the start of an id, `last`, `last~2`, a stage.

import { nearest, PivotError } from "../core/mod.ts";
import type { HistoryRecord, HistoryStage } from "../state/mod.ts";
import type { Project } from "./open_project.ts";

/** The short name of a run: what follows the dash of its id. */
export function shortId(id: string): string {
  return id.slice(id.lastIndexOf("-") + 1);
}

/** How a run ended, in a word. */
export function resultOf({ success, stages }: HistoryRecord): "good" | "failed" | "stopped" {
  if (success) return "good";
  return stages.some(({ outcome }) => outcome === "failed") ? "failed" : "stopped";
}

/**
 * The run that `text` means.
 *
 * @throws {PivotError} `unknown-run` (kind `usage`), also if it means more than one.
 */
export function findRun(project: Project, text: string): HistoryRecord {
  const ids = project.state.history.ids();
  const last = /^last(?:~(\d+))?$/.exec(text);
  const found = last !== null
    ? ids.slice(Number(last[1] ?? 0)).slice(0, 1)
    : ids.filter((id) => id.startsWith(text) || shortId(id).startsWith(text));
  const [id] = found;
  const run = id === undefined ? undefined : project.state.history.get(id);
  if (run !== undefined && found.length === 1) return run;
  const near = nearest(text, ids.map(shortId));
  const hint = ids.length === 0
    ? "no run has done anything yet"
    : near === undefined
    ? "`pivot history` lists runs"
    : `did you mean "${near}"?`;
  throw new PivotError(
    found.length > 1
      ? `"${text}" means ${found.length} runs: ${found.slice(0, 4).join(", ")}`
      : `there is no run "${text}"`,
    { code: "unknown-run", kind: "usage", hint: found.length > 1 ? "write more of the id" : hint },
  );
}

/** The last run in which a stage was executed, well or not. */
export function lastRunOf(
  project: Project,
  stage: string,
): { readonly run: HistoryRecord; readonly stage: HistoryStage } | undefined {
  for (const id of project.state.history.ids()) {
    const run = project.state.history.get(id);
    const found = run?.stages.find((each) =>
      each.stage === stage && (each.outcome === "ran" || each.outcome === "failed" || wasStopped(each))
    );
    if (run !== undefined && found !== undefined) return { run, stage: found };
  }
  return undefined;
}

/** Cancelled while it ran, not before it began. */
function wasStopped({ outcome, ms }: HistoryStage): boolean {
  return outcome === "cancelled" && ms > 0;
}
