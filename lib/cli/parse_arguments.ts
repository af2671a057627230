// The whole command line by its parser, with help, version, completions and hints. Invariant: loaded only when the short way of
// quick_arguments.ts does not do, since it takes longer to load than a run in which nothing changed takes.

import { runParser } from "@optique/core/facade";
import { message } from "@optique/core/message";
import denoJson from "../../deno.json" with { type: "json" };
import { commandLine, commandNames } from "./arguments/mod.ts";
import type { Terminal } from "./terminal.ts";

/** Ends argument parsing with a known exit code. */
class ParsedElsewhere extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("handled");
    this.exitCode = exitCode;
  }
}

/** A parsed command line. */
export type Arguments = ReturnType<typeof parse>;

/** Parses arguments. @returns An exit code where everything was said already: help, version, completions, a wrong command line. */
export function parseArguments(args: readonly string[], terminal: Terminal): Arguments | number {
  try {
    return parse(args, terminal);
  } catch (thrown) {
    if (thrown instanceof ParsedElsewhere) return thrown.exitCode;
    throw thrown;
  }
}

function parse(args: readonly string[], terminal: Terminal) {
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
