// `pivot compile-manifest`: the code identities of function stages as a file that is compiled in beside them.

import { PivotError, type RelPath } from "../core/mod.ts";
import { type EmbeddedManifest, makeManifest } from "../fingerprint/mod.ts";
import { PIVOT_TS } from "../pipeline/mod.ts";
import { statPath, writeDurable } from "../sys/mod.ts";
import { pathToFileURL } from "node:url";
import type { Project } from "./open_project.ts";

/** Where the manifest goes when nothing else is said. */
export const MANIFEST_FILE = "pivot_manifest.json";

/** What was written or compared. */
export interface CompileManifestResult {
  readonly file: string;
  readonly stages: number;
  /** Whether the file was what it has to be already. */
  readonly current: boolean;
}

/** Makes the manifest. With `check` nothing is written. This one command imports user modules: the texts of their functions count. */
export async function compileManifest(
  project: Project,
  options: { readonly file: string; readonly check: boolean },
): Promise<CompileManifestResult> {
  const { pipeline } = await project.load();
  const module = PIVOT_TS as RelPath;
  if (statPath(`${project.root}/${module}`) === undefined) {
    throw new PivotError(`there is no "${module}" to make a manifest of`, { code: "no-module", kind: "invalid" });
  }
  const exports: Record<string, unknown> = await import(pathToFileURL(`${project.root}/${module}`).href);
  const manifest: EmbeddedManifest = await makeManifest(project.fingerprints, {
    module,
    stages: pipeline.stages,
    exports,
  });
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  const path = `${project.root}/${options.file}`;
  const current = statPath(path) !== undefined && Deno.readTextFileSync(path) === text;
  if (!current && !options.check) writeDurable(path, text);
  await project.state.commit();
  return { file: options.file, stages: Object.keys(manifest.stages).length, current };
}
