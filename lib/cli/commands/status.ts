// `pivot status`: what would run, and why.

import { explainDecisions } from "../../app/explain.ts";
import { openProject, type Project } from "../../app/open_project.ts";
import { trackedStatus } from "../../app/track.ts";
import { assertSound, codesOf, type Decision, describeReason, lastDuration, planRun } from "../../engine/mod.ts";
import { formatDuration } from "../../core/mod.ts";
import { selectTargets } from "../../pipeline/mod.ts";
import { explanationNotes, renderExplanation, renderTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

const WORDS: Readonly<Record<Decision["verdict"], string>> = {
  skip: "up to date",
  restore: "restore",
  run: "run",
  pending: "waits",
  blocked: "blocked",
};

/** Runs the command. */
export async function statusCommand(
  options: Extract<Arguments, { readonly command: "status" }>,
  context: CommandContext,
): Promise<number> {
  const { terminal } = context;
  await using project = await openProject(context);
  const loaded = await project.load({ set: options.set, signal: context.signal });
  const stages = selectTargets(loaded.pipeline, options.targets, { only: options.targets.length > 0 });
  const workspace = project.workspace(loaded);
  // Upstreams are decided too, so that what waits for them is told apart.
  const needed = selectTargets(loaded.pipeline, options.targets);
  const plan = await planRun(workspace, { stages: needed, signal: context.signal });
  await project.state.commit();
  const decisions = stages.flatMap((stage) => plan.decisions.get(stage.name) ?? []);
  const warnings = [...loaded.warnings, ...plan.warnings.map(({ stage, message }) => `${stage}: ${message}`)];
  for (const warning of warnings) terminal.note(`warning: ${warning}`);
  const data = options.targets.length === 0 ? await trackedStatus(project) : [];
  if (options.json) {
    terminal.out(
      JSON.stringify({
        stages: options.explain ? explainDecisions(workspace, decisions) : decisions,
        durations: Object.fromEntries(decisions.flatMap(({ stage }) => {
          const ms = lastDuration(project.state, stage);
          return ms === undefined ? [] : [[stage, ms]];
        })),
        tracked: data,
        warnings,
      }),
    );
  } else if (options.explain) {
    const explanations = explainDecisions(workspace, decisions);
    for (const explanation of explanations) renderExplanation(explanation).forEach(terminal.out);
    explanationNotes(explanations).forEach(terminal.note);
  } else if (decisions.length === 0) {
    terminal.note("the pipeline has no stages; declare them in pivot.ts or pivot.yaml");
  } else {
    const rows = decisions.map((
      decision,
    ) => [decision.stage, WORDS[decision.verdict], tookOf(project, decision), describeReason(decision.headline)]);
    renderTable({ head: ["stage", "status", "last took", "reason"], rows }, { width: terminal.width }).forEach(
      terminal.out,
    );
  }
  if (!options.json) showTracked(data, terminal);
  assertSound(await codesOf(workspace, stages));
  return 0;
}

function tookOf(project: Project, { stage }: Decision): string {
  const ms = lastDuration(project.state, stage);
  return ms === undefined ? "-" : formatDuration(ms);
}

const HINTS = {
  modified: "changed since it was recorded: `pivot track` records it, `pivot checkout --force` undoes it",
  missing: "not here: `pivot checkout` brings it back, `pivot pull` fetches it",
} as const;

/** Tracked data that is not as recorded. */
function showTracked(data: Awaited<ReturnType<typeof trackedStatus>>, terminal: CommandContext["terminal"]): void {
  const rows = data.flatMap(({ path, state }) => state === "same" ? [] : [[path, state, HINTS[state]]]);
  if (rows.length === 0) return;
  terminal.out("");
  renderTable({ head: ["tracked data", "status", "what to do"], rows }, { width: terminal.width }).forEach(
    terminal.out,
  );
}
