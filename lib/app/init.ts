// Making a project: folders, ignore rules, the `pivot` task, and with `--example` a pipeline that does something.
// Invariant: harmless when run again; no file of the user's is overwritten.

import { messageOf, PivotError } from "../core/mod.ts";
import { PIVOT_FOLDER } from "../config/mod.ts";
import { makeFolder, parentOf, spawnChild, statPath, writeDurable } from "../sys/mod.ts";

/** Options of {@linkcode initProject}. */
export interface InitOptions {
  /** Absolute path of the folder to become a project. */
  readonly root: string;
  /** Also write the example pipeline. @default false */
  readonly example?: boolean;
}

/** What was done. */
export interface InitResult {
  readonly root: string;
  /** Paths that were written, relative to the root. */
  readonly written: readonly string[];
  /** Paths that were there already. */
  readonly kept: readonly string[];
  /** What did not work, but does not matter now. */
  readonly note?: string;
}

const IGNORED = `# Local to this machine.
/cache/
/logs/
/state.lmdb/
/state.lmdb.old/
/tmp/
`;

const EXAMPLE_FILES = [
  "pivot.ts",
  "stages/days.ts",
  "stages/monthly.ts",
  "stages/numbers.ts",
  "stages/rain.ts",
  "stages/report.ts",
  "stages/source.ts",
  "notes/station.md",
  "params.yaml",
  "pivot.yaml",
];

/** What the example leaves out of git; its outputs join when it runs. */
const EXAMPLE_IGNORED = "/node_modules/\n";

/** Makes `root` a project. */
export async function initProject(options: InitOptions): Promise<InitResult> {
  const { root } = options;
  const written: string[] = [];
  const kept: string[] = [];
  const put = (path: string, content: string) => {
    if (statPath(`${root}/${path}`) !== undefined) {
      kept.push(path);
      return;
    }
    makeFolder(parentOf(`${root}/${path}`));
    writeDurable(`${root}/${path}`, content);
    written.push(path);
  };
  makeFolder(`${root}/${PIVOT_FOLDER}/stages`);
  put(`${PIVOT_FOLDER}/.gitignore`, IGNORED);
  put(`${PIVOT_FOLDER}/config.yaml`, "# Settings of pivot; `pivot config list` shows them all.\n");
  if (options.example === true) {
    for (const file of EXAMPLE_FILES) put(file, await exampleFile(file));
    put(".gitignore", EXAMPLE_IGNORED);
  }
  if (addTask(root, options.example === true)) written.push("deno.json");
  else kept.push("deno.json");
  const note = options.example === true ? await lockPackages(root) : undefined;
  return { root, written, kept, ...(note === undefined ? {} : { note }) };
}

/** Downloads the example's packages and locks their versions. @returns Why that did not work. */
async function lockPackages(root: string): Promise<string | undefined> {
  const command: [string, ...string[]] = [Deno.build.standalone ? "deno" : Deno.execPath(), "install", "--quiet"];
  let output = "";
  const decoder = new TextDecoder();
  try {
    const child = spawnChild({
      command,
      cwd: root,
      env: { NO_COLOR: "1" },
      onOutput: (chunk) => output += decoder.decode(chunk),
    });
    if ((await child.exit).code === 0) return undefined;
  } catch (error) {
    output = messageOf(error);
  }
  return `\`deno install\` did not work, so package versions are not locked yet: ${
    output.trim().split("\n").at(-1) ?? ""
  }`;
}

async function exampleFile(path: string): Promise<string> {
  const url = new URL(`./example/template/${path}`, import.meta.url);
  if (url.protocol === "file:") return await Deno.readTextFile(url);
  const answer = await fetch(url);
  if (answer.ok) return await answer.text();
  throw new PivotError(`cannot fetch "${url}": status ${answer.status}`, { code: "example-missing" });
}

/** Adds the `pivot` task and the imports to deno.json, or makes one. @returns Whether anything was written. */
function addTask(root: string, example: boolean): boolean {
  const file = `${root}/deno.json`;
  if (statPath(file) === undefined && statPath(`${root}/deno.jsonc`) !== undefined) return false;
  const config = statPath(file) === undefined ? {} : readConfig(file);
  const tasks = { ...config.tasks as Record<string, unknown> | undefined };
  const imports = { ...config.imports as Record<string, string> | undefined };
  const before = JSON.stringify([tasks, imports]);
  const own = ownSpecifiers(root);
  tasks.pivot ??= `deno run -A --v8-flags=--max-semi-space-size=2 ${own.cli}`;
  imports["@pivot/pivot"] ??= own.module;
  if (example) imports["vega-datasets"] ??= "npm:vega-datasets@^3.2.1";
  if (before === JSON.stringify([tasks, imports])) return false;
  // Releases that are days old may lack packages for some platforms yet.
  const age = example && config.minimumDependencyAge === undefined ? { minimumDependencyAge: "P21D" } : {};
  writeDurable(file, `${JSON.stringify({ ...config, tasks, ...age, imports }, null, 2)}\n`);
  return true;
}

function readConfig(file: string): Record<string, unknown> {
  try {
    return JSON.parse(Deno.readTextFileSync(file));
  } catch (error) {
    throw new PivotError(`cannot add the pivot task to "${file}": ${messageOf(error)}`, {
      code: "bad-deno-json",
      kind: "invalid",
      spot: { file: "deno.json" },
      hint: "correct the file; one with comments belongs in deno.jsonc, where the task is to be added by hand",
    });
  }
}

/** How a project refers to this very copy of Pivot: by registry, or by path when it runs from sources. */
function ownSpecifiers(root: string): { cli: string; module: string } {
  const here = new URL("../../", import.meta.url);
  if (here.protocol !== "file:") {
    const version = /@pivot\/pivot\/([^/]+)\//.exec(here.href)?.[1];
    const suffix = version === undefined ? "" : `@^${version}`;
    return { cli: `jsr:@pivot/pivot${suffix}/cli`, module: `jsr:@pivot/pivot${suffix}` };
  }
  const folder = relativePath(root, decodeURIComponent(here.pathname).replace(/\/$/, ""));
  return { cli: shellQuote(`${folder}/cli.ts`), module: `${folder}/mod.ts` };
}

function shellQuote(text: string): string {
  return /^[\w./@+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function relativePath(from: string, to: string): string {
  const a = from.split("/");
  const b = to.split("/");
  let shared = 0;
  while (shared < a.length && shared < b.length && a[shared] === b[shared]) shared += 1;
  const up = a.slice(shared).map(() => "..");
  return up.length === 0 ? [".", ...b.slice(shared)].join("/") : [...up, ...b.slice(shared)].join("/");
}
