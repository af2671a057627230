// dvc.yaml and dvc.lock as stages of pivot.yaml. Pure. Invariant: nothing is dropped without a sentence in `unmapped`.

import { isJsonObject, type Json, type JsonObject } from "../../core/mod.ts";
import { fillTemplates, type Scope } from "./template.ts";

/** Parsed files; empty where there is none. */
export interface DvcFiles {
  readonly dvc: JsonObject;
  readonly params: JsonObject;
  readonly lock: JsonObject;
  /** Whether a path is a folder: dvc.yaml does not tell. */
  readonly isFolder: (path: string) => boolean;
}

/** One file or folder of dvc.lock. */
export interface LockedPath {
  readonly path: string;
  /** Hex, with `.dir` behind it for a folder. */
  readonly md5: string;
}

/** What dvc.lock says of one stage. */
export interface LockedStage {
  readonly deps: readonly LockedPath[];
  readonly outs: readonly LockedPath[];
  /** Parameters by file, then by key. */
  readonly params: JsonObject;
}

/** What came of it. */
export interface Converted {
  /** Stages of pivot.yaml. */
  readonly stages: Readonly<Record<string, JsonObject>>;
  readonly unmapped: readonly string[];
  /** Stages of dvc.lock by the names that they have here. */
  readonly locked: Readonly<Record<string, LockedStage>>;
}

interface Work {
  readonly isFolder: (path: string) => boolean;
  readonly scope: Scope;
  readonly unmapped: string[];
  readonly stages: Record<string, JsonObject>;
  /** DVC's name of a stage to ours. */
  readonly names: Map<string, string>;
}

/** Converts a project. */
export function convertDvc({ dvc, params, lock, isFolder }: DvcFiles): Converted {
  const locked = Object.values(isJsonObject(lock.stages) ? lock.stages : {}).flatMap((stage) =>
    isJsonObject(stage) ? lockedPaths(stage.outs) : []
  );
  const folders = new Set(locked.filter(({ md5 }) => md5.endsWith(".dir")).map(({ path }) => path));
  const work: Work = {
    isFolder: (path) => folders.has(path) || isFolder(path),
    scope: { ...params, ...varsOf(dvc) },
    unmapped: [],
    stages: {},
    names: new Map(),
  };
  for (const key of Object.keys(dvc)) {
    if (key === "artifacts" || key === "datasets" || key === "metrics" || key === "params") {
      work.unmapped.push(`\`${key}\` at the top of dvc.yaml: declare it with the stage that makes it`);
    }
  }
  const stages = isJsonObject(dvc.stages) ? dvc.stages : {};
  for (const [name, fields] of Object.entries(stages)) {
    if (isJsonObject(fields)) convertStage(name, fields, work);
    else work.unmapped.push(`stage "${name}" is not a mapping`);
  }
  convertTopPlots(dvc.plots, work);
  return { stages: work.stages, unmapped: work.unmapped, locked: lockedStages(lock, work.names) };
}

function varsOf(dvc: JsonObject): JsonObject {
  const vars = Array.isArray(dvc.vars) ? dvc.vars : [];
  return Object.assign({}, ...vars.filter(isJsonObject)) as JsonObject;
}

function convertStage(name: string, fields: JsonObject, work: Work): void {
  const { foreach, matrix } = fields;
  if (foreach !== undefined) return convertForeach(name, fields, work);
  const own = ourName(name, work);
  if (!isJsonObject(matrix)) {
    work.names.set(name, own);
    work.stages[own] = stageOf(own, fields, work.scope, work);
    return;
  }
  const lists = fillTemplates(matrix, work.scope) as JsonObject;
  const placeholders = Object.fromEntries(Object.keys(lists).map((key) => [key, `{${key}}`]));
  const scope = { ...work.scope, item: placeholders, key: `{${Object.keys(lists).join("}-{")}}` };
  for (const values of product(Object.values(lists).map((each) => Array.isArray(each) ? each : [each]))) {
    work.names.set(`${name}@${values.map(String).join("-")}`, `${own}@${values.map(String).join("_")}`);
  }
  work.stages[own] = { matrix: lists, ...stageOf(own, fields, scope, work) };
}

