// Aligned tables for a terminal, Markdown for a page. Invariants: every row has the columns of the head and is one line, whatever
// the cells hold; columns of numbers align right; no line is wider than asked for.

import { oneLine } from "./values.ts";

/** A table of texts. */
export interface Table {
  /** One text per column. */
  readonly head: readonly string[];
  /** One text per column and row. */
  readonly rows: readonly (readonly string[])[];
}

/** Options of {@linkcode renderTable}. */
export interface TableOptions {
  /** Columns of the terminal; the widest texts are shortened to fit, numbers are not. @default Infinity */
  readonly width?: number;
}

const GAP = "  ";

/** Lines of an aligned table, head first, no trailing spaces. */
export function renderTable(table: Table, options: TableOptions = {}): string[] {
  const width = options.width ?? Infinity;
  const all = [table.head, ...table.rows].map((row) => table.head.map((_, at) => oneLine(row[at] ?? "")));
  const numeric = numericColumns(table);
  const natural = table.head.map((_, at) => all.reduce((most, row) => Math.max(most, displayWidth(row[at] ?? "")), 0));
  const widths = fitted(natural, numeric, width);
  return all.map((row) => {
    const cells = row.map((text, at) => pad(shorten(text, widths[at] ?? 0), widths[at] ?? 0, numeric[at] === true));
    return cut(cells.join(GAP).trimEnd(), width);
  });
}

/** Columns in which most cells that say something are numbers. */
function numericColumns(table: Table): boolean[] {
  return table.head.map((_, at) => {
    const said = table.rows.map((row) => row[at] ?? "").filter((text) => text !== "" && text !== "-");
    return said.length > 0 && said.filter(isNumeric).length * 2 >= said.length;
  });
}

/** No text is made narrower than this. */
const NARROWEST = 8;

/** Widths that fit: the widest texts give way first; numbers only where nothing else is left to give. */
function fitted(natural: readonly number[], numeric: readonly boolean[], width: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, each) => sum + each, GAP.length * (widths.length - 1)) - width;
  // A short text, such as a date, is not worth shortening while a longer one can give way.
  for (
    const givesWay of [
      (at: number) => numeric[at] !== true && (natural[at] ?? 0) > SHORT_TEXT,
      (at: number) => numeric[at] !== true,
      (at: number) => (natural[at] ?? 0) > WIDEST_NUMBER,
    ]
  ) {
    const giving = widths.map((_, at) => at).filter(givesWay);
    while (excess > 0) {
      giving.sort((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
      const [widest, next] = giving;
      const now = widest === undefined ? 0 : widths[widest] ?? 0;
      if (widest === undefined || now <= NARROWEST) break;
      const step = Math.max(1, now - Math.max(next === undefined ? 0 : widths[next] ?? 0, NARROWEST));
      const less = Math.min(excess, step);
      widths[widest] = now - less;
      excess -= less;
    }
  }
  return widths;
}

const SHORT_TEXT = 19;

/** Wider cells of a column of numbers are texts among them. */
const WIDEST_NUMBER = 24;

/** Names and paths keep both ends, sentences their beginning. */
function shorten(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (text.includes(" ") || width < NARROWEST) return cut(text, width);
  const chars = [...text];
  const tail: string[] = [];
  while (displayWidth(tail.join("")) < Math.floor((width - 1) * 0.6)) tail.unshift(chars.pop() ?? "");
  return cut(chars.join(""), width - displayWidth(tail.join(""))) + tail.join("");
}

/** A Markdown table. */
export function markdownTable(table: Table): string[] {
  const cell = (text: string) => oneLine(text).replace(/[|<]/g, "\\$&");
  const numeric = numericColumns(table);
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(table.head), line(table.head.map((_, at) => numeric[at] ? "---:" : "---")), ...table.rows.map(line)];
}

function isNumeric(text: string): boolean {
  return /^[+-]?[\d.,]+(e[+-]\d+)?(\s?(ms|s|m\d\ds|h\d\dm|B|kB|MB|GB|TB|%))?$/.test(text);
}

function pad(text: string, width: number, right: boolean): string {
  const space = " ".repeat(Math.max(0, width - displayWidth(text)));
  return right ? space + text : text + space;
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  const chars = [...text];
  while (chars.length > 0 && displayWidth(chars.join("")) > width - 1) chars.pop();
  return `${chars.join("")}\u2026`;
}

/** Columns that a text takes: wide East Asian characters and emoji take two. */
export function displayWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const char of text) {
    if (/\p{Mark}|\u200d|\ufe0f/u.test(char)) continue;
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u
          .test(char)
        ? 2
        : 1;
  }
  return width;
}
