// `pivot metrics show` and `pivot metrics diff`.

import { type MetricProblem, metricsDiff, metricsOf } from "../../app/metrics.ts";
import { openProject } from "../../app/open_project.ts";
import { compareTable, compareValues, valueTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { plainValues, printTable, sidesOf } from "../values.ts";

type MetricsArguments = Extract<Arguments, { readonly command: "metrics-show" | "metrics-diff" }>;

/** Runs either command. A metric file that cannot be read makes the exit code 1; the others are shown. */
export async function metricsCommand(options: MetricsArguments, context: CommandContext): Promise<number> {
  await using project = await openProject(context);
  const { targets, precision, md } = options;
  const { terminal, signal } = context;
  if (options.command === "metrics-show") {
    const { revision } = options;
    const found = await metricsOf(project, { targets, signal, ...(revision === undefined ? {} : { revision }) });
    if (options.json) {
      terminal.out(JSON.stringify({ metrics: plainValues(found.values), problems: found.problems }));
    } else if (found.values.size > 0) {
      printTable(terminal, valueTable(found.values, { what: "file", precision }), md);
    } else if (found.problems.length === 0) {
      terminal.note('no stage has metrics; declare one with `metric("metrics.json")`');
    }
    return tell(found.problems, options.json, context);
  }
  const { range } = options;
  const found = await metricsDiff(project, { targets, signal, ...(range === undefined ? {} : { range }) });
  const values = compareValues(found.before, found.now, { all: options.all });
  const sides = sidesOf(found.range);
  if (options.json) {
    terminal.out(JSON.stringify({ before: sides[0], now: sides[1], metrics: values, problems: found.problems }));
  } else if (values.length > 0) printTable(terminal, compareTable(values, { what: "file", sides, precision }), md);
  else terminal.note(`metrics are the same in ${sides[0]} and ${sides[1]}`);
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
