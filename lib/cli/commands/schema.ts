// `pivot schema`: the JSON Schema of pivot.yaml, for editors.

import { writeSchema } from "../../app/write_schema.ts";
import { pivotYamlSchema } from "../../pipeline/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

/** Runs the command. */
export function schemaCommand(
  options: Extract<Arguments, { readonly command: "schema" }>,
  { terminal, cwd }: CommandContext,
): number {
  if (!options.write) {
    terminal.out(JSON.stringify(pivotYamlSchema(), null, 2));
    return 0;
  }
  for (const path of writeSchema(cwd)) terminal.out(path);
  return 0;
}
