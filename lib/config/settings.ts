// `.pivot/config.yaml`: read with every value checked, written with its comments kept.
// Invariant: an unknown key or a wrong value is an error with line and column; nothing is passed over.

import { type CheckoutMode, isJsonObject, type Json, nearest, PivotError, PivotFindings } from "../core/mod.ts";
import { type FileStamp, statPath, writeDurable } from "../sys/mod.ts";
import type { Document } from "yaml";
import { namesNear, requireSetting, type Setting, settingOf, SETTINGS, whyUnfit, withoutPassword } from "./schema.ts";

/** Path of the settings below the project root. */
export const CONFIG_FILE = ".pivot/config.yaml";

/** Remembers parse results by path and stamp; the state database has one. */
export interface ConfigCache {
  get<Value>(path: string, stamp: FileStamp): Value | undefined;
  put(path: string, value: unknown, at: { readonly stamp: FileStamp; readonly readAtMs: number }): void;
}

/** One setting with its value and where that comes from. */
export interface SettingValue {
  readonly setting: Setting;
  readonly value: Json;
  readonly source: "default" | "file" | "environment";
}

/** All settings of a project. */
export interface Settings {
  readonly all: readonly SettingValue[];
  get(key: string): Json;
  readonly cacheDir: string;
  readonly cacheModes: readonly CheckoutMode[];
  /** 0 = as many as there are cores. */
  readonly jobs: number;
  readonly fingerprintRuntime: boolean;
  readonly historyKeep: number;
  readonly historyKeepDays: number;
  readonly defaultRemote: string | undefined;
  /** For the default remote, unless the remote says otherwise. */
  readonly autoPush: boolean;
  readonly autoPull: boolean;
  /** Whether a push shares what inputs led to; undefined = when asked, and it is looked up. */
  readonly sharedRunCache: boolean | undefined;
  /** By name a URL, or a mapping with `url` and more. */
  readonly remotes: Readonly<Record<string, Json>>;
}

