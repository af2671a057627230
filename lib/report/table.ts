// Aligned tables for a terminal, Markdown for a page. Invariant: every row has the columns of the head; numbers align right.

/** A table of texts. */
export interface Table {
  /** One text per column. */
  readonly head: readonly string[];
  /** One text per column and row. */
  readonly rows: readonly (readonly string[])[];
}

/** Options of {@linkcode renderTable}. */
export interface TableOptions {
  /** Columns of the terminal; the last column is cut to fit. @default Infinity */
  readonly width?: number;
}

const GAP = "  ";

/** Lines of an aligned table, head first, no trailing spaces. */
export function renderTable(table: Table, options: TableOptions = {}): string[] {
  const all = [table.head, ...table.rows];
  const widths = table.head.map((_, at) => Math.max(...all.map((row) => displayWidth(row[at] ?? ""))));
  const numeric = table.head.map((_, at) =>
    table.rows.length > 0 && table.rows.every((row) => isNumeric(row[at] ?? ""))
  );
  return all.map((row) => {
    const cells = table.head.map((_, at) => pad(row[at] ?? "", widths[at] ?? 0, numeric[at] === true));
    return cut(cells.join(GAP).trimEnd(), options.width ?? Infinity);
  });
}

/** A Markdown table. */
export function markdownTable(table: Table): string[] {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(" | ")} |`;
  return [line(table.head), line(table.head.map(() => "---")), ...table.rows.map(line)];
}

function isNumeric(text: string): boolean {
  return /^[+-]?[\d.,]+(\s?(ms|s|m\d\ds|B|kB|MB|GB|TB|%))?$|^-?$/.test(text);
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
