// `pivot init`: a folder becomes a project.

import { initProject } from "../../app/init.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function initCommand(
  options: Extract<Arguments, { readonly command: "init" }>,
  context: CommandContext,
): Promise<number> {
  const folder = options.folder ?? ".";
  const root = folder.startsWith("/")
    ? folder
    : new URL(folder.split("/").map(encodeURIComponent).join("/"), `file://${encodeURI(context.cwd)}/`).pathname;
  const result = await initProject({ root: decodeURIComponent(root).replace(/\/\.?$/, ""), example: options.example });
  if (options.json) {
    context.terminal.out(JSON.stringify(result));
    return 0;
  }
  for (const path of result.written) context.terminal.out(`wrote ${path}`);
  if (result.note !== undefined) context.terminal.note(result.note);
  if (result.written.length === 0) context.terminal.note("everything was there already");
  else if (options.example) context.terminal.note("next: deno task pivot run");
  else context.terminal.note("next: declare stages in pivot.ts, then deno task pivot run");
  return 0;
}