function convertForeach(name: string, fields: JsonObject, work: Work): void {
  const items = fillTemplates(fields.foreach ?? null, work.scope);
  const body = isJsonObject(fields.do) ? fields.do : {};
  const own = ourName(name, work);
  if (Array.isArray(items) && items.every((item) => !isJsonObject(item) && !Array.isArray(item))) {
    for (const item of items) work.names.set(`${name}@${item}`, `${own}@${item}`);
    work.stages[own] = { matrix: { item: items }, ...stageOf(own, body, { ...work.scope, item: "{item}" }, work) };
    return;
  }
  const entries: [string, Json][] = Array.isArray(items)
    ? items.map((item, at): [string, Json] => [String(at), item])
    : isJsonObject(items)
    ? Object.entries(items)
    : [];
  for (const [key, item] of entries) {
    const each = ourName(`${name}-${key}`, work);
    work.names.set(`${name}@${key}`, each);
    work.stages[each] = stageOf(each, body, { ...work.scope, item, key }, work);
  }
}

function ourName(name: string, work: Work): string {
  const own = name.replace(/[^A-Za-z0-9_-]/g, "-").replace(/^[^A-Za-z]/, "s$&");
  if (own !== name) work.unmapped.push(`stage "${name}" is called "${own}" here`);
  return own;
}

const KNOWN = new Set([
  "cmd",
  "wdir",
  "deps",
  "outs",
  "metrics",
  "plots",
  "params",
  "desc",
  "meta",
  "frozen",
  "always_changed",
  "matrix",
]);

function stageOf(name: string, raw: JsonObject, scope: Scope, work: Work): JsonObject {
  const fields = fillTemplates(raw, scope) as JsonObject;
  const folder = typeof fields.wdir === "string" ? fields.wdir.replace(/^\.\/|\/$/g, "") : "";
  const at = (path: string) => joinPath(folder, path);
  const made = (path: string) => `${at(path)}${work.isFolder(at(path)) ? "/" : ""}`;
  for (const key of Object.keys(fields)) {
    if (!KNOWN.has(key)) work.unmapped.push(`stage "${name}": \`${key}\``);
  }
  const inMatrix = Object.values(scope).some((value) => typeof value === "string" && /^\{.*\}$/.test(value)) ||
    (isJsonObject(scope.item) && Object.values(scope.item).some((value) => typeof value === "string"));
  const metrics = section(fields.metrics, made, { name, what: "metrics", work });
  return {
    cmd: commandOf(fields.cmd, folder, inMatrix),
    ...nonEmpty("deps", list(fields.deps).flatMap((dep) => pathOf(dep).map(at))),
    ...nonEmpty("outs", section(fields.outs, made, { name, what: "outs", work })),
    ...nonEmpty("metrics", metrics),
    ...nonEmpty("plots", section(fields.plots, made, { name, what: "plots", work })),
    ...nonEmpty("params", paramsOf(fields.params, folder)),
    ...(fields.frozen === true ? { frozen: true } : {}),
    ...(fields.always_changed === true ? { always: true } : {}),
  };
}

