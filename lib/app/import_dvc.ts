// `pivot import-dvc`: a DVC project as a pipeline of ours. Formats: https://dvc.org/doc/user-guide/project-structure . Invariants:
// DVC's own files are only read; what cannot be mapped is listed; a stage is recorded only if its files are those of dvc.lock.

import { isJsonObject, type Json, type JsonObject, PivotError } from "../core/mod.ts";
import { parseYaml, PIVOT_YAML, SCHEMA_COMMENT } from "../pipeline/mod.ts";
import { statPath, walk, writeDurable } from "../sys/mod.ts";
import { convertDvc, type Converted } from "./dvc/convert.ts";

/** Options of {@linkcode importDvc}. */
export interface ImportDvcOptions {
  /** Absolute path of the project, which holds dvc.yaml. */
  readonly root: string;
  /** Overwrite pivot.yaml. @default false */
  readonly force?: boolean;
  /** Write nothing. @default false */
  readonly dryRun?: boolean;
}

/** What was imported. */
export interface ImportDvcResult {
  /** The text of pivot.yaml. */
  readonly yaml: string;
  readonly stages: readonly string[];
  /** Paths that DVC tracks by itself and that are here: to be tracked. */
  readonly tracked: readonly string[];
  /** What could not be mapped, a sentence each. */
  readonly unmapped: readonly string[];
  /** Stages of dvc.lock by our names, for recording. */
  readonly locked: Converted["locked"];
}

/**
 * Converts dvc.yaml and writes pivot.yaml.
 *
 * @throws {PivotError} `no-dvc` (kind `usage`) without dvc.yaml and `.dvc` files; `pivot-yaml-exists` (kind `usage`).
 */
export async function importDvc(options: ImportDvcOptions): Promise<ImportDvcResult> {
  const { root } = options;
  const target = `${root}/${PIVOT_YAML}`;
  const pointers = dvcFiles(root);
  if (statPath(`${root}/dvc.yaml`) === undefined && pointers.length === 0) {
    throw new PivotError(`there is neither dvc.yaml nor a .dvc file in "${root}"`, {
      code: "no-dvc",
      kind: "usage",
      hint: "run it in the folder that holds dvc.yaml",
    });
  }
  if (statPath(target) !== undefined && options.force !== true && options.dryRun !== true) {
    throw new PivotError(`"${PIVOT_YAML}" is there already`, {
      code: "pivot-yaml-exists",
      kind: "usage",
      hint: "--force overwrites it, --dry-run shows what would be written",
    });
  }
  const converted = convertDvc({
    dvc: await readMapping(root, "dvc.yaml"),
    params: await readMapping(root, "params.yaml"),
    lock: await readMapping(root, "dvc.lock"),
    isFolder: (path) => statPath(`${root}/${path}`)?.kind === "directory",
  });
  const { stringify } = await import("yaml");
  const yaml = `${SCHEMA_COMMENT}\n# From dvc.yaml, by pivot import-dvc.\n${
    stringify({ stages: converted.stages }, { lineWidth: 120, flowCollectionPadding: true })
  }`;
  const { tracked, unmapped } = await pointedTo(root, pointers);
  if (options.dryRun !== true) {
    writeDurable(target, yaml);
    if (statPath(`${root}/.dvcignore`) !== undefined && statPath(`${root}/.pivotignore`) === undefined) {
      writeDurable(`${root}/.pivotignore`, Deno.readTextFileSync(`${root}/.dvcignore`));
    }
  }
  return {
    yaml,
    stages: Object.keys(converted.stages),
    tracked,
    unmapped: [...converted.unmapped, ...unmapped, ...remotesOf(root)],
    locked: converted.locked,
  };
}

async function readMapping(root: string, file: string): Promise<JsonObject> {
  if (statPath(`${root}/${file}`) === undefined) return {};
  const { value } = await parseYaml(Deno.readTextFileSync(`${root}/${file}`), file);
  if (value === null) return {};
  if (isJsonObject(value)) return value;
  throw new PivotError(`"${file}" is not a mapping`, { code: "bad-yaml", kind: "invalid", spot: { file, line: 1 } });
}

const NOT_SEARCHED = new Set([".git", ".dvc", ".pivot", "node_modules"]);

function dvcFiles(root: string): string[] {
  return walk(root, { ignore: (path, isFolder) => isFolder && NOT_SEARCHED.has(path.split("/").at(-1) ?? "") })
    .filter(({ path, stat }) => stat.kind === "file" && path.endsWith(".dvc"))
    .map(({ path }) => path);
}

/** Data that `.dvc` files stand for. */
async function pointedTo(
  root: string,
  files: readonly string[],
): Promise<{ readonly tracked: readonly string[]; readonly unmapped: readonly string[] }> {
  const tracked: string[] = [];
  const unmapped: string[] = [];
  for (const file of files) {
    const { outs, deps } = await readMapping(root, file);
    if (Array.isArray(deps)) unmapped.push(`${file}: it was imported from elsewhere; only its data is tracked`);
    for (const out of Array.isArray(outs) ? outs : []) {
      const name: Json | undefined = isJsonObject(out) ? out.path : undefined;
      if (typeof name !== "string") continue;
      const folder = file.includes("/") ? `${file.slice(0, file.lastIndexOf("/"))}/` : "";
      const path = `${folder}${name}`;
      if (statPath(`${root}/${path}`) === undefined) {
        unmapped.push(`${file}: "${path}" is not here; \`dvc pull\` it, then \`pivot track ${path}\``);
      } else tracked.push(path);
    }
  }
  return { tracked, unmapped };
}

/** DVC's remotes hold its own layout. */
function remotesOf(root: string): string[] {
  const file = `${root}/.dvc/config`;
  if (statPath(file) === undefined) return [];
  const text = Deno.readTextFileSync(file);
  return [...text.matchAll(/\['remote "([^"]+)"'\][^[]*?^\s*url\s*=\s*(\S+)/gm)].map(([, name, url]) =>
    `remote "${name}" (${url}) holds DVC's own layout; add one beside it: \`pivot remote add ${name} ${url}-pivot\``
  );
}
