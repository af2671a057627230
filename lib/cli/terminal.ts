// Where text goes: results to stdout, everything else to stderr. The only place that writes to them.

import { styleText } from "node:util";

/** Styles that mean something. */
export type Style = "strong" | "dim" | "good" | "bad" | "warn" | "info";

const STYLES: Readonly<Record<Style, Parameters<typeof styleText>[0]>> = {
  strong: "bold",
  dim: "dim",
  good: "green",
  bad: "red",
  warn: "yellow",
  info: "cyan",
};

/** The terminal, or what stands in for one. */
export interface Terminal {
  /** A line of the result. */
  out(line: string): void;
  /** Bytes of the result, as they are. */
  bytes(chunk: Uint8Array): void;
  /** A line of progress or of a problem. */
  note(line: string): void;
  /** Raw text to stderr, for live lines. */
  draw(text: string): void;
  style(style: Style, text: string): string;
  /** stderr is a terminal that can redraw. */
  readonly live: boolean;
  /** Columns of stdout. */
  readonly width: number;
}

/** Options of {@linkcode systemTerminal}. */
export interface TerminalOptions {
  readonly noColor: boolean;
  /** Never redraw, for instance under continuous integration. */
  readonly plain: boolean;
}

/** The process's own terminal. */
export function systemTerminal(options: TerminalOptions): Terminal {
  const encoder = new TextEncoder();
  const write = (stream: typeof Deno.stdout, text: string) => send(stream, encoder.encode(text));
  const send = (stream: typeof Deno.stdout, bytes: Uint8Array) => {
    try {
      for (let sent = 0; sent < bytes.length;) sent += stream.writeSync(bytes.subarray(sent));
    } catch (error) {
      // A reader such as `head` may have gone.
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    }
  };
  const isTerminal = Deno.stdout.isTerminal();
  const color = !options.noColor && isTerminal;
  return {
    out: (line) => write(Deno.stdout, `${line}\n`),
    bytes: (chunk) => send(Deno.stdout, chunk),
    note: (line) => write(Deno.stderr, `${line}\n`),
    draw: (text) => write(Deno.stderr, text),
    style: (style, text) => color ? styleText(STYLES[style], text, { validateStream: false }) : text,
    live: Deno.stderr.isTerminal() && !options.plain,
    width: isTerminal ? Deno.consoleSize().columns : Infinity,
  };
}
