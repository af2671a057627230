// `pivot import-dvc`: from DVC to here.

import { importDvc } from "../../app/import_dvc.ts";
import { initProject } from "../../app/init.ts";
import { openProject } from "../../app/open_project.ts";
import { recordDvc } from "../../app/record_dvc.ts";
import { writeSchema } from "../../app/write_schema.ts";
import { plural } from "../../core/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export async function importDvcCommand(
  options: Extract<Arguments, { readonly command: "import-dvc" }>,
  context: CommandContext,
): Promise<number> {
  const { terminal, cwd } = context;
  const { dryRun, force } = options;
  const imported = await importDvc({ root: cwd, force, dryRun });
  if (dryRun) {
    if (options.json) terminal.out(JSON.stringify(imported));
    else {
      terminal.out(imported.yaml.trimEnd());
      for (const line of imported.unmapped) terminal.note(`not mapped: ${line}`);
    }
    return 0;
  }
  await initProject({ root: cwd });
  writeSchema(cwd);
  await using project = await openProject(context);
  const { tracked, recorded } = await recordDvc(project, imported);
  const { stages, unmapped } = imported;
  if (options.json) {
    terminal.out(JSON.stringify({ stages, tracked, recorded, unmapped }));
    return 0;
  }
  terminal.out(`pivot.yaml  ${plural(stages.length, "stage")}`);
  for (const path of tracked) terminal.out(`${path}  tracked`);
  for (const stage of recorded) terminal.out(`${stage}  up to date by dvc.lock, recorded`);
  for (const line of unmapped) terminal.note(`not mapped: ${line}`);
  terminal.note("`pivot status` shows what would run");
  return 0;
}
