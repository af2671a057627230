// `pivot diff`: what changed in outputs.

import { dataDiff, type OutputDiff } from "../../app/data_diff.ts";
import { openProject } from "../../app/open_project.ts";
import { formatBytes, plural } from "../../core/mod.ts";
import { type RowChange, showValue, type TableDiff } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { sidesOf } from "../values.ts";

type DiffArguments = Extract<Arguments, { readonly command: "diff" }>;

/** Runs the command. */
export async function diffCommand(options: DiffArguments, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  await using project = await openProject(context);
  const { targets, range, limit } = options;
  const key = options.key?.split(",").map((column) => column.trim()).filter((column) => column !== "");
  const found = await dataDiff(project, {
    targets,
    limit,
    signal,
    ...(range === undefined ? {} : { range }),
    ...(key === undefined ? {} : { key }),
  });
  const [before, now] = sidesOf(found.range);
  if (options.json) {
    terminal.out(JSON.stringify({ before, now, outputs: found.outputs, same: found.same }));
    return 0;
  }
  for (const output of found.outputs) linesOf(output, options).forEach(terminal.out);
  const same = found.same === 0 ? "" : `, ${found.same} the same`;
  terminal.note(`${plural(found.outputs.length, "output")} changed from ${before} to ${now}${same}`);
  return 0;
}

function linesOf(output: OutputDiff, options: DiffArguments): string[] {
  const { path, change, table, files, note } = output;
  const lines = [`${path}  ${change}, ${sizes(output)}`];
  if (note !== undefined) lines.push(`  ${note}`);
  if (table !== undefined) lines.push(...tableLines(table, options));
  const shown = files?.slice(0, options.limit) ?? [];
  for (const file of shown) lines.push(`  ${SIGNS[file.change]} ${file.path}`);
  if (files !== undefined && files.length > shown.length) lines.push(`  … ${files.length - shown.length} more files`);
  return lines;
}

const SIGNS = { added: "+", removed: "-", changed: "~" } as const;

function sizes({ sizeBefore, sizeNow }: OutputDiff): string {
  const [a, b] = [sizeBefore, sizeNow].map((size) => size === undefined ? undefined : formatBytes(size));
  return a === undefined || b === undefined || a === b ? b ?? a ?? "" : `${a} -> ${b}`;
}

function tableLines(table: TableDiff, options: DiffArguments): string[] {
  const { added, removed, changed, columnsAdded, columnsRemoved, changes } = table;
  const total = added + removed + changed;
  const lines = [
    `  rows ${table.rowsBefore} -> ${table.rowsNow}: ${added} added, ${removed} removed, ${changed} changed`,
    ...columnsAdded.map((column) => `  + column ${column}`),
    ...columnsRemoved.map((column) => `  - column ${column}`),
    ...changes.map((each) => `  ${rowLine(each, options)}`),
  ];
  if (total > changes.length) lines.push(`  … ${plural(total - changes.length, "more row")}`);
  return lines;
}

function rowLine(change: RowChange, { key, precision }: DiffArguments): string {
  const row = `${SIGNS[change.type]} ${key === undefined ? "row " : ""}${change.row}:`;
  if (change.type !== "changed") {
    return `${row} ${
      Object.entries(change.cells).map(([name, value]) => `${name}=${showValue(value, precision)}`).join(" ")
    }`;
  }
  const cells = change.cells.map(({ column, before, now }) =>
    `${column} ${showValue(before, precision)} -> ${showValue(now, precision)}`
  );
  return `${row} ${cells.join(", ")}`;
}
