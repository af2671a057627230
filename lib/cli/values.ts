// Shared by commands that show values of revisions.

import { revisionsOf } from "../app/chosen.ts";
import type { Range } from "../app/revisions.ts";
import type { Json } from "../core/mod.ts";
import { markdownTable, type NamedValues, renderTable, type Table } from "../report/mod.ts";
import type { Terminal } from "./terminal.ts";

/** Prints a table, aligned or as Markdown. */
export function printTable(terminal: Terminal, table: Table, md: boolean): void {
  const lines = md ? markdownTable(table) : renderTable(table, { width: terminal.width });
  lines.forEach(terminal.out);
}

/** Names of the two sides of a range. */
export function sidesOf(range: {
  readonly before: { readonly name: string };
  readonly now: { readonly name: string } | undefined;
}): readonly [before: string, now: string] {
  return [range.before.name, range.now?.name ?? "workspace"];
}

/** Named values as plain data. */
export function plainValues(values: NamedValues): Record<string, Record<string, Json>> {
  return Object.fromEntries([...values].map(([name, flat]) => [name, Object.fromEntries(flat)]));
}

/** Records of the revisions that could not be read. */
export function tellWarnings(range: Range, terminal: Terminal): void {
  for (const { warnings } of revisionsOf(range)) {
    for (const warning of warnings) terminal.note(`warning: ${warning}`);
  }
}
