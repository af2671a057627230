// Tasks of deno.json. Deno 2.9 lets a task name `files`, `output` and `env`; each such task is a stage as it stands.
// Format: https://docs.deno.com/runtime/reference/cli/task/ . Invariant: the file is only read.

import { isJsonObject, type Json, type JsonObject, PivotError } from "../core/mod.ts";
import type { Declaration } from "./declaration.ts";
import { type ParseCache, type ParsedYaml, parseYaml, placeIn } from "./yaml_file.ts";
import { statPath } from "../sys/mod.ts";

/** The project's deno.json, parsed. */
export interface DenoConfig {
  /** `deno.json` or `deno.jsonc`. */
  readonly file: string;
  readonly parsed: ParsedYaml;
}

/**
 * Reads `deno.json` or `deno.jsonc`. JSON with comments is read by the YAML parser after its comments are
 * blanked out, so that every task has its place.
 */
export async function readDenoConfig(root: string, cache: ParseCache | undefined): Promise<DenoConfig | undefined> {
  for (const file of ["deno.json", "deno.jsonc"]) {
    const stamp = statPath(`${root}/${file}`);
    if (stamp === undefined) continue;
    const kept = cache?.get<ParsedYaml>(file, stamp);
    if (kept !== undefined) return { file, parsed: kept };
    const readAtMs = Date.now();
    const parsed = await parseYaml(blankComments(Deno.readTextFileSync(`${root}/${file}`)), file);
    cache?.put(file, parsed, { stamp, readAtMs });
    return { file, parsed };
  }
  return undefined;
}

/** Replaces comments and trailing commas of JSONC by spaces, so that offsets stay. Tabs too: YAML has none. */
function blankComments(text: string): string {
  return text.replace(
    /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=\s*[}\]])|\t/g,
    (part) => part.startsWith('"') ? part : part.replace(/[^\n]/g, " "),
  );
}

/** One task of deno.json. */
export interface DenoTask {
  readonly command: string | undefined;
  readonly dependencies: readonly string[];
  readonly files: readonly string[];
  readonly output: readonly string[];
  readonly env: readonly string[];
}

/** The tasks by name. */
export function tasksOf(config: DenoConfig): ReadonlyMap<string, DenoTask> {
  const { value } = config.parsed;
  const tasks = isJsonObject(value) && isJsonObject(value.tasks) ? value.tasks : {};
  return new Map(Object.entries(tasks).map(([name, task]) => [name, readTask(task)]));
}

function readTask(task: Json): DenoTask {
  const fields: JsonObject = isJsonObject(task) ? task : { command: task };
  const texts = (value: Json | undefined) =>
    Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
  return {
    command: typeof fields.command === "string" ? fields.command : undefined,
    dependencies: texts(fields.dependencies),
    files: texts(fields.files),
    output: texts(fields.output),
    env: texts(fields.env),
  };
}

/** One stage per task that has `files` or `output`. */
export function stockDeclarations(config: DenoConfig): Declaration[] {
  const tasks = tasksOf(config);
  const isStage = (name: string) => {
    const task = tasks.get(name);
    return task !== undefined && (task.files.length > 0 || task.output.length > 0);
  };
  return [...tasks].filter(([name]) => isStage(name)).map(([name, task]) => ({
    name: stageNameOf(name),
    spot: placeIn(config.parsed, config.file, `tasks.${name}`),
    action: { type: "task", config: config.file, task: name },
    // What a task makes is not what it reads, even where its globs say so.
    deps: byBase([...task.files, ...task.output.map((glob) => `!${glob.replace(/^!/, "")}`)])
      .map(([path, globs]) => ({ name: path, path, globs })),
    outs: byBase(task.output).map(([path, globs]) => outOf(path, globs)),
    options: task.env.length > 0 ? { env: task.env } : {},
    after: stagesBelow(name, tasks, isStage).map(stageNameOf),
    problems: task.command === undefined ? ["the task has no command"] : [],
  }));
}

/** The nearest stages that a task depends on: a task that is no stage itself stands for its own dependencies. */
function stagesBelow(name: string, tasks: ReadonlyMap<string, DenoTask>, isStage: (name: string) => boolean): string[] {
  const found = new Set<string>();
  const seen = new Set<string>();
  const pending = [...tasks.get(name)?.dependencies ?? []];
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    if (isStage(next)) found.add(next);
    else pending.push(...tasks.get(next)?.dependencies ?? []);
  }
  return [...found];
}

/** `build:css` is no stage name; `build-css` is. */
function stageNameOf(task: string): string {
  return task.replace(/[^A-Za-z0-9_-]/g, "-");
}

function outOf(path: string, globs: readonly string[]): Declaration["outs"][number] {
  const [only] = globs;
  if (globs.length === 1 && only === path) return { name: path, kind: "out", path };
  if (globs.length === 1 && only === `${path}/**`) return { name: path, kind: "out", path: `${path}/` };
  return { name: path, kind: "out", path, globs };
}

/** Groups globs by the folder before their first wildcard, nested folders joined into the outer one. */
function byBase(globs: readonly string[]): [path: string, globs: string[]][] {
  const positive = globs.filter((glob) => !glob.startsWith("!"));
  const bases = [...new Set(positive.map(baseOf))].sort();
  const outer = bases.filter((base) =>
    !bases.some((other) => other !== base && (other === "" || base.startsWith(`${other}/`)))
  );
  return outer.map((base) => [
    base === "" ? "." : base,
    globs.filter((glob) =>
      glob.startsWith("!") || base === "" || baseOf(glob) === base || baseOf(glob).startsWith(`${base}/`)
    ),
  ]);
}

function baseOf(glob: string): string {
  const segments = glob.replace(/^\.\//, "").split("/");
  const wild = segments.findIndex((segment) => /[*?[\]{}()!]/.test(segment));
  return (wild < 0 ? segments : segments.slice(0, wild)).join("/");
}

/**
 * The task's own command, for running it apart from its dependencies.
 *
 * @throws {PivotError} `unknown-task` (kind `invalid`).
 */
export function taskCommand(config: DenoConfig | undefined, name: string): string {
  const command = config === undefined ? undefined : tasksOf(config).get(name)?.command;
  if (command !== undefined) return command;
  throw new PivotError(`deno.json has no task "${name}" with a command`, {
    code: "unknown-task",
    kind: "invalid",
    hint: "add it to `tasks`, or correct the name",
  });
}