/** Options of {@linkcode loadSettings}. */
export interface LoadSettingsOptions {
  readonly cache?: ConfigCache;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads the settings: defaults, then the file, then the environment.
 *
 * @throws {PivotFindings} with everything that is wrong in the file.
 */
export async function loadSettings(projectRoot: string, options: LoadSettingsOptions): Promise<Settings> {
  const file = await readFile(projectRoot, options.cache);
  const remotes = Object.keys(file).filter((key) => key.startsWith("remotes.")).map(requireSetting);
  const all = [...SETTINGS, ...remotes].map((setting) => valueOf(setting, file, options.variables));
  const get = (key: string) => all.find((each) => each.setting.key === key)?.value ?? null;
  return {
    all,
    get,
    cacheDir: String(get("cache.dir")),
    cacheModes: get("cache.modes") as readonly CheckoutMode[],
    jobs: Number(get("jobs") ?? 0),
    fingerprintRuntime: get("fingerprint.runtime") === true,
    historyKeep: Number(get("history.keep")),
    historyKeepDays: Number(get("history.keep_days")),
    defaultRemote: get("default_remote") === null ? undefined : String(get("default_remote")),
    autoPush: get("auto_push") === true,
    autoPull: get("auto_pull") === true,
    sharedRunCache: get("shared_run_cache") === null ? undefined : get("shared_run_cache") === true,
    remotes: remotesOf(file),
  };
}

function remotesOf(file: Flat): Record<string, Json> {
  const remotes: Record<string, Json> = {};
  for (const [key, value] of Object.entries(file)) {
    const [top, name, field] = key.split(".");
    if (top !== "remotes" || name === undefined) continue;
    const before = Object.hasOwn(remotes, name) ? remotes[name] ?? {} : {};
    remotes[name] = field === undefined || !isJsonObject(before) ? value : { ...before, [field]: value };
  }
  return remotes;
}

function valueOf(setting: Setting, file: Flat, variables: LoadSettingsOptions["variables"]): SettingValue {
  const raw = setting.variable === undefined ? undefined : variables[setting.variable];
  if (raw !== undefined && raw !== "") {
    const value: Json = setting.type === "number" ? Number(raw) : raw;
    const why = whyUnfit(setting, value);
    if (why !== undefined) {
      throw new PivotError(`environment variable ${setting.variable} is "${raw}": ${why}`, {
        code: "bad-setting",
        kind: "invalid",
      });
    }
    return { setting, value, source: "environment" };
  }
  const value = file[setting.key];
  return value === undefined
    ? { setting, value: setting.fallback, source: "default" }
    : { setting, value, source: "file" };
}

type Flat = Readonly<Record<string, Json>>;

async function readFile(projectRoot: string, cache: ConfigCache | undefined): Promise<Flat> {
  const path = `${projectRoot}/${CONFIG_FILE}`;
  const stamp = statPath(path);
  if (stamp === undefined || stamp.size === 0) return {};
  const kept = cache?.get<Flat>(CONFIG_FILE, stamp);
  if (kept !== undefined) return kept;
  const readAtMs = Date.now();
  const flat = await parseSettings(Deno.readTextFileSync(path));
  cache?.put(CONFIG_FILE, flat, { stamp, readAtMs });
  return flat;
}

async function parseSettings(text: string): Promise<Flat> {
  const { isMap, isNode, isScalar, LineCounter, parseDocument } = await import("yaml");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const findings: PivotError[] = document.errors.map((error) => finding(error.message, counter.linePos(error.pos[0])));
  const flat: Record<string, Json> = {};
  const visit = (node: unknown, prefix: string): void => {
    if (!isMap(node)) {
      if (node === null || (isScalar(node) && node.value === null)) return;
      const what = prefix === "" ? "the file" : `"${prefix.slice(0, -1)}"`;
      const offset = isNode(node) ? node.range?.[0] ?? 0 : 0;
      findings.push(finding(`${what} is not a mapping of settings`, counter.linePos(offset)));
      return;
    }
    for (const pair of node.items) {
      const key = `${prefix}${isScalar(pair.key) ? String(pair.key.value) : ""}`;
      const offset = isScalar(pair.key) ? pair.key.range?.[0] ?? 0 : 0;
      const setting = settingOf(key);
      if (key === "remotes" || (setting?.type === "remote" && isMap(pair.value))) visit(pair.value, `${key}.`);
      else if (setting !== undefined) {
        const value = toJson(pair.value);
        const why = whyUnfit(setting, value);
        if (why !== undefined) {
          findings.push(
            finding(`"${key}" is ${withoutPassword(JSON.stringify(value))}: ${why}`, counter.linePos(offset)),
          );
        }
        flat[key] = value;
      } else if (SETTINGS.some((each) => each.key.startsWith(`${key}.`))) visit(pair.value, `${key}.`);
      else findings.push(unknownKey(key, counter.linePos(offset)));
    }
  };
  visit(document.contents, "");
  if (findings.length > 0) throw new PivotFindings(`"${CONFIG_FILE}" is not valid`, findings);
  return flat;
}

function toJson(node: unknown): Json {
  const value: unknown = isJsonObject(node) && "toJSON" in node
    ? (node as unknown as { toJSON(): unknown }).toJSON()
    : node;
  return value as Json ?? null;
}

function finding(message: string, at: { readonly line: number; readonly col: number }): PivotError {
  return new PivotError(message, {
    code: "bad-setting",
    kind: "invalid",
    spot: { file: CONFIG_FILE, line: at.line, column: at.col },
  });
}

function unknownKey(key: string, at: { readonly line: number; readonly col: number }): PivotError {
  const meant = nearest(key, namesNear(key));
  return new PivotError(`unknown setting "${key}"`, {
    code: "unknown-setting",
    kind: "invalid",
    spot: { file: CONFIG_FILE, line: at.line, column: at.col },
    hint: meant === undefined ? "`pivot config list` shows all settings" : `did you mean "${meant}"?`,
  });
}

/** Sets a value in the file; comments and order stay. */
export async function setSetting(projectRoot: string, key: string, text: string): Promise<Json> {
  const setting = requireSetting(key);
  const value = fromText(setting, text);
  const why = whyUnfit(setting, value);
  if (why !== undefined) {
    throw new PivotError(`cannot set "${key}" to "${withoutPassword(text)}": ${why}`, {
      code: "bad-setting",
      kind: "usage",
      hint: setting.meaning,
    });
  }
  await edit(projectRoot, (document) => {
    const path = key.split(".");
    const remote = path.slice(0, 2);
    const url = path.length === 3 ? document.getIn(remote) : undefined;
    // A remote that was a URL alone becomes a mapping.
    if (typeof url === "string") document.setIn(remote, document.createNode({ url }));
    document.setIn(path, value);
  });
  return value;
}

/** Removes a value from the file, so that the default holds again. @returns Whether it was there. */
export async function unsetSetting(projectRoot: string, key: string): Promise<boolean> {
  requireSetting(key);
  let removed = false;
  await edit(projectRoot, (document) => removed = document.deleteIn(key.split(".")));
  return removed;
}

function fromText(setting: Setting, text: string): Json {
  switch (setting.type) {
    case "number":
      return Number(text);
    case "flag":
      return text === "true" ? true : text === "false" ? false : text;
    case "modes":
      return text.split(",").map((mode) => mode.trim());
    default:
      return text;
  }
}

interface EditableDocument {
  getIn(path: readonly string[]): unknown;
  createNode(value: unknown): unknown;
  setIn(path: readonly string[], value: unknown): void;
  deleteIn(path: readonly string[]): boolean;
}

async function edit(projectRoot: string, change: (document: EditableDocument) => void): Promise<void> {
  const { isMap, parseDocument } = await import("yaml");
  const path = `${projectRoot}/${CONFIG_FILE}`;
  const text = statPath(path) === undefined ? "" : Deno.readTextFileSync(path);
  if (text.trim() !== "") await parseSettings(text);
  const document: Document = parseDocument(text);
  const before = document.toString();
  // An empty document, or one of comments alone, has nothing to set a key in or to delete one from.
  if (!isMap(document.contents)) document.contents = document.createNode({});
  change(document);
  if (isMap(document.contents) && document.contents.items.length === 0) document.contents = null;
  const after = document.contents === null && text.trim() === "" ? text : document.toString();
  if (after !== before && after !== text) writeDurable(path, after);
}
