// Puts the schema into the project, and a comment that points to it on top of pivot.yaml.

import { findProject } from "../config/mod.ts";
import { PIVOT_YAML, pivotYamlSchema, SCHEMA_COMMENT, SCHEMA_FILE } from "../pipeline/mod.ts";
import { statPath, writeDurable } from "../sys/mod.ts";

/** Writes both. @returns Paths that were written, relative to the project. */
export function writeSchema(cwd: string): string[] {
  const root = findProject(cwd);
  writeDurable(`${root}/${SCHEMA_FILE}`, `${JSON.stringify(pivotYamlSchema(), null, 2)}\n`);
  const file = `${root}/${PIVOT_YAML}`;
  const text = statPath(file) === undefined ? "" : Deno.readTextFileSync(file);
  if (text.includes("yaml-language-server:")) return [SCHEMA_FILE];
  writeDurable(file, `${SCHEMA_COMMENT}\n${text === "" ? "stages: {}\n" : text}`);
  return [SCHEMA_FILE, PIVOT_YAML];
}
