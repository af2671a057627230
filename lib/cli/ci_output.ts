// A pipeline's run as people read it: lines of tasks behind their names, volumes as they come and go, a table at the end.
// Invariant: a line of a task is never mixed with another's.

import type { CiRunEvent, CiRunResult } from "../app/ci_run.ts";
import { formatBytes, formatDuration, messageOf, plural } from "../core/mod.ts";
import { renderTable } from "../report/mod.ts";
import { describeVolumeEvent, type VolumeEvent } from "../volume/mod.ts";
import type { Style, Terminal } from "./terminal.ts";

/** Shows events, and remembers what the final table needs. */
export interface CiPrinter {
  readonly onEvent: (event: CiRunEvent) => void;
  /** Prints the tables of a run. */
  finish(result: CiRunResult): void;
  /** How each volume was restored, by name. */
  readonly restores: ReadonlyMap<string, Restored>;
}

/** How a volume was restored. */
export interface Restored {
  readonly status: "hit" | "miss" | "failed";
  readonly bytes?: number;
  readonly ms?: number;
  /** Why it failed. */
  readonly message?: string;
  /** The command that takes a damaged entry away. */
  readonly remedy?: string;
}

const OUTCOMES: Readonly<Record<string, Style>> = {
  succeeded: "good",
  failed: "bad",
  errored: "bad",
  aborted: "warn",
  skipped: "dim",
};

/** Makes a printer. `quiet` leaves out what tasks print, `silent` all but warnings. */
export function ciPrinter(
  terminal: Terminal,
  options: { readonly quiet: boolean; readonly silent: boolean },
): CiPrinter {
  const restores = new Map<string, Restored>();
  const lines = new TaskLines((text) => terminal.note(text));
  return {
    restores,
    onEvent(event) {
      remember(event, restores);
      if (!options.silent || isWarning(event)) show(event, { terminal, lines, quiet: options.quiet });
    },
    finish: (result) => printTables(terminal, result, restores),
  };
}

function remember(event: CiRunEvent, restores: Map<string, Restored>): void {
  if (event.type === "volume-restored") restores.set(event.volume, { status: "hit", bytes: event.bytes, ms: event.ms });
  if (event.type === "volume-missed") restores.set(event.volume, { status: "miss" });
  if (event.type === "volume-restore-failed") {
    const remedy = event.remedy === undefined ? {} : { remedy: event.remedy };
    restores.set(event.volume, { status: "failed", message: event.message, ...remedy });
  }
}

interface Use {
  readonly terminal: Terminal;
  readonly lines: TaskLines;
  readonly quiet: boolean;
}

function show(event: CiRunEvent, { terminal, lines, quiet }: Use): void {
  const styled = (outcome: string) => terminal.style(OUTCOMES[outcome] ?? "strong", outcome);
  switch (event.type) {
    case "job-started":
      return terminal.note(terminal.style("strong", `== ${event.job}`));
    case "job-finished":
      return terminal.note(`== ${event.job} ${styled(event.outcome)} in ${formatDuration(event.ms)}`);
    case "job-skipped":
      return terminal.note(`== ${event.job} ${styled("skipped")}`);
    case "task-started":
      return lines.line(event, "starts");
    case "task-output":
      return quiet ? undefined : lines.push(event, event.text, event.stream);
    case "task-finished": {
      lines.end(event);
      const code = event.code === null || event.code === 0 ? "" : ` with exit code ${event.code}`;
      const why = event.message === undefined ? "" : `: ${event.message}`;
      lines.line(event, `${styled(event.outcome)}${code} in ${formatDuration(event.ms)}${why}`);
      return event.hint === undefined ? undefined : lines.line(event, `  hint: ${event.hint}`);
    }
    case "attempt-failed":
      return terminal.note(`attempt ${event.attempt} of ${event.of} failed`);
    case "step-timed-out":
      return terminal.note(terminal.style("bad", `step stopped after its timeout of ${formatDuration(event.ms)}`));
    case "cache-unsupported":
      return terminal.note(
        `${terminal.style("warn", "warning:")} this driver cannot move the data of volumes, so they are not cached`,
      );
    case "warning":
      return terminal.note(`${terminal.style("warn", "warning:")} ${event.message}`);
    case "image-pulling":
      return terminal.note(`pulling image ${event.image}`);
    case "image-pulled":
      return terminal.note(`pulled image ${event.image} in ${formatDuration(event.ms)}`);
    case "leftovers-removed":
      return terminal.note(`removed ${plural(event.count, "leftover")} of runs that were killed`);
    default:
      return showVolume(event, terminal);
  }
}

