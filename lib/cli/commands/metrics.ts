// `pivot metrics show` and `pivot metrics diff`.

import { type MetricProblem, metricsDiff, metricsOf } from "../../app/metrics.ts";
import { openProject } from "../../app/open_project.ts";
import { compareTable, compareValues, valueTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { plainValues, printTable, sidesOf, tellWarnings } from "../values.ts";

type MetricsArguments = Extract<Arguments, { readonly command: "metrics-show" | "metrics-diff" }>;

/** Runs either command. A metric file that cannot be read makes the exit code 1; the others are shown. */
export async function metricsCommand(options: MetricsArguments, context: CommandContext): Promise<number> {
  await using project = await openProject(context);
  const { targets, precision, md, pull } = options;
  const { terminal, signal } = context;
  if (options.command === "metrics-show") {
    const { revision } = options;
    const found = await metricsOf(project, { targets, pull, signal, ...(revision === undefined ? {} : { revision }) });
    if (options.json) {
      terminal.out(JSON.stringify({ metrics: plainValues(found.values), problems: found.problems }));
    } else if (found.values.size > 0) {
      printTable(terminal, valueTable(found.values, { what: "file", precision }), md);
    } else if (found.problems.length === 0) {
      terminal.note('no stage has metrics; declare one with `metric("metrics.json")`');
    }
    for (const warning of found.warnings) terminal.note(`warning: ${warning}`);
    return tell(found.problems, options.json, context);
  }
  const found = await metricsDiff(project, { targets, words: options.words, pull, signal });
  const values = compareValues(found.before, found.now, { all: options.all });
  const sides = sidesOf(found.range);
  if (options.json) {
    terminal.out(JSON.stringify({ before: sides[0], now: sides[1], metrics: values, problems: found.problems }));
  } else if (values.length > 0) printTable(terminal, compareTable(values, { what: "file", sides, precision }), md);
  else if (found.before.size + found.now.size + found.problems.length === 0) {
    terminal.note(`no stage has metrics, neither in ${sides[0]} nor in ${sides[1]}`);
  } else if (found.problems.length === 0) terminal.note(`metrics are the same in ${sides[0]} and ${sides[1]}`);
  tellWarnings(found.range, terminal);
  return tell(found.problems, options.json, context);
}

function tell(problems: readonly MetricProblem[], json: boolean, { terminal }: CommandContext): number {
  if (!json) {
    for (const { path, revision, message } of problems) {
      terminal.note(`warning: ${path}${revision === undefined ? "" : ` at ${revision}`}: ${message}`);
    }
  }
  return problems.length > 0 ? 1 : 0;
}
