// What differs between two tables, as tables for people: changed cells one per line, added and removed rows as rows.
// Pure. Invariant: columns that do not fit are counted, never silently gone.

import { type Json, plural } from "../core/mod.ts";
import type { RowChange, TableDiff } from "./data_diff.ts";
import { displayWidth, type Table } from "./table.ts";
import { showChange, showValue } from "./values.ts";

/** Options of {@linkcode dataTables}. */
export interface DataTablesOptions {
  /** Columns that tell a row; none = rows are told by their positions. */
  readonly key?: readonly string[];
  /** Names of the two sides. */
  readonly sides: readonly [before: string, now: string];
  /** Digits after the decimal point. */
  readonly precision: number;
  /** Columns of the terminal. @default Infinity */
  readonly width?: number;
}

/** Rows that differ in one way. */
export interface DataTable {
  /** Title. */
  readonly title: "changed" | "added" | "removed";
  /** Table. */
  readonly table: Table;
  /** Columns that had no room. */
  readonly columnsLeftOut: number;
}

/** The listed changes as tables; none for none. */
export function dataTables({ changes }: TableDiff, options: DataTablesOptions): DataTable[] {
  const rows = (type: "added" | "removed") => changes.filter((change) => change.type === type);
  const changed = changedTable(changes, options);
  const tables = [
    { title: "changed", table: changed, columnsLeftOut: 0 } as const,
    { title: "added", ...rowTable(rows("added"), options) } as const,
    { title: "removed", ...rowTable(rows("removed"), options) } as const,
  ];
  return tables.filter(({ table }) => table.rows.length > 0);
}

function changedTable(changes: readonly RowChange[], options: DataTablesOptions): Table {
  const { key, sides, precision } = options;
  const rows = changes.flatMap((change) => {
    if (change.type !== "changed") return [];
    const row = change.was === undefined ? change.row : `${change.row} (was ${change.was})`;
    const more = change.cells.length - MAX_CELLS;
    return [
      ...change.cells.slice(0, MAX_CELLS).map(({ column, before, now }) => [
        row,
        column,
        showCell(before, precision),
        showCell(now, precision),
        showChange(numberIn(before), numberIn(now), precision),
      ]),
      ...(more <= 0 ? [] : [[row, `… ${plural(more, "more cell")}`, "", "", ""]]),
    ];
  });
  return { head: [key?.join(", ") ?? "row", "column", ...sides, "change"], rows };
}

/** Changed cells that are listed of one row; the rest are counted. */
const MAX_CELLS = 8;

/** Cells of csv are texts; numbers among them with more digits than wanted are shortened, all others stay as they are written. */
function showCell(cell: Json | undefined, precision: number): string {
  const number = typeof cell === "string" ? numberIn(cell) : cell;
  const digits = typeof cell === "string" ? /\.(\d+)/.exec(cell)?.[1]?.length ?? 0 : Infinity;
  return showValue(typeof number === "number" && digits > precision ? number : cell, precision);
}

/** Cells of csv are texts; those that are written as numbers have a difference all the same. */
function numberIn(cell: Json | undefined): Json | undefined {
  return typeof cell === "string" && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell) ? Number(cell) : cell;
}

function rowTable(changes: readonly RowChange[], options: DataTablesOptions): Omit<DataTable, "title"> {
  const byPosition = options.key === undefined;
  const columns = new Set(options.key ?? []);
  for (const { type, cells } of changes) {
    if (type !== "changed") { for (const column of Object.keys(cells)) columns.add(column); }
  }
  const names = [...columns];
  const rows = changes.flatMap((change) =>
    change.type === "changed" ? [] : [[
      ...(byPosition ? [change.row] : []),
      ...names.map((name) =>
        showCell(Object.hasOwn(change.cells, name) ? change.cells[name] : undefined, options.precision)
      ),
    ]]
  );
  const head = [...(byPosition ? ["row"] : []), ...names];
  const fit = Math.max(1, columnsThatFit({ head, rows }, options.width ?? Infinity));
  return {
    table: { head: head.slice(0, fit), rows: rows.map((row) => row.slice(0, fit)) },
    columnsLeftOut: head.length - fit,
  };
}

/** A column takes at most this much room when it is decided which fit. */
const WIDE = 24;

function columnsThatFit({ head, rows }: Table, width: number): number {
  let used = 0;
  for (const [at, name] of head.entries()) {
    const natural = rows.reduce((most, row) => Math.max(most, displayWidth(row[at] ?? "")), displayWidth(name));
    used += Math.min(WIDE, natural) + 2;
    if (used - 2 > width) return at;
  }
  return head.length;
}
