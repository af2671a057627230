// `pivot list`: the stages and what they read and write.

import { openProject } from "../../app/open_project.ts";
import { generationOf } from "../../engine/mod.ts";
import { renderTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function listCommand(
  options: Extract<Arguments, { readonly command: "list" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const { pipeline } = await project.load({ signal: context.signal });
  await project.state.commit();
  if (options.json) {
    const stages = pipeline.stages.map((stage) => ({ ...stage, generation: generationOf(project.state, stage.name) }));
    context.terminal.out(JSON.stringify({ stages }));
    return 0;
  }
  const rows = pipeline.stages.map((stage) => [
    stage.name,
    stage.action.type === "module" ? "function" : stage.action.type,
    String(generationOf(project.state, stage.name)),
    stage.deps.map((dep) => dep.path).join(" "),
    stage.outs.map((out) => out.path + (out.directory ? "/" : "")).join(" "),
  ]);
  const lines = renderTable({ head: ["stage", "kind", "runs", "needs", "makes"], rows }, {
    width: context.terminal.width,
  });
  lines.forEach(context.terminal.out);
  return 0;
}
