// One function stage from loaded inputs to saved outputs, inside its own process. Invariant: what `run` returns is checked
// name by name; nothing is saved before all of it was checked.

import { isJsonObject, type JsonObject, messageOf, nearest, PivotError, type PivotErrorOptions } from "../core/mod.ts";
import { safeJoin, statPath } from "../sys/mod.ts";
import { isStage, type Stage } from "./declare.ts";
import type { Loader } from "./loaders.ts";

/** What the process hands to a stage. */
export interface ExecuteOptions {
  readonly stage: string;
  /** Absolute paths by name. */
  readonly deps: Readonly<Record<string, string>>;
  /** Absolute paths by name; `out` for a single output. */
  readonly outs: Readonly<Record<string, string>>;
  readonly params: JsonObject;
  readonly signal: AbortSignal;
  readonly log: (...values: unknown[]) => void;
  readonly progress: (fraction: number | null, message: string) => void;
}

interface Item {
  readonly name: string;
  readonly kind: string;
  /** Absolute. */
  readonly path: string;
  readonly directory: boolean;
  readonly loader: Loader<unknown>;
}

/**
 * Loads, runs, saves.
 *
 * @param target The stage object that the module exports, or a plain function that works on paths.
 * @throws {PivotError} `output-missing`, `output-unexpected`, `value-not-saved`; or what `run` threw.
 */
export async function executeStage(target: unknown, options: ExecuteOptions): Promise<void> {
  if (typeof target === "function") {
    await target(options.deps, contextOf(options, {}));
    return;
  }
  if (!isStage(target)) throw notAStage(options.stage, target);
  const outs = itemsOf(target.outs, options.outs);
  const deps = itemsOf(target.options.deps, options.deps);
  const loaded = Object.fromEntries(await Promise.all(deps.map(async (dep) => [dep.name, await load(dep)])));
  const context = contextOf(options, await previousOf(outs));
  const run = target.options.run as (deps: unknown, context: unknown) => unknown;
  const result = await run(loaded, context);
  for (const [item, value] of returned(target, outs, { result, stage: options.stage })) {
    await save(item, value, options.stage);
  }
}

function contextOf(options: ExecuteOptions, previous: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return {
    params: options.params,
    outs: options.outs,
    previous,
    log: options.log,
    signal: options.signal,
    progress: (fraction: number | null, message = "") => options.progress(fraction, message),
  };
}

function notAStage(name: string, value: unknown): PivotError {
  return new PivotError(`stage "${name}": its module exports no stage or function of that name`, {
    code: "module-failed",
    kind: "invalid",
    data: { found: typeof value },
  });
}

function itemsOf(declared: unknown, paths: Readonly<Record<string, string>>): Item[] {
  const given = (isJsonObject(declared) ? declared : {}) as Readonly<Record<string, unknown>>;
  const entries = isItem(given) ? { out: given } : given;
  return Object.entries(entries).flatMap(([name, value]) => {
    const path = paths[name];
    if (!isItem(value) || path === undefined) return [];
    return [{ name, kind: value.kind, path, directory: value.path.endsWith("/"), loader: value.loader }];
  });
}

function isItem(value: unknown): value is { kind: string; path: string; loader: Loader<unknown> } {
  return isJsonObject(value) && typeof value.kind === "string" && typeof value.path === "string" && "loader" in value;
}

async function load(item: Item): Promise<unknown> {
  if (item.loader.byPath) return item.path;
  if (!item.directory) return await item.loader.load(item.path);
  const found: Record<string, unknown> = {};
  for (const name of filesBelow(item.path)) found[name] = await item.loader.load(`${item.path}/${name}`);
  return found;
}

function filesBelow(root: string, prefix = ""): string[] {
  const entries = [...Deno.readDirSync(`${root}/${prefix}`)];
  return entries.flatMap((entry) =>
    entry.isDirectory ? filesBelow(root, `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`]
  ).sort();
}

/** Last value of each incremental output with a loader. */
async function previousOf(outs: readonly Item[]): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const out of outs) {
    if (out.kind !== "incremental" || out.loader.byPath) continue;
    if (statPath(out.path) !== undefined) found[out.name] = await load(out);
    else found[out.name] = out.directory ? {} : out.loader.empty?.();
  }
  return found;
}

function returned(
  stage: Stage,
  outs: readonly Item[],
  about: { readonly result: unknown; readonly stage: string },
): [Item, unknown][] {
  const wanted = outs.filter((out) => !out.loader.byPath);
  const [single] = wanted;
  if (isItem(stage.outs)) return single === undefined ? [] : [[single, required(single, about.result, about.stage)]];
  const values = (isJsonObject(about.result) ? about.result : {}) as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(values)) {
    if (wanted.some((out) => out.name === name)) continue;
    throw unexpected(name, { stage: about.stage, outs, wanted });
  }
  return wanted.map((out) => [out, required(out, values[out.name], about.stage)]);
}

function unexpected(
  name: string,
  about: { readonly stage: string; readonly outs: readonly Item[]; readonly wanted: readonly Item[] },
): PivotError {
  const byPath = about.outs.some((out) => out.name === name);
  const meant = nearest(name, about.wanted.map((out) => out.name));
  return new PivotError(`stage "${about.stage}" returned "${name}", which it does not declare as a returned output`, {
    code: "output-unexpected",
    hint: byPath
      ? `"${name}" has no loader: write the file at outs.${name} and return nothing for it`
      : meant === undefined
      ? "declare it in `outs`, or do not return it"
      : `did you mean "${meant}"?`,
  });
}

function required(out: Item, value: unknown, stage: string): unknown {
  if (value !== undefined) return value;
  throw new PivotError(`stage "${stage}" returned nothing for output "${out.name}"`, {
    code: "output-missing",
    hint: `return { ${out.name}: … } from \`run\``,
  });
}

async function save(item: Item, value: unknown, stage: string): Promise<void> {
  try {
    if (!item.directory) return await item.loader.save(value, item.path);
    if (!isPlainMap(value)) throw notAMap(item);
    Deno.mkdirSync(item.path, { recursive: true });
    for (const [name, each] of Object.entries(value)) {
      const path = safeJoin(item.path, name);
      Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await item.loader.save(each, path);
    }
  } catch (error) {
    if (!(error instanceof PivotError)) {
      throw notSaved(`cannot save output "${item.name}" of stage "${stage}" to "${item.path}": ${messageOf(error)}`, {
        cause: error,
      });
    }
    if (error.code !== "value-not-saved") throw error;
    const { hint, data } = error;
    throw notSaved(`stage "${stage}", output "${item.name}": ${error.message}`, {
      data,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function notSaved(message: string, options: Pick<PivotErrorOptions, "cause" | "data" | "hint">): PivotError {
  return new PivotError(message, { code: "value-not-saved", ...options });
}

function isPlainMap(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isJsonObject(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function notAMap(item: Item): PivotError {
  return new PivotError(`output "${item.name}" is a folder, but what \`run\` returned for it is no map of files`, {
    code: "value-not-saved",
    hint: `return { ${
      JSON.stringify(item.name)
    }: { "a.txt": …, "b/c.txt": … } }, or write the files yourself and use path()`,
  });
}