function commandOf(cmd: Json | undefined, folder: string, inMatrix: boolean): Json {
  const text = (Array.isArray(cmd) ? cmd.map(String) : [String(cmd ?? "true")]).join(" && ");
  const whole = folder === "" ? text : `cd ${/^[\w./-]+$/.test(folder) ? folder : `'${folder}'`} && ${text}`;
  // Placeholders are filled in lists; in a text, braces are the shell's.
  return inMatrix ? ["/bin/sh", "-c", whole] : whole;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

/** `path`, or `{ path: options }`. */
function pathOf(value: Json): string[] {
  return typeof value === "string" ? [value] : isJsonObject(value) ? Object.keys(value) : [];
}

function nonEmpty(key: string, values: readonly Json[]): JsonObject {
  return values.length === 0 ? {} : { [key]: values };
}

const OUT_OPTIONS: Readonly<Record<string, string>> = {
  cache: "cache",
  persist: "persist",
  x: "x",
  y: "y",
  title: "title",
  template: "template",
};

function section(
  value: Json | undefined,
  at: (path: string) => string,
  about: { readonly name: string; readonly what: string; readonly work: Work },
): Json[] {
  return list(value).flatMap((item): Json[] => {
    if (typeof item === "string") return [about.what === "metrics" ? { path: at(item), cache: true } : at(item)];
    if (!isJsonObject(item)) return [];
    return Object.entries(item).map(([path, options]) => outOf(at(path), isJsonObject(options) ? options : {}, about));
  });
}

function outOf(
  path: string,
  options: JsonObject,
  { name, what, work }: { readonly name: string; readonly what: string; readonly work: Work },
): Json {
  const mapped: Record<string, Json> = { path };
  for (const [key, value] of Object.entries(options)) {
    const own = OUT_OPTIONS[key];
    if (own !== undefined) mapped[own] = value;
    else if (key !== "desc" && key !== "type" && key !== "labels" && key !== "meta") {
      work.unmapped.push(`stage "${name}", output "${path}": \`${key}\``);
    }
  }
  // Metrics of ours are in git unless they say otherwise, as `cache: false` says there.
  if (what === "metrics" && mapped.cache === undefined) mapped.cache = true;
  if (what === "metrics" && mapped.cache === false) delete mapped.cache;
  return Object.keys(mapped).length === 1 ? path : mapped;
}

function paramsOf(value: Json | undefined, folder: string): Json[] {
  return list(value).map((item): Json => {
    if (!isJsonObject(item)) return folder === "" ? item : { [joinPath(folder, "params.yaml")]: [item] };
    return Object.fromEntries(Object.entries(item).map(([file, keys]) => [joinPath(folder, file), keys]));
  });
}

/** Plots declared at the top lend their options to the stage's output of that path. */
function convertTopPlots(plots: Json | undefined, work: Work): void {
  const entries = list(plots).flatMap((item): [string, Json][] =>
    typeof item === "string" ? [[item, {}]] : isJsonObject(item) ? Object.entries(item) : []
  );
  for (const [path, options] of entries) {
    const held = Object.values(work.stages).some((stage) =>
      ["outs", "plots", "metrics"].some((key) =>
        list(stage[key]).some((out) => (isJsonObject(out) ? out.path : out) === path)
      )
    );
    const isPlot = Object.values(work.stages).some((stage) =>
      list(stage.plots).some((out) => (isJsonObject(out) ? out.path : out) === path)
    );
    if (isPlot) continue;
    const said = isJsonObject(options) && Object.keys(options).length > 0 ? ` ${JSON.stringify(options)}` : "";
    work.unmapped.push(
      held
        ? `plot "${path}"${said} at the top of dvc.yaml: list it under \`plots\` of its stage`
        : `plot "${path}"${said} at the top of dvc.yaml: no stage makes it`,
    );
  }
}

function lockedStages(lock: JsonObject, names: ReadonlyMap<string, string>): Record<string, LockedStage> {
  const stages = isJsonObject(lock.stages) ? lock.stages : {};
  return Object.fromEntries(
    Object.entries(stages).flatMap(([name, entry]): [string, LockedStage][] => {
      const own = names.get(name);
      if (own === undefined || !isJsonObject(entry)) return [];
      const params = isJsonObject(entry.params) ? entry.params : {};
      return [[own, { deps: lockedPaths(entry.deps), outs: lockedPaths(entry.outs), params }]];
    }),
  );
}

function lockedPaths(value: Json | undefined): LockedPath[] {
  return list(value).flatMap((item) =>
    isJsonObject(item) && typeof item.path === "string" && typeof item.md5 === "string"
      ? [{ path: item.path, md5: item.md5 }]
      : []
  );
}

function product(lists: readonly (readonly Json[])[]): Json[][] {
  return lists.reduce<Json[][]>((all, values) => all.flatMap((row) => values.map((value) => [...row, value])), [[]]);
}

function joinPath(folder: string, path: string): string {
  const segments: string[] = [];
  for (const segment of `${folder}/${path}`.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  return segments.join("/");
}
