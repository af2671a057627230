// `pivot dag`: the graph of stages as a picture.

import { openProject } from "../../app/open_project.ts";
import { selectTargets } from "../../pipeline/mod.ts";
import { dagDot, dagMermaid, dagText } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function dagCommand(
  options: Extract<Arguments, { readonly command: "dag" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const { pipeline } = await project.load({ signal: context.signal });
  await project.state.commit();
  const nodes = selectTargets(pipeline, options.targets).map((stage) => ({
    name: stage.name,
    upstream: pipeline.upstream.get(stage.name) ?? [],
  }));
  switch (options.format.format) {
    case "json":
      context.terminal.out(JSON.stringify({ nodes }));
      return 0;
    case "mermaid":
      dagMermaid(nodes).forEach(context.terminal.out);
      return 0;
    case "dot":
      dagDot(nodes).forEach(context.terminal.out);
      return 0;
    case "text":
      dagText(nodes).forEach(context.terminal.out);
      return 0;
  }
}
