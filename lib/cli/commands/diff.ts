// `pivot diff`: what changed in outputs and tracked data.

import { dataDiff, type FileDiff, type OutputDiff } from "../../app/data_diff.ts";
import { openProject } from "../../app/open_project.ts";
import { formatBytes, plural } from "../../core/mod.ts";
import { dataTables, markdownTable, oneLine, renderTable, type TableDiff } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { sidesOf, tellWarnings } from "../values.ts";

type DiffArguments = Extract<Arguments, { readonly command: "diff" }>;

/** Runs the command. */
export async function diffCommand(options: DiffArguments, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  await using project = await openProject(context);
  const { targets, words, limit, pull } = options;
  const key = options.key?.split(",").map((column) => column.trim()).filter((column) => column !== "");
  const found = await dataDiff(project, { targets, words, limit, pull, signal, ...(key === undefined ? {} : { key }) });
  const sides = sidesOf(found.range);
  const [before, now] = sides;
  if (options.json) {
    terminal.out(JSON.stringify({ before, now, outputs: found.outputs, same: found.same }));
    return 0;
  }
  const form: Form = {
    sides,
    limit,
    md: options.md,
    precision: options.precision,
    width: options.md ? Infinity : terminal.width - INDENT.length,
    ...(key === undefined ? {} : { key }),
  };
  for (const [at, output] of found.outputs.entries()) {
    if (at > 0) terminal.out("");
    linesOf(output, form).forEach(terminal.out);
  }
  const same = found.same === 0 ? "" : `, ${found.same} the same`;
  terminal.note(
    found.outputs.length + found.same === 0
      ? `there is no output and no tracked data, neither in ${before} nor in ${now}`
      : `${plural(found.outputs.length, "output")} changed from ${before} to ${now}${same}`,
  );
  tellWarnings(found.range, terminal);
  return 0;
}

/** How a difference is written. */
interface Form {
  readonly sides: readonly [before: string, now: string];
  readonly key?: readonly string[];
  readonly limit: number;
  readonly precision: number;
  readonly md: boolean;
  /** Columns that a table may take. */
  readonly width: number;
}

const INDENT = "  ";

function linesOf(output: OutputDiff, form: Form): string[] {
  const { path, change, table, files, note } = output;
  const title = `${oneLine(path)}  ${change}, ${sizes(output)}`;
  const notes = [...(note === undefined ? [] : [note]), ...(table === undefined ? [] : [countsOf(table)])];
  const tables = table === undefined ? [] : tableLines(table, form);
  const listed = files === undefined ? [] : fileLines(files, form);
  const body = [...notes, ...tables, ...listed];
  if (form.md) return [`### ${title}`, "", ...body];
  return [title, ...body.map((line) => `${INDENT}${line}`.trimEnd())];
}

function sizes({ sizeBefore, sizeNow }: OutputDiff): string {
  const [a, b] = [sizeBefore, sizeNow].map(sizeText);
  return a === "-" || b === "-" || a === b ? (b === "-" ? a : b) ?? "" : `${a} -> ${b}`;
}

function sizeText(size: number | undefined): string {
  return size === undefined ? "-" : formatBytes(size);
}

function countsOf(table: TableDiff): string {
  const { added, removed, changed, columnsAdded, columnsRemoved } = table;
  const columns = [
    ...(columnsAdded.length === 0 ? [] : [`new columns ${columnsAdded.map(oneLine).join(", ")}`]),
    ...(columnsRemoved.length === 0 ? [] : [`without columns ${columnsRemoved.map(oneLine).join(", ")}`]),
  ];
  const rows = `rows ${table.rowsBefore} -> ${table.rowsNow}: ${added} added, ${removed} removed, ${changed} changed`;
  return [rows, ...columns].join("; ");
}

function tableLines(diff: TableDiff, form: Form): string[] {
  const lines: string[] = [];
  for (const { title, table, columnsLeftOut } of dataTables(diff, form)) {
    if (form.md) lines.push("", `${title}:`, "", ...markdownTable(table));
    else {lines.push(
        `${title}:`,
        ...renderTable(table, { width: form.width - INDENT.length }).map((line) => INDENT + line),
      );}
    if (columnsLeftOut > 0) lines.push(`${INDENT}… ${plural(columnsLeftOut, "more column")}`);
  }
  const more = diff.added + diff.removed + diff.changed - diff.changes.length;
  return more > 0 ? [...lines, ...moreLine(`${plural(more, "more row")}; --limit shows more`, form)] : lines;
}

function fileLines(files: readonly FileDiff[], form: Form): string[] {
  const rows = files.slice(0, form.limit)
    .map(({ path, change, sizeBefore, sizeNow }) => [path, change, sizeText(sizeBefore), sizeText(sizeNow)]);
  const table = { head: ["file", "change", ...form.sides], rows };
  const lines = rows.length === 0 ? [] : form.md ? markdownTable(table) : renderTable(table, { width: form.width });
  const more = files.length - rows.length;
  return more > 0 ? [...lines, ...moreLine(`${plural(more, "more file")}; --limit shows more`, form)] : lines;
}

function moreLine(text: string, { md }: Form): string[] {
  return md ? ["", `… ${text}`] : [`… ${text}`];
}
