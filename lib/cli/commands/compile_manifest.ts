// `pivot compile-manifest`: for programs that stages are compiled into.

import { compileManifest, MANIFEST_FILE } from "../../app/compile_manifest.ts";
import { openProject } from "../../app/open_project.ts";
import { plural } from "../../core/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function compileManifestCommand(
  options: Extract<Arguments, { readonly command: "compile-manifest" }>,
  context: CommandContext,
): Promise<number> {
  await using project = await openProject(context);
  const result = await compileManifest(project, { file: options.output ?? MANIFEST_FILE, check: options.check });
  if (options.json) context.terminal.out(JSON.stringify(result));
  else if (result.current) context.terminal.note(`${result.file} is current`);
  else if (options.check) context.terminal.note(`${result.file} is stale; run \`pivot compile-manifest\``);
  else context.terminal.out(`wrote ${result.file} for ${plural(result.stages, "stage")}`);
  return options.check && !result.current ? 1 : 0;
}
