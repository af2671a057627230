// Code identities of stages, warm from the state database where nothing changed. Invariant: a warm answer is given only when every
// file and every configuration that it rests on has the content it had.

import {
  assert,
  byCodeUnit,
  canonicalJson,
  type Digest,
  type FileIndex,
  PivotError,
  type RelPath,
  type StageName,
} from "../core/mod.ts";
import { readDenoConfig, type StageSpec, tasksOf } from "../pipeline/mod.ts";
import { type FileStat, hashText, isRacy, statPath, TICK_MS } from "../sys/mod.ts";
import { ANALYSIS_VERSION } from "./analysis.ts";
import { filesMatching } from "./code_globs.ts";
import { ModuleLoader } from "./modules.ts";
import { CONFIG_FILES, createResolver } from "./resolve.ts";
import { SymbolGraph } from "./symbol_graph.ts";
import { keyOf, type Reach, type Reached } from "./symbols.ts";
import type { AnalysisStore, Fingerprinter, StageCode, SymbolPlace } from "./types.ts";

/** Options of {@linkcode createFingerprinter}. */
export interface FingerprinterOptions {
  readonly projectRoot: string;
  readonly index: FileIndex;
  readonly store: AnalysisStore;
  /** Count `Deno.*` and `node:` by Deno's minor version. @default false */
  readonly runtime?: boolean;
}

/** Identity of Pivot's built-in loaders; grows when one of them reads or writes differently. */
export const LOADER_FORMAT = 1;

interface StoredCode {
  readonly code?: StageCode;
  readonly error?: {
    readonly message: string;
    readonly code: string;
    readonly hint?: string;
    readonly spot?: SymbolPlace["spot"];
  };
}

/** What is known of all stages of one module. */
interface ModuleRecord {
  /** Every file that the answers rest on, with its content; null = was not there. */
  readonly files: readonly (readonly [path: string, digest: Digest | null])[];
  readonly graphDigest: Digest;
  readonly graphFiles: readonly string[];
  readonly codes: Readonly<Record<string, StoredCode>>;
}

/** Places of each stage's symbols; kept apart, since only explanations ask for them. */
type Places = Readonly<Record<string, Readonly<Record<string, SymbolPlace>>>>;

/** Makes a fingerprinter for one project. */
export function createFingerprinter(options: FingerprinterOptions): Fingerprinter {
  return new SourceFingerprinter(options);
}

class SourceFingerprinter implements Fingerprinter {
  readonly #options: FingerprinterOptions;
  readonly #loader: ModuleLoader;
  readonly #records: Map<string, ModuleRecord> = new Map();
  readonly #places: Map<string, Places> = new Map();
  readonly #others: Map<StageName, StageCode> = new Map();

  constructor(options: FingerprinterOptions) {
    this.#options = options;
    this.#loader = new ModuleLoader(options);
  }

  async prepare(stages: readonly StageSpec[]): Promise<void> {
    const byModule = new Map<string, Set<string>>();
    for (const { action } of stages) {
      if (action.type !== "module") continue;
      const names = byModule.get(action.module) ?? new Set();
      byModule.set(action.module, names.add(action.export));
    }
    for (const [module, names] of byModule) await this.#prepareModule(module, names);
    for (const spec of stages) {
      if (spec.action.type !== "module" || spec.code.length > 0) {
        this.#others.set(spec.name, await this.#otherCode(spec));
      }
    }
  }

  codeOf(stage: StageSpec): StageCode {
    const other = this.#others.get(stage.name);
    if (stage.action.type !== "module") {
      assert(other !== undefined, `stage "${stage.name}" was not prepared`);
      return other;
    }
    const { code } = this.#stored(stage.action.module, stage.action.export);
    assert(code !== undefined, `stage "${stage.name}" has no code`);
    return other === undefined ? code : joined(code, other);
  }

