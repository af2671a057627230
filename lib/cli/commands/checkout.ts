// `pivot checkout`: recorded outputs into the workspace.

import { checkout, incompleteCheckout } from "../../app/checkout.ts";
import { openProject } from "../../app/open_project.ts";
import { plural } from "../../core/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function checkoutCommand(
  options: Extract<Arguments, { readonly command: "checkout" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const result = await checkout(project, {
    targets: options.targets,
    force: options.force,
    signal: context.signal,
    ...(options.mode === undefined ? {} : { mode: options.mode }),
  });
  const error = incompleteCheckout(result);
  if (options.json) {
    context.terminal.out(JSON.stringify(result));
    return error?.exitCode ?? 0;
  }
  for (const path of result.restored) context.terminal.out(path);
  context.terminal.note(
    `${plural(result.restored.length, "output")} checked out, ${result.unchanged.length} in place already`,
  );
  if (error !== undefined) throw error;
  return 0;
}
