// A stage object as plain JSON, as it leaves the process that imported it. Invariant: nothing is checked or merged here
// beyond what JSON cannot carry; that is done once for all sources, in expand.ts.

import { isJsonObject, type Json, type JsonObject, type SourceSpot } from "../core/mod.ts";
import { isStage, type Stage } from "./declare.ts";
import type { OutKind, PlotSpec } from "./spec.ts";

/** A dependency as declared. */
export interface DeclaredDep {
  readonly name: string;
  readonly path: string;
  readonly globs?: readonly string[];
}

/** An output as declared. */
export interface DeclaredOut {
  readonly name: string;
  readonly kind: OutKind;
  readonly path: string;
  readonly cache?: boolean;
  readonly persist?: boolean;
  readonly globs?: readonly string[];
  readonly plot?: PlotSpec;
}

/** What a declared stage runs. */
export type DeclaredAction =
  | { readonly type: "module"; readonly module: string; readonly export: string }
  | { readonly type: "command"; readonly command: string | readonly string[] }
  | { readonly type: "task"; readonly config: string; readonly task: string };

/** One declared stage, whatever the source. */
export interface Declaration {
  readonly name: string;
  readonly spot: SourceSpot;
  readonly action: DeclaredAction;
  readonly deps: readonly DeclaredDep[];
  readonly outs: readonly DeclaredOut[];
  /** Further options by their names, unchecked: params, matrix, env, mutex, timeout, … */
  readonly options: JsonObject;
  readonly after?: readonly string[];
  /** Its parameters were looked up in files; `params.yaml` is no list of overrides for it. @default false */
  readonly paramsFromFiles?: boolean;
  /** Problems found while describing. */
  readonly problems: readonly string[];
}

const STRUCTURE: ReadonlySet<string> = new Set(["deps", "outs", "run", "cmd", "task"]);

/** Describes the exported stages of an imported module. */
export function describeExports(
  exports: Readonly<Record<string, unknown>>,
  module: { readonly path: string; readonly rootUrl: string },
): Declaration[] {
  return Object.entries(exports).flatMap(([name, value]) => isStage(value) ? [describe(name, value, module)] : []);
}

function describe(name: string, stage: Stage, module: { path: string; rootUrl: string }): Declaration {
  const problems: string[] = [];
  const { options } = stage;
  const extra: Record<string, Json> = {};
  for (const [key, value] of Object.entries(options)) {
    if (!STRUCTURE.has(key) && value !== undefined) extra[key] = toJson(value, key, problems);
  }
  return {
    name,
    spot: relativeSpot(stage.spot, module),
    action: actionOf(options, module.path, { export: name, problems }),
    deps: Object.entries(asObject(options.deps)).map(([each, value]) => describeDep(each, value, problems)),
    outs: outEntries(options.outs).map(([each, value]) => describeOut(each, value, problems)),
    options: extra,
    problems,
  };
}

function relativeSpot(spot: SourceSpot | undefined, module: { path: string; rootUrl: string }): SourceSpot {
  if (spot === undefined) return { file: module.path };
  const file = spot.file.startsWith(module.rootUrl)
    ? decodeURIComponent(spot.file.slice(module.rootUrl.length))
    : spot.file;
  return { ...spot, file };
}

function actionOf(
  options: Readonly<Record<string, unknown>>,
  module: string,
  about: { export: string; problems: string[] },
): DeclaredAction {
  const kinds = ["run", "cmd", "task"].filter((key) => options[key] !== undefined);
  if (kinds.length !== 1) {
    about.problems.push(
      kinds.length === 0
        ? "it has neither `run`, `cmd` nor `task`"
        : `it has both \`${kinds.join("` and `")}\`; give one`,
    );
  }
  const { run, cmd, task } = options;
  if (run !== undefined && typeof run !== "function") about.problems.push("`run` is not a function");
  if (typeof task === "string") return { type: "task", config: "deno.json", task };
  if (typeof cmd === "string" || isTextList(cmd)) return { type: "command", command: cmd };
  if (cmd !== undefined) about.problems.push("`cmd` is neither a text nor a list of texts");
  if (task !== undefined) about.problems.push("`task` is not a text");
  return { type: "module", module, export: about.export };
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string");
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return isJsonObject(value) ? value : {};
}

function describeDep(name: string, value: unknown, problems: string[]): DeclaredDep {
  const path = asObject(value).path;
  if (typeof path !== "string") {
    problems.push(`dependency "${name}" was not made by dep() and is not an output of a stage`);
  }
  return { name, path: String(path ?? "") };
}

function outEntries(outs: unknown): [string, unknown][] {
  const object = asObject(outs);
  return typeof object.kind === "string" && typeof object.path === "string" ? [["out", outs]] : Object.entries(object);
}

const OUT_OPTIONS: ReadonlySet<string> = new Set(["cache", "persist", "x", "y", "title", "template"]);

function describeOut(name: string, value: unknown, problems: string[]): DeclaredOut {
  const { path, kind, options } = asObject(value);
  if (typeof path !== "string" || typeof kind !== "string") {
    problems.push(`output "${name}" was not made by out(), metric(), plot() or incremental()`);
    return { name, kind: "out", path: String(path ?? "") };
  }
  const { cache, persist, ...plot } = asObject(options);
  for (const key of Object.keys(asObject(options))) {
    if (!OUT_OPTIONS.has(key)) problems.push(`output "${name}" has the unknown option "${key}"`);
  }
  return {
    name,
    kind: kind as OutKind,
    path,
    ...(typeof cache === "boolean" ? { cache } : {}),
    ...(typeof persist === "boolean" ? { persist } : {}),
    ...(Object.keys(plot).length > 0 ? { plot: plot as PlotSpec } : {}),
  };
}

/** JSON of a value, or null and a problem where JSON or YAML could not carry it back unchanged. */
function toJson(value: unknown, at: string, problems: string[], seen: readonly object[] = []): Json {
  if (value === null || typeof value === "boolean" || typeof value === "string") return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  if (typeof value === "object" && !seen.includes(value)) {
    const inner = [...seen, value];
    if (Array.isArray(value)) return value.map((each, index) => toJson(each, `${at}[${index}]`, problems, inner));
    const prototype = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, toJson(each, `${at}.${key}`, problems, inner)]),
      );
    }
  }
  problems.push(`\`${at}\` holds ${nameOf(value)}, which YAML could not carry`);
  return null;
}

function nameOf(value: unknown): string {
  if (typeof value === "object" && value !== null) return `a ${value.constructor?.name ?? "object"}`;
  return typeof value === "number" ? String(value) : `a ${typeof value}`;
}
