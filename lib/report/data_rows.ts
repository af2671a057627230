// Tables in files as rows: csv, tsv, json, jsonl. Invariant: a file that is no table is told with its line, never half read.

import { isJsonObject, type Json, messageOf, PivotError } from "../core/mod.ts";
import { flatten } from "./values.ts";

/** One row: cells by column. */
export type Row = Readonly<Record<string, Json>>;

/** Formats that are read as tables. */
export type TableFormat = "csv" | "tsv" | "json" | "jsonl";

/** The table format that a path's name tells, if any. */
export function tableFormat(path: string): TableFormat | undefined {
  const ending = /\.([a-z]+)$/i.exec(path)?.[1]?.toLowerCase();
  if (ending === "ndjson") return "jsonl";
  return ending === "csv" || ending === "tsv" || ending === "json" || ending === "jsonl" ? ending : undefined;
}

/**
 * Reads rows. JSON: a list of objects, or an object of equally long lists; anything else is one row, whose columns are the
 * dotted keys of an object.
 *
 * @throws {PivotError} `not-a-table` naming the line where that is known.
 */
export async function readRows(text: string, format: TableFormat): Promise<Row[]> {
  switch (format) {
    case "csv":
    case "tsv":
      return await readSeparated(text, format === "csv" ? "," : "\t");
    case "json":
      return rowsOfJson(parseJson(text, undefined));
    case "jsonl":
      return text.split("\n").flatMap((line, at) => line.trim() === "" ? [] : [asRow(parseJson(line, at + 1))]);
  }
}

async function readSeparated(text: string, delimiter: string): Promise<Row[]> {
  const { parse } = await import("csv-parse/sync");
  try {
    const columns = (names: string[]): string[] => {
      const twice = names.find((name, at) => names.indexOf(name) !== at);
      if (twice !== undefined) throw new TypeError(`two columns are called "${twice}", line 1`);
      return names;
    };
    return parse<Record<string, string>>(text, { columns, delimiter, skip_empty_lines: true, bom: true });
  } catch (error) {
    throw notATable(messageOf(error));
  }
}

function parseJson(text: string, line: number | undefined): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    const problem = jsonProblem(text, messageOf(error));
    throw notATable(`line ${line ?? problem.line}: ${problem.why}`);
  }
}

/** Characters that V8 shows before the one that it stumbled on. */
const SHOWN_BEFORE = 10;

/** Line and plain words for what V8 says of a text that is not JSON. */
export function jsonProblem(text: string, message: string): { readonly line: number; readonly why: string } {
  const [, why = message, cut, snippet = ""] =
    /^(.*?), (\.\.\.)?"([^]*)"(?:\.\.\.)? is not valid JSON$/.exec(message) ?? [];
  const told = /position (\d+)/.exec(message)?.[1];
  const found = snippet === "" ? -1 : text.indexOf(snippet);
  const at = told !== undefined
    ? Number(told)
    : found < 0
    ? text.length
    : found + (cut === undefined ? 0 : SHOWN_BEFORE);
  const line = text.slice(0, at).split("\n").length;
  // Python writes these and calls it JSON.
  if (/^-?(NaN|Infinity)\b/.test(text.slice(at))) return { line, why: "JSON has no such number; write null" };
  return { line, why: why.replace(/ in JSON at position.*$/, "") };
}

function rowsOfJson(value: Json): Row[] {
  if (Array.isArray(value)) return value.map(asRow);
  if (!isJsonObject(value)) return [asRow(value)];
  const columns = Object.entries(value);
  const lengths = new Set(columns.map(([, each]) => Array.isArray(each) ? each.length : -1));
  const [length] = lengths;
  if (columns.length === 0 || lengths.size > 1 || length === undefined || length < 0) {
    return [Object.fromEntries(flatten(value))];
  }
  return Array.from(
    { length },
    (_, at) => Object.fromEntries(columns.map(([name, each]) => [name, (each as readonly Json[])[at] ?? null])),
  );
}

function asRow(value: Json): Row {
  return isJsonObject(value) ? value : { value };
}

function notATable(why: string): PivotError {
  return new PivotError(`not a table: ${why}`, { code: "not-a-table" });
}
