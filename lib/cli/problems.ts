// How errors look: what, where, and what to do about it.

import { PivotError, PivotFindings, type SourceSpot } from "../core/mod.ts";
import type { Terminal } from "./terminal.ts";

/** Prints an error with its place and hint; several findings one by one. @returns The exit code. */
export function reportError(terminal: Terminal, thrown: unknown): number {
  if (thrown instanceof PivotFindings) {
    for (const finding of thrown.findings) printOne(terminal, finding);
    const count = thrown.findings.length;
    terminal.note(terminal.style("bad", `${thrown.message}: ${count} ${count === 1 ? "finding" : "findings"}`));
    return thrown.exitCode;
  }
  if (thrown instanceof PivotError) {
    printOne(terminal, thrown);
    return thrown.exitCode;
  }
  terminal.note(
    `${terminal.style("bad", "internal error:")} ${
      thrown instanceof Error ? thrown.stack ?? thrown.message : String(thrown)
    }`,
  );
  terminal.note("  this is a bug in Pivot; please report it with the output of `pivot doctor --json`");
  return 70;
}

function printOne(terminal: Terminal, error: PivotError): void {
  const place = error.spot === undefined || error.message.includes(error.spot.file) && error.spot.line === undefined
    ? ""
    : `${terminal.style("strong", spotText(error.spot))} `;
  terminal.note(`${place}${terminal.style("bad", "error:")} ${error.message}`);
  if (error.hint !== undefined) terminal.note(`  ${terminal.style("dim", "hint:")} ${error.hint}`);
}

function spotText(spot: SourceSpot): string {
  return `${[spot.file, spot.line, spot.column].filter((part) => part !== undefined).join(":")}:`;
}

/** The JSON form of an error, for `--json`. */
export function errorJson(thrown: unknown): Record<string, unknown> {
  if (thrown instanceof PivotFindings) return { ...errorFields(thrown), findings: thrown.findings.map(errorFields) };
  if (thrown instanceof PivotError) return errorFields(thrown);
  return { code: "bug", message: thrown instanceof Error ? thrown.message : String(thrown) };
}

function errorFields(error: PivotError): Record<string, unknown> {
  return {
    code: error.code,
    message: error.message,
    hint: error.hint,
    spot: error.spot,
    data: error.data,
    exitCode: error.exitCode,
  };
}