const BAD: readonly VolumeEvent["type"][] = [
  "volume-restore-failed",
  "volume-expired-kept",
  "volume-persist-failed",
  "volume-conflict",
];

function isWarning({ type }: CiRunEvent): boolean {
  return type === "warning" || type === "cache-unsupported" || BAD.some((bad) => bad === type);
}

function showVolume(event: VolumeEvent, terminal: Terminal): void {
  const text = describeVolumeEvent(event);
  terminal.note(BAD.includes(event.type) ? `${terminal.style("warn", "warning:")} ${text}` : text);
}

/** Whose output it is. */
interface Owner {
  readonly run: number;
  readonly task: string;
}

/** A line that is longer is shown in pieces, so that one without an end is neither held nor searched again and again. */
const MAX_LINE_CHARS = 64 * 1024;

/** Cuts output into lines; what has no end yet waits for it. */
class TaskLines {
  readonly #print: (text: string) => void;
  readonly #rests: Map<string, string> = new Map();

  constructor(print: (text: string) => void) {
    this.#print = print;
  }

  line({ task }: Owner, text: string): void {
    this.#print(`${task} | ${text}`);
  }

  push(owner: Owner, text: string, stream: string): void {
    const key = `${owner.run} ${stream}`;
    const parts = `${this.#rests.get(key) ?? ""}${text}`.split("\n");
    const rest = parts.pop() ?? "";
    const tooLong = rest.length > MAX_LINE_CHARS;
    this.#rests.set(key, tooLong ? "" : rest);
    if (tooLong) parts.push(rest);
    for (const part of parts) this.line(owner, part.replace(/\r$/, ""));
  }

  end(owner: Owner): void {
    for (const stream of ["stdout", "stderr"]) {
      const key = `${owner.run} ${stream}`;
      const rest = this.#rests.get(key) ?? "";
      this.#rests.delete(key);
      if (rest !== "") this.line(owner, rest);
    }
  }
}

function printTables(terminal: Terminal, result: CiRunResult, restores: ReadonlyMap<string, Restored>): void {
  const tasks = result.tasks.map(({ job, task, outcome, code, ms }) => [
    job,
    task,
    outcome,
    code === null ? "-" : String(code),
    formatDuration(ms),
  ]);
  const print = (head: readonly string[], rows: readonly (readonly string[])[]) =>
    renderTable({ head, rows }, { width: terminal.width }).forEach(terminal.out);
  if (tasks.length > 0) print(["job", "task", "outcome", "code", "took"], tasks);
  const volumes = volumeRows(result, restores);
  if (volumes.length > 0) {
    terminal.out("");
    print(["volume", "restore", "persist", "bytes", "took"], volumes);
  }
}

function volumeRows(result: CiRunResult, restores: ReadonlyMap<string, Restored>): string[][] {
  return result.volumes.map((each) => {
    const restored = restores.get(each.volume);
    const persisted = each.status === "skipped" ? `skipped: ${each.reason}` : each.status;
    const bytes = each.status === "persisted" ? each.bytes : restored?.bytes;
    const ms = (restored?.ms ?? 0) + ("ms" in each ? each.ms : 0);
    return [
      each.volume,
      restored?.status ?? "-",
      each.status === "failed" ? `failed: ${messageOf(each.error)}` : persisted,
      bytes === undefined ? "-" : formatBytes(bytes),
      formatDuration(ms),
    ];
  });
}
