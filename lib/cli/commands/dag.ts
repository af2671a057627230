// `pivot dag`: the graph of stages as a picture.

import { openProject, type Project } from "../../app/open_project.ts";
import { plural } from "../../core/mod.ts";
import { selectTargets } from "../../pipeline/mod.ts";
import { dagDot, dagMermaid, dagText } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { openInBrowser, pagePath } from "../pages.ts";

/** Runs the command. */
export async function dagCommand(
  options: Extract<Arguments, { readonly command: "dag" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  if (options.format.format === "html") return await writePage(project, options, context);
  const { pipeline } = await project.load({ signal: context.signal });
  await project.state.commit();
  const nodes = selectTargets(pipeline, options.targets).map((stage) => ({
    name: stage.name,
    upstream: pipeline.upstream.get(stage.name) ?? [],
  }));
  const { format } = options.format;
  switch (format) {
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

async function writePage(
  project: Project,
  { targets, format }: Extract<Arguments, { readonly command: "dag" }>,
  { terminal, cwd, signal }: CommandContext,
): Promise<number> {
  if (format.format !== "html") return 0;
  const output = pagePath(project.root, cwd, format.output, "dag");
  const { writeDagPage } = await import("../../app/dag_page.ts");
  const count = await writeDagPage(project, { targets, output, signal });
  terminal.out(output);
  terminal.note(plural(count, "stage"));
  if (format.open) await openInBrowser(output, terminal);
  return 0;
}