  placesOf(stage: StageSpec): ReadonlyMap<string, SymbolPlace> {
    if (stage.action.type !== "module") {
      const symbols = this.#others.get(stage.name)?.symbols ?? {};
      return new Map(Object.keys(symbols).map((key) => [key, { spot: stage.spot, chain: [key] }]));
    }
    const { module, export: name } = stage.action;
    const places = this.#places.get(module) ?? readJson<Places>(this.#options.store, this.#key("places", module));
    return new Map(Object.entries(places?.[name] ?? {}));
  }

  moduleGraph(module: RelPath): { digest: Digest; files: readonly RelPath[] } {
    const record = this.#records.get(module);
    assert(record !== undefined, `module "${module}" was not prepared`);
    return { digest: record.graphDigest, files: record.graphFiles as readonly RelPath[] };
  }

  async prepareGraph(module: RelPath, onStale?: () => Promise<void>): Promise<void> {
    await this.#prepareModule(module, new Set(), onStale);
  }

  graphSettledAt(module: RelPath, timeMs: number): boolean {
    const record = this.#records.get(module);
    return record !== undefined && record.files.every(([path, digest]) => {
      const stat = statPath(path);
      return stat === undefined ? digest === null : digest !== null && isSettled(stat, timeMs);
    });
  }

