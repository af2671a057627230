// `pivot verify`: would continuous integration run nothing, and is the cache whole?

import { openProject, type Project } from "../../app/open_project.ts";
import { verifyCache, verifyStages } from "../../app/verify.ts";
import { formatBytes, plural } from "../../core/mod.ts";
import { describeReason } from "../../engine/mod.ts";
import { renderTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

type VerifyArguments = Extract<Arguments, { readonly command: "verify" }>;

/** Runs the command: 12 for damaged blobs, else 1 for stages that would run. */
export async function verifyCommand(options: VerifyArguments, context: CommandContext): Promise<number> {
  await using project = await openProject(context);
  const both = !options.stages && !options.cache;
  const report: Record<string, unknown> = {};
  const stages = both || options.stages ? await stagesPart(project, { options, context, report }) : 0;
  const cache = both || options.cache ? await cachePart(project, { options, context, report }) : 0;
  if (options.json) context.terminal.out(JSON.stringify(report));
  return Math.max(stages, cache);
}

interface Use {
  readonly options: VerifyArguments;
  readonly context: CommandContext;
  readonly report: Record<string, unknown>;
}

async function stagesPart(project: Project, { options, context, report }: Use): Promise<number> {
  const { terminal, signal } = context;
  const { stages, wouldRun, lost, warnings } = await verifyStages(project, {
    allowMissing: options.allowMissing,
    signal,
  });
  report.stages = { count: stages, wouldRun, lost, warnings };
  const code = wouldRun.length + lost.length > 0 ? 1 : 0;
  if (options.json) return code;
  for (const warning of warnings) terminal.note(`warning: ${warning}`);
  const rows = wouldRun.map(({ stage, verdict, headline }) => [stage, verdict, describeReason(headline)]);
  if (rows.length > 0) {
    renderTable({ head: ["stage", "would", "reason"], rows }, { width: terminal.width }).forEach(terminal.out);
  }
  for (const path of lost) terminal.out(`lost ${path}: recorded, but neither here nor on the remote`);
  terminal.out(
    rows.length === 0
      ? `${plural(stages, "stage")}, none would run${lost.length === 0 ? "" : `, but ${lost.length} lost`}`
      : `${rows.length} of ${plural(stages, "stage")} would run`,
  );
  return code;
}

async function cachePart(project: Project, { options, context, report }: Use): Promise<number> {
  const { terminal, signal } = context;
  const result = await verifyCache(project, signal);
  report.cache = result;
  if (!options.json) {
    for (const { hash, found, movedTo } of result.damaged) {
      terminal.out(`damaged ${hash}: its content is ${found}; moved to ${movedTo}`);
    }
    terminal.out(`${plural(result.checked, "blob")} (${formatBytes(result.bytes)}), ${result.damaged.length} damaged`);
  }
  return result.damaged.length > 0 ? 12 : 0;
}
