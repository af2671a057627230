// From arguments to an exit code. Invariant: exits with the documented code, whatever happens; a command's modules load
// only when that command was asked for.

import { PivotError } from "../core/mod.ts";
import { readEnvironment } from "../config/mod.ts";
import type { Embedded } from "../fingerprint/mod.ts";
import { runParser } from "@optique/core/facade";
import { message } from "@optique/core/message";
import { commandLine, commandNames } from "./arguments/mod.ts";
import { dispatch } from "./dispatch.ts";
import { errorJson, reportError } from "./problems.ts";
import { systemTerminal, type Terminal } from "./terminal.ts";
import denoJson from "../../deno.json" with { type: "json" };

/** Ends argument parsing with a known exit code. */
class ParsedElsewhere extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("handled");
    this.exitCode = exitCode;
  }
}

/** A parsed command line. */
export type Arguments = ReturnType<typeof parseArguments>;

/** What a command gets. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly environment: ReturnType<typeof readEnvironment>;
  readonly cwd: string;
  readonly args: readonly string[];
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  /** Stages that are compiled in. */
  readonly embedded?: Embedded;
  /** Starts this very program for one of them. */
  readonly selfCommand?: readonly [string, ...string[]];
}

function parseArguments(args: readonly string[], terminal: Terminal) {
  return runParser(commandLine, "pivot", args, {
    brief: message`Pipelines that re-run only what changed.`,
    colors: terminal.style("strong", "x") !== "x",
    maxWidth: Number.isFinite(terminal.width) ? terminal.width : 100,
    commandList: "top-level",
    help: { command: true, option: true, onShow: (exitCode) => stop(exitCode) },
    version: { command: true, option: true, value: denoJson.version, onShow: (exitCode) => stop(exitCode) },
    completion: { command: { names: ["completions"] }, onShow: (exitCode) => stop(exitCode) },
    aboveError: "none",
    onError: () => {
      terminal.note(helpHint(args));
      return stop(2);
    },
    stdout: (text) => terminal.out(text),
    stderr: (text) => terminal.note(text),
  });
}

/** Where to read on after a usage error. */
function helpHint(args: readonly string[]): string {
  const [command] = args;
  const known = command !== undefined && /^[a-z-]+$/.test(command) && commandNames.includes(command);
  return `  hint: \`pivot ${known ? `${command} ` : ""}--help\` shows what there is`;
}

function stop(exitCode: number): never {
  throw new ParsedElsewhere(exitCode);
}

/** Options of {@linkcode main}. */
export interface MainOptions {
  /** Stages that are compiled into the calling program, with their manifest (`pivot compile-manifest`). */
  readonly embedded?: Embedded;
}

/** The first argument of a process that a program with embedded stages starts for one of them. */
const STAGE_ARGUMENT = "__pivot-stage";

/** Runs the command line and returns the exit code. Never throws. */
export async function main(args: readonly string[], options: MainOptions = {}): Promise<number> {
  const { embedded } = options;
  if (embedded !== undefined && args[0] === STAGE_ARGUMENT) {
    const { runStage } = await import("../../workers/stage.ts");
    const request = JSON.parse(await new Response(Deno.stdin.readable).text());
    return await runStage(request, () => Promise.resolve(embedded.stages));
  }
  const environment = readEnvironment();
  const terminal = systemTerminal({ noColor: environment.noColor, plain: environment.ci });
  using interrupt = interruptSignal();
  try {
    const parsed = parseArguments(args, terminal);
    const context = {
      terminal,
      environment,
      cwd: Deno.cwd(),
      args,
      signal: interrupt.signal,
      ...(embedded === undefined ? {} : { embedded, selfCommand: selfCommand() }),
    };
    const code = await dispatch(parsed, context);
    // Which signal it was, only we know.
    return code === 130 && interrupt.signal.aborted ? interrupt.exitCode() : code;
  } catch (thrown) {
    if (thrown instanceof ParsedElsewhere) return thrown.exitCode;
    if (interrupt.signal.aborted) return interrupt.exitCode();
    if (args.includes("--json") || args.includes("--jsonl")) terminal.out(JSON.stringify({ error: errorJson(thrown) }));
    return reportError(terminal, thrown);
  }
}

/** How this program is started again: as the binary that it is, or by Deno. */
function selfCommand(): [string, ...string[]] {
  if (Deno.build.standalone) return [Deno.execPath(), STAGE_ARGUMENT];
  return [Deno.execPath(), "run", "--no-check", "--quiet", "-A", Deno.mainModule, STAGE_ARGUMENT];
}

interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  exitCode(): number;
}

/** Ctrl-C and SIGTERM abort the signal once; a second one ends the process at once. */
function interruptSignal(): Interrupt {
  const controller = new AbortController();
  let exitCode = 130;
  const listeners = (["SIGINT", "SIGTERM"] as const).map((name) => {
    const listener = () => {
      exitCode = name === "SIGINT" ? 130 : 143;
      if (controller.signal.aborted) Deno.exit(exitCode);
      controller.abort(new PivotError("interrupted", { code: "interrupted", kind: "interrupted" }));
    };
    return { name, listener };
  }).filter(({ name }) => Deno.build.os !== "windows" || name === "SIGINT");
  for (const { name, listener } of listeners) Deno.addSignalListener(name, listener);
  return {
    signal: controller.signal,
    exitCode: () => exitCode,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) Deno.removeSignalListener(name, listener);
    },
  };
}