  #stored(module: string, name: string): StoredCode {
    const stored = this.#records.get(module)?.codes[name];
    assert(stored !== undefined, `"${module}#${name}" was not prepared`);
    if (stored.error === undefined) return stored;
    const { message, code, hint, spot } = stored.error;
    throw new PivotError(message, {
      code,
      kind: "invalid",
      ...(hint === undefined ? {} : { hint }),
      ...(spot === undefined ? {} : { spot }),
    });
  }

  #key(what: "record" | "places", module: string): string {
    return `${what}:${ANALYSIS_VERSION}:${this.#options.runtime === true ? Deno.version.deno : ""}:${module}`;
  }

  async #prepareModule(module: string, names: ReadonlySet<string>, onStale?: () => Promise<void>): Promise<void> {
    const record = this.#records.get(module) ??
      readJson<ModuleRecord>(this.#options.store, this.#key("record", module));
    const covers = record !== undefined && [...names].every((name) => name in record.codes);
    if (covers && record.files.every(([path, digest]) => (this.#loader.digestOf(path) ?? null) === digest)) {
      this.#records.set(module, record);
      return;
    }
    await onStale?.();
    const fresh = await this.#analyse(module, new Set([...names, ...Object.keys(record?.codes ?? {})]));
    this.#records.set(module, fresh.record);
    this.#places.set(module, fresh.places);
    this.#options.store.put(this.#key("record", module), writeJson(fresh.record));
    this.#options.store.put(this.#key("places", module), writeJson(fresh.places));
  }

  async #analyse(module: string, names: ReadonlySet<string>): Promise<{ record: ModuleRecord; places: Places }> {
    const { projectRoot } = this.#options;
    const read = new Map<string, Digest | null>();
    const digestOf = (path: string) => {
      const digest = this.#loader.digestOf(path);
      read.set(path, digest ?? null);
      return digest;
    };
    for (const file of CONFIG_FILES) digestOf(`${projectRoot}/${file}`);
    const resolver = await createResolver({
      projectRoot,
      ownUrl: new URL("../../", import.meta.url).href,
      read: (path) => digestOf(path) === undefined ? undefined : Deno.readTextFileSync(path),
    });
    this.#loader.reset();
    const entry = `${projectRoot}/${module}`;
    const modules = await this.#loader.load(entry, resolver);
    for (const [path, { digest }] of modules) read.set(path, digest);
    const graph = new SymbolGraph({
      modules,
      resolver,
      entry,
      digestOf,
      runtime: this.#options.runtime === true
        ? `deno ${Deno.version.deno.split(".").slice(0, 2).join(".")}`
        : undefined,
      shortPath: (path) => this.#shortPath(path),
      pivotHash: hashText(`pivot loaders ${LOADER_FORMAT}`),
    });
    const found = [...names].map((name) => [name, this.#codeIn(graph, name, resolver.warnings)] as const);
    for (const file of missingTargets(modules, resolver)) read.set(file, null);
    const contents = [...modules].map(([path, { digest }]) => [this.#shortPath(path), digest]).sort((a, b) =>
      byCodeUnit(a[0] ?? "", b[0] ?? "")
    );
    const record = {
      files: [...read],
      graphDigest: hashText(canonicalJson([contents, resolver.digest])),
      graphFiles: [...modules.keys()].map((path) => this.#shortPath(path)),
      codes: Object.fromEntries(found.map(([name, { stored }]) => [name, stored])),
    };
    return { record, places: Object.fromEntries(found.map(([name, { places }]) => [name, places])) };
  }

  #codeIn(graph: SymbolGraph, name: string, warnings: ReadonlySet<string>): FoundCode {
    try {
      return toCode(graph.reach(name), { shortPath: (path) => this.#shortPath(path), warnings: [...warnings] });
    } catch (error) {
      if (!(error instanceof PivotError) || error.kind !== "invalid") throw error;
      const { message, code, hint, spot } = error;
      const broken = {
        message,
        code,
        ...(hint === undefined ? {} : { hint }),
        ...(spot === undefined ? {} : { spot }),
      };
      return { stored: { error: broken }, places: {} };
    }
  }

  #shortPath(path: string): string {
    const root = `${this.#options.projectRoot}/`;
    if (path.startsWith(root)) return path.slice(root.length);
    // Outside the project: relative all the same, so that it does not depend on where the project lies.
    const from = this.#options.projectRoot.split("/");
    const to = path.split("/");
    let shared = 0;
    while (shared < from.length && from[shared] === to[shared]) shared += 1;
    return [...from.slice(shared).map(() => ".."), ...to.slice(shared)].join("/");
  }

  /** Commands, tasks, and files that a stage names as code. */
  async #otherCode(spec: StageSpec): Promise<StageCode> {
    const symbols: Record<string, Digest> = {};
    const { action } = spec;
    if (action.type === "command") symbols[`command:${spec.base}`] = hashText(canonicalJson(action.command));
    if (action.type === "task") {
      const config = await readDenoConfig(this.#options.projectRoot, undefined);
      const tasks = config === undefined ? new Map() : tasksOf(config);
      const pending = [action.task];
      for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
        const task = tasks.get(name);
        if (`task:${name}` in symbols) continue;
        symbols[`task:${name}`] = hashText(canonicalJson([task?.command ?? null, task?.env ?? []]));
        pending.push(...task?.dependencies ?? []);
      }
    }
    for (const path of await filesMatching(this.#options.projectRoot, spec.code)) {
      symbols[`file:${path}`] = this.#loader.digestOf(`${this.#options.projectRoot}/${path}`) ?? hashText("missing");
    }
    return { digest: digestOf(symbols, []), symbols: sorted(symbols), warnings: [] };
  }
}

/** What was worked out about one stage. */
interface FoundCode {
  readonly stored: StoredCode;
  readonly places: Readonly<Record<string, SymbolPlace>>;
}

function readJson<Value>(store: AnalysisStore, key: string): Value | undefined {
  const bytes = store.get(key);
  return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
}

function writeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Whether the file was last written before that time. A tool may set an old mtime on what it writes, but not the ctime, which Deno
 * gives in whole seconds; where both name one second, as after plain writing, the finer one tells.
 */
function isSettled({ kind, ...stamp }: FileStat, timeMs: number): boolean {
  // What a link leads to has stamps of its own.
  if (kind === "symlink" || isRacy(stamp, timeMs)) return false;
  const second = (ms: number) => Math.floor(ms / 1000);
  return stamp.ctimeMs === 0 || second(stamp.ctimeMs) === second(stamp.mtimeMs) ||
    second(stamp.ctimeMs) < second(timeMs - TICK_MS);
}

function missingTargets(
  modules: ReadonlyMap<
    string,
    {
      readonly path: string;
      readonly analysis: { readonly evaluates: readonly { readonly specifier: string }[] } | undefined;
    }
  >,
  resolver: { resolve(specifier: string, from: string): { readonly type: string } },
): string[] {
  const missing: string[] = [];
  for (const { path, analysis } of modules.values()) {
    for (const { specifier } of analysis?.evaluates ?? []) {
      const target = resolver.resolve(specifier, path) as { type: string; path?: string };
      if (target.type === "file" && target.path !== undefined && !modules.has(target.path)) missing.push(target.path);
    }
  }
  return missing;
}

function joined(code: StageCode, other: StageCode): StageCode {
  const symbols = sorted({ ...code.symbols, ...other.symbols });
  return {
    digest: hashText(`${code.digest} ${other.digest}`),
    symbols,
    warnings: [...code.warnings, ...other.warnings],
  };
}

function sorted(symbols: Readonly<Record<string, Digest>>): Record<string, Digest> {
  return Object.fromEntries(Object.entries(symbols).sort(([a], [b]) => byCodeUnit(a, b)));
}

function digestOf(symbols: Readonly<Record<string, Digest>>, effects: readonly string[]): Digest {
  // Lists of texts: this is their canonical JSON.
  return hashText(JSON.stringify([Object.entries(sorted(symbols)), effects]));
}

/** Manifest, digest and places of what a stage reaches. */
function toCode(reach: Reach, about: { shortPath: (path: string) => string; warnings: readonly string[] }): FoundCode {
  const labels = new Map<string, number>();
  for (const { label } of reach.symbols.values()) labels.set(label, (labels.get(label) ?? 0) + 1);
  const keys = new Map<string, string>();
  for (const [key, symbol] of reach.symbols) {
    const repeated = (labels.get(symbol.label) ?? 0) > 1 || symbol.label.startsWith("statement:");
    keys.set(key, repeated && symbol.path !== "" ? `${symbol.label} (${about.shortPath(symbol.path)})` : symbol.label);
  }
  const symbols: Record<string, Digest> = {};
  const identities: Record<string, Digest> = {};
  const places: Record<string, SymbolPlace> = {};
  for (const [key, symbol] of reach.symbols) {
    const shown = keys.get(key) ?? symbol.label;
    symbols[shown] = symbol.hash;
    // Statements count by content and order, not by their number.
    if (!symbol.label.startsWith("statement:")) {
      identities[`${symbol.label} ${about.shortPath(symbol.path)}`] = symbol.hash;
    }
    places[shown] = placeOf(symbol, { reach, keys, shortPath: about.shortPath });
  }
  const effects = reach.effects.map((key) => reach.symbols.get(key)?.hash ?? "");
  return {
    stored: {
      code: {
        digest: digestOf(identities, effects),
        symbols: sorted(symbols),
        warnings: [...about.warnings, ...reach.warnings],
      },
    },
    places,
  };
}

function placeOf(
  symbol: Reached,
  about: { reach: Reach; keys: ReadonlyMap<string, string>; shortPath: (path: string) => string },
): SymbolPlace {
  const chain: string[] = [];
  for (let at: Reached | undefined = symbol; at !== undefined && chain.length < MAX_CHAIN;) {
    chain.unshift(about.keys.get(keyOf(at.ref)) ?? at.label);
    at = at.from === undefined ? undefined : about.reach.symbols.get(at.from);
  }
  if (symbol.path === "") return { chain };
  return { spot: { file: about.shortPath(symbol.path), line: symbol.line, column: symbol.column }, chain };
}

const MAX_CHAIN = 50;
