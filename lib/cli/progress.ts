// A run as it happens: a live line per running stage on a terminal, plain lines elsewhere.
// Invariant: what a stage prints is never lost or mixed within a line.

import { formatDuration, unreachable } from "../core/mod.ts";
import { type Decision, describeReason, describeSummary, type RunEvent, type StageResult } from "../engine/mod.ts";
import type { Style, Terminal } from "./terminal.ts";

/** Options of {@linkcode progressPrinter}. */
export interface ProgressOptions {
  /** Lines that explain a decision; nothing is explained when absent. */
  readonly explain?: (decision: Decision) => readonly string[];
  /** Do not print what stages print. @default false */
  readonly quiet?: boolean;
}

/** Shows events. */
export interface ProgressPrinter extends Disposable {
  readonly onEvent: (event: RunEvent) => void;
  /** A line that stays, above the live ones. */
  readonly line: (text: string) => void;
}

const REDRAW_MS = 100;
const MARKS: Readonly<Record<StageResult["outcome"], readonly [text: string, style: Style]>> = {
  ran: ["ran", "good"],
  restored: ["restored", "info"],
  skipped: ["skipped", "dim"],
  failed: ["failed", "bad"],
  "not-run": ["not run", "warn"],
  cancelled: ["cancelled", "warn"],
};

/** Makes a printer for one run. */
export function progressPrinter(terminal: Terminal, options: ProgressOptions = {}): ProgressPrinter {
  const board = new LiveBoard(terminal);
  const line = (text: string) => board.above(() => terminal.note(text));
  return {
    onEvent: (event) => show(event, { terminal, board, line, options }),
    line,
    [Symbol.dispose]: () => board[Symbol.dispose](),
  };
}

interface Stage {
  readonly terminal: Terminal;
  readonly board: LiveBoard;
  readonly line: (text: string) => void;
  readonly options: ProgressOptions;
}

function show(event: RunEvent, { terminal, board, line, options }: Stage): void {
  switch (event.type) {
    case "run-started":
    case "error":
      return;
    case "warning":
      return line(
        `${terminal.style("warn", "warning:")} ${event.stage === null ? "" : `${event.stage}: `}${event.message}`,
      );
    case "stage-decided":
      for (const text of options.explain?.(event.decision) ?? []) line(text);
      return;
    case "stage-waiting":
      return line(`${event.stage}: waits for ${event.holder}, which works on it`);
    case "stage-started":
      return board.start(event.stage, event.attempt);
    case "stage-output":
      if (options.quiet !== true) line(`${terminal.style("dim", `${event.stage} |`)} ${event.line}`);
      return;
    case "stage-progress":
      return board.progress(event.stage, event.fraction, event.message);
    case "stage-finished":
      board.stop(event.result.stage);
      return finished(event.result, { terminal, line });
    case "run-finished":
      board[Symbol.dispose]();
      return line(terminal.style(event.summary.success ? "strong" : "bad", describeSummary(event.summary)));
    default:
      return unreachable(event);
  }
}

function finished(result: StageResult, { terminal, line }: Pick<Stage, "terminal" | "line">): void {
  // Skips are counted in the summary; a thousand lines that say nothing happened help nobody.
  if (result.outcome === "skipped") return;
  const [word, style] = MARKS[result.outcome];
  const why = result.decision === null ? "" : terminal.style("dim", `  ${describeReason(result.decision.headline)}`);
  const took = result.outcome === "not-run" ? "" : ` in ${formatDuration(result.ms)}`;
  line(`${terminal.style(style, word)} ${terminal.style("strong", result.stage)}${took}${why}`);
  if (result.error === undefined) return;
  line(`  ${terminal.style("bad", "error:")} ${result.error.message}`);
  if (result.error.hint !== undefined) line(`  ${terminal.style("dim", "hint:")} ${result.error.hint}`);
  for (const each of result.logTail ?? []) line(`  ${terminal.style("dim", "|")} ${each}`);
  if (result.log !== undefined) line(`  ${terminal.style("dim", `whole log: ${result.log}`)}`);
}

interface Running {
  readonly since: number;
  readonly attempt: number;
  note: string;
}

/** The lines at the bottom of a terminal that change. */
class LiveBoard implements Disposable {
  readonly #terminal: Terminal;
  readonly #running: Map<string, Running> = new Map();
  #drawn = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  start(stage: string, attempt: number): void {
    this.#running.set(stage, { since: performance.now(), attempt, note: "" });
    if (!this.#terminal.live) {
      if (attempt === 1) this.#terminal.note(`running ${stage}`);
      return;
    }
    this.#timer ??= setInterval(() => this.#redraw(), REDRAW_MS);
    this.#redraw();
  }

  progress(stage: string, fraction: number | null, message: string): void {
    const running = this.#running.get(stage);
    if (running === undefined) return;
    const percent = fraction === null ? "" : `${Math.round(fraction * 100)}% `;
    running.note = `${percent}${message}`.trim();
  }

  stop(stage: string): void {
    this.#running.delete(stage);
  }

  /** Prints something that stays, above the live lines. */
  above(print: () => void): void {
    this.#erase();
    print();
    this.#redraw();
  }

  #erase(): void {
    if (this.#drawn > 0) this.#terminal.draw(`\x1b[${this.#drawn}A\x1b[J`);
    this.#drawn = 0;
  }

  #redraw(): void {
    if (!this.#terminal.live) return;
    this.#erase();
    const width = Number.isFinite(this.#terminal.width) ? this.#terminal.width : 80;
    for (const [stage, { since, attempt, note }] of this.#running) {
      const again = attempt > 1 ? ` attempt ${attempt}` : "";
      const text = `running ${stage}${again} ${formatDuration(performance.now() - since)} ${note}`.slice(0, width - 1);
      this.#terminal.draw(`${this.#terminal.style("info", text)}\n`);
      this.#drawn += 1;
    }
  }

  [Symbol.dispose](): void {
    if (this.#timer !== undefined) clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
    this.#running.clear();
  }
}
