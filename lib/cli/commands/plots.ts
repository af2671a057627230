// `pivot plots show` and `pivot plots diff`.

import { openProject } from "../../app/open_project.ts";
import { comparePlots, showPlots } from "../../app/plots.ts";
import { formatBytes, plural } from "../../core/mod.ts";
import { statPath } from "../../sys/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { openInBrowser, pagePath } from "../pages.ts";

/** Runs either command. */
export async function plotsCommand(
  options: Extract<Arguments, { readonly command: "plots-show" | "plots-diff" }>,
  context: CommandContext,
): Promise<number> {
  const { terminal, signal } = context;
  await using project = await openProject(context);
  const compares = options.command === "plots-diff";
  const output = pagePath(project.root, context.cwd, options.output, compares ? "plots-diff" : "plots");
  const about = { targets: options.targets, output, signal };
  const result = options.command === "plots-diff"
    ? await comparePlots(project, {
      ...about,
      pull: options.pull,
      ...(options.range === undefined ? {} : { range: options.range }),
    })
    : await showPlots(project, about);
  if (options.json) terminal.out(JSON.stringify(result));
  else {
    for (const { path, why } of result.problems) terminal.note(`warning: ${path}: ${why}`);
    const changed = "changed" in result ? `, ${result.changed} changed` : "";
    terminal.out(result.page);
    terminal.note(`${plural(result.plots, "plot")}${changed}, ${formatBytes(statPath(result.page)?.size ?? 0)}`);
    if (result.plots === 0) {
      terminal.note('no stage has plots; declare one with `plot("loss.csv", { x: "step", y: "loss" })`');
    }
  }
  if (options.open) await openInBrowser(result.page, terminal);
  return 0;
}
