// `pivot params show` and `pivot params diff`.

import { openProject } from "../../app/open_project.ts";
import { paramsDiff, paramsOf } from "../../app/params.ts";
import { compareTable, compareValues, valueTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { plainValues, printTable, sidesOf, tellWarnings } from "../values.ts";

/** Runs either command. */
export async function paramsCommand(
  options: Extract<Arguments, { readonly command: "params-show" | "params-diff" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const { targets, set, precision, md } = options;
  const { terminal, signal } = context;
  if (options.command === "params-show") {
    const { revision } = options;
    const values = await paramsOf(project, { targets, set, signal, ...(revision === undefined ? {} : { revision }) });
    if (options.json) terminal.out(JSON.stringify({ params: plainValues(values) }));
    else if (values.size === 0) terminal.note("no stage has parameters");
    else printTable(terminal, valueTable(values, { what: "stage", precision }), md);
    return 0;
  }
  const found = await paramsDiff(project, { targets, words: options.words, set, signal });
  const values = compareValues(found.before, found.now, { all: options.all });
  const sides = sidesOf(found.range);
  if (options.json) terminal.out(JSON.stringify({ before: sides[0], now: sides[1], params: values }));
  else if (values.length > 0) printTable(terminal, compareTable(values, { what: "stage", sides, precision }), md);
  else if (found.before.size + found.now.size === 0) {
    terminal.note(`no stage has parameters, neither in ${sides[0]} nor in ${sides[1]}`);
  } else terminal.note(`parameters are the same in ${sides[0]} and ${sides[1]}`);
  tellWarnings(found.range, terminal);
  return 0;
}
