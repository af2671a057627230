// From arguments to an exit code. Invariant: exits with the documented code, whatever happens; a command's modules load
// only when that command was asked for.

import { PivotError } from "../core/mod.ts";
import { readEnvironment } from "../config/mod.ts";
import type { Embedded } from "../fingerprint/mod.ts";
import { dispatch } from "./dispatch.ts";
import type { Arguments } from "./parse_arguments.ts";
import { errorJson, reportError } from "./problems.ts";
import { quickArguments } from "./quick_arguments.ts";
import { systemTerminal, type Terminal } from "./terminal.ts";

export type { Arguments } from "./parse_arguments.ts";

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
    const parsed = await parse(args, terminal);
    if (typeof parsed === "number") return parsed;
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
    if (interrupt.signal.aborted) return interrupt.exitCode();
    if (args.includes("--json") || args.includes("--jsonl")) terminal.out(JSON.stringify({ error: errorJson(thrown) }));
    return reportError(terminal, thrown);
  }
}

async function parse(args: readonly string[], terminal: Terminal): Promise<Arguments | number> {
  const quick = quickArguments(args);
  if (quick !== undefined) return quick;
  const { parseArguments } = await import("./parse_arguments.ts");
  return parseArguments(args, terminal);
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
