// `pivot doctor`: what works here and what does not.

import { doctor } from "../../app/doctor.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function doctorCommand(
  options: Extract<Arguments, { readonly command: "doctor" }>,
  context: CommandContext,
): Promise<number> {
  const findings = await doctor(context.cwd, context.environment);
  const problems = findings.filter((finding) => finding.level === "problem");
  if (options.json) context.terminal.out(JSON.stringify({ findings }));
  else {
    for (const { level, name, message, hint } of findings) {
      const mark = context.terminal.style(level === "ok" ? "good" : level === "note" ? "warn" : "bad", level.padEnd(7));
      context.terminal.out(`${mark} ${name}: ${message}`);
      if (hint !== undefined) context.terminal.out(`        ${hint}`);
    }
  }
  return problems.length > 0 ? 1 : 0;
}
