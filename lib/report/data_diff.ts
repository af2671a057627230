// Two tables row by row: by a key, or aligned by what the rows hold. Pure.
// Invariant: counts are of all rows, also where only some are listed.

import { canonicalJson, type Json, jsonEqual, PivotError } from "../core/mod.ts";
import { alignRows } from "./align_rows.ts";
import type { Row } from "./data_rows.ts";

/** One cell that differs. */
export interface ChangedCell {
  /** Its name. */
  readonly column: string;
  /** Absent: the row has no such column on that side. */
  readonly before?: Json;
  /** On the later side; absent: not there. */
  readonly now?: Json;
}

/** One row that differs. `row` is its key, or its position from 1: on the earlier side if it was removed, else on the later. */
export type RowChange =
  | { readonly type: "added" | "removed"; readonly row: string; readonly cells: Row }
  | {
    readonly type: "changed";
    readonly row: string;
    /** Its position on the earlier side, where that is another one; never with a key. */
    readonly was?: string;
    readonly cells: readonly ChangedCell[];
  };

/** What differs between two tables. */
export interface TableDiff {
  /** Rows on the earlier side. */
  readonly rowsBefore: number;
  /** Rows on the later side. */
  readonly rowsNow: number;
  /** Rows that are new. */
  readonly added: number;
  /** Rows that are gone. */
  readonly removed: number;
  /** Rows whose cells differ. */
  readonly changed: number;
  /** Columns that are new. */
  readonly columnsAdded: readonly string[];
  /** Columns that are gone. */
  readonly columnsRemoved: readonly string[];
  /** The first of them, in the order of the tables. */
  readonly changes: readonly RowChange[];
}

/** Options of {@linkcode diffRows}. */
export interface DiffRowsOptions {
  /** Columns that tell a row; none = rows are aligned by what they hold. */
  readonly key?: readonly string[];
  /** Changes to list, at most. */
  readonly limit: number;
}

/**
 * Compares two tables.
 *
 * @throws {PivotError} `bad-key` (kind `usage`) if a key column is missing or its values are not unique.
 */
export function diffRows(before: readonly Row[], now: readonly Row[], options: DiffRowsOptions): TableDiff {
  const counts = { added: 0, removed: 0, changed: 0 };
  const changes: RowChange[] = [];
  const note = (change: RowChange) => {
    counts[change.type] += 1;
    if (changes.length < options.limit) changes.push(change);
  };
  const { key = [] } = options;
  if (key.length > 0) compareByKey(keyed(before, key), keyed(now, key), note);
  else compareAligned(before, now, note);
  const [a, b] = [columnsOf(before), columnsOf(now)];
  return {
    rowsBefore: before.length,
    rowsNow: now.length,
    ...counts,
    columnsAdded: [...b].filter((column) => !a.has(column)),
    columnsRemoved: [...a].filter((column) => !b.has(column)),
    changes,
  };
}

type Note = (change: RowChange) => void;

function compareByKey(old: ReadonlyMap<string, Row>, fresh: ReadonlyMap<string, Row>, note: Note): void {
  for (const [row, cells] of fresh) {
    const was = old.get(row);
    if (was === undefined) note({ type: "added", row, cells });
    else {
      const differing = cellChanges(was, cells);
      if (differing.length > 0) note({ type: "changed", row, cells: differing });
    }
  }
  for (const [row, cells] of old) if (!fresh.has(row)) note({ type: "removed", row, cells });
}

function compareAligned(before: readonly Row[], now: readonly Row[], note: Note): void {
  const removeUntil = (end: number) => {
    for (; next < end; next++) note({ type: "removed", row: String(next + 1), cells: before[next] ?? {} });
  };
  let next = 0;
  for (const [at, from] of alignRows(before, now).entries()) {
    const [row, cells] = [String(at + 1), now[at] ?? {}];
    if (from < 0) {
      note({ type: "added", row, cells });
      continue;
    }
    removeUntil(from);
    next = from + 1;
    const differing = cellChanges(before[from] ?? {}, cells);
    if (differing.length === 0) continue;
    note({ type: "changed", row, ...(from === at ? {} : { was: String(from + 1) }), cells: differing });
  }
  removeUntil(before.length);
}

function keyed(rows: readonly Row[], key: readonly string[]): Map<string, Row> {
  const found = new Map<string, Row>();
  for (const row of rows) {
    const name = key.map((column) => keyText(row, column)).join(", ");
    if (found.has(name)) {
      throw badKey(`more than one row has ${key.join(", ")} = ${name}`, "name more columns, as in --key date,city");
    }
    found.set(name, row);
  }
  return found;
}

function keyText(row: Row, column: string): string {
  const value = cellOf(row, column);
  if (value === undefined) throw badKey(`there is no column "${column}"`, `columns are ${Object.keys(row).join(", ")}`);
  return typeof value === "string" ? value : canonicalJson(value);
}

/** Columns may be called as the methods of objects are. */
function cellOf(row: Row, column: string): Json | undefined {
  return Object.hasOwn(row, column) ? row[column] : undefined;
}

function badKey(message: string, hint: string): PivotError {
  return new PivotError(message, { code: "bad-key", kind: "usage", hint });
}

function cellChanges(before: Row, now: Row): ChangedCell[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((column): ChangedCell[] => {
    const [a, b] = [cellOf(before, column), cellOf(now, column)];
    if (a !== undefined && b !== undefined && jsonEqual(a, b)) return [];
    return [{ column, ...(a === undefined ? {} : { before: a }), ...(b === undefined ? {} : { now: b }) }];
  });
}

function columnsOf(rows: readonly Row[]): Set<string> {
  const columns = new Set<string>();
  for (const row of rows) for (const column of Object.keys(row)) columns.add(column);
  return columns;
}
