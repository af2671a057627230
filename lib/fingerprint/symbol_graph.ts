// What a stage reaches, symbol by symbol. Invariants: every doubt widens; a symbol's hash covers its own text and what each of
// its free names is bound to; effects of module evaluation count for every stage whose symbols they may change.

import { byCodeUnit, type Digest, PivotError } from "../core/mod.ts";
import { hashText } from "../sys/mod.ts";
import type { Unit } from "./analysis.ts";
import type { Module } from "./modules.ts";
import type { Resolver, Target } from "./resolve.ts";
import type { Use } from "./uses.ts";

/** Something that a name can stand for. */
export type Ref =
  | { readonly type: "unit"; readonly path: string; readonly at: number }
  /** What one output of a stage brings along: its loader. */
  | { readonly type: "out"; readonly path: string; readonly at: number; readonly out: string }
  | { readonly type: "namespace"; readonly path: string }
  | { readonly type: "data"; readonly path: string }
  | { readonly type: "file"; readonly path: string }
  | { readonly type: "package"; readonly id: string; readonly hash: Digest }
  | { readonly type: "builtin"; readonly id: string }
  | { readonly type: "pivot" }
  | { readonly type: "global"; readonly name: string };

/** One reached symbol. */
export interface Reached {
  readonly ref: Ref;
  /** Kind and name for the manifest: `function:normalise`. */
  readonly label: string;
  /** Path of the file it stands in; empty for packages. */
  readonly path: string;
  readonly hash: Digest;
  readonly line: number;
  readonly column: number;
  /** Key of the symbol that led here; absent for the start. */
  readonly from: string | undefined;
}

/** What a stage reaches. */
export interface Reach {
  readonly symbols: ReadonlyMap<string, Reached>;
  /** Keys of included effects, in the order of evaluation. */
  readonly effects: readonly string[];
  readonly warnings: readonly string[];
}

/** Options of {@linkcode SymbolGraph}. */
export interface SymbolGraphOptions {
  readonly modules: ReadonlyMap<string, Module>;
  readonly resolver: Resolver;
  readonly entry: string;
  /** Content of a file that code names by URL. */
  readonly digestOf: (path: string) => Digest | undefined;
  /** Count `Deno.*` and `node:` by Deno's minor version. */
  readonly runtime: string | undefined;
  readonly shortPath: (path: string) => string;
  /** Identity of Pivot's own loaders. */
  readonly pivotHash: Digest;
}

/** Answers what symbols reach. */
export class SymbolGraph {
  readonly #options: SymbolGraphOptions;
  readonly #bindings: Map<string, readonly { use: Use; refs: readonly Ref[] }[]> = new Map();
  #effects: readonly EffectUnit[] | undefined;

  constructor(options: SymbolGraphOptions) {
    this.#options = options;
  }

  /**
   * Everything that can change what the export `name` of the entry module does.
   *
   * @throws {PivotError} `syntax-error`, `module-not-found` if a reached module is broken.
   */
  reach(name: string): Reach {
    const collector = new Collector(this, this.#options);
    const start = this.#exportOf(this.#options.entry, name, new Set());
    if (start === undefined) throw this.#missingExport(this.#options.entry, name);
    for (const ref of start) collector.visit(ref, undefined);
    const effects = this.#includeEffects(collector);
    return { symbols: collector.symbols, effects, warnings: [...collector.warnings] };
  }

  #missingExport(path: string, name: string): PivotError {
    const broken = this.#options.modules.get(path)?.error;
    if (broken !== undefined) return broken;
    const file = this.#options.shortPath(path);
    return new PivotError(`"${file}" exports no "${name}"`, {
      code: "export-not-found",
      kind: "invalid",
      spot: { file },
    });
  }

  /** Effects that may change something already reached, and what they reach, until nothing is added. */
  #includeEffects(collector: Collector): string[] {
    this.#effects ??= this.#findEffects();
    const included = new Set<EffectUnit>();
    for (let grown = true; grown;) {
      grown = false;
      for (const effect of this.#effects) {
        if (included.has(effect) || !this.#touches(effect, collector)) continue;
        included.add(effect);
        collector.visit(effect.ref, undefined);
        grown = true;
      }
    }
    return this.#effects.filter((effect) => included.has(effect)).map((effect) => keyOf(effect.ref));
  }

  #touches(effect: EffectUnit, collector: Collector): boolean {
    if (effect.always || collector.symbols.has(keyOf(effect.ref))) return true;
    for (const key of effect.changes) if (collector.symbols.has(key)) return true;
    return false;
  }

  #findEffects(): EffectUnit[] {
    const found: EffectUnit[] = [];
    for (const module of this.#evaluationOrder()) {
      for (const [at, unit] of module.analysis?.units.entries() ?? []) {
        if (unit.acts) found.push(this.#effectOf({ type: "unit", path: module.path, at }));
      }
    }
    return found;
  }

  #effectOf(ref: Ref & { type: "unit" }): EffectUnit {
    const collector = new Collector(this, { ...this.#options, tolerant: true });
    collector.visit(ref, undefined);
    const changes = new Set<string>();
    let always = collector.opaque;
    for (const { ref: reached } of collector.symbols.values()) {
      if (reached.type !== "unit") continue;
      for (const { use, refs } of this.bindingsOf(reached)) {
        if (use.effect === "read") continue;
        for (const target of refs) {
          if (target.type === "global") always ||= use.effect === "write" || !SAFE_GLOBALS.has(target.name);
          else if (target.type !== "unit") changes.add(keyOf(target));
          else if (use.effect === "write" || this.unitOf(target)?.stateful === true) changes.add(keyOf(target));
        }
      }
    }
    return { ref, changes, always };
  }

  /** Depth first over static imports, as the language evaluates them. */
  #evaluationOrder(): Module[] {
    const order: Module[] = [];
    const seen = new Set<string>();
    const visit = (path: string): void => {
      if (seen.has(path)) return;
      seen.add(path);
      const module = this.#options.modules.get(path);
      for (const { specifier } of module?.analysis?.evaluates ?? []) {
        const target = this.#options.resolver.resolve(specifier, path);
        if (target.type === "file") visit(target.path);
      }
      if (module !== undefined) order.push(module);
    };
    visit(this.#options.entry);
    return order;
  }

  unitOf(ref: Ref & { path: string; at: number }): Unit | undefined {
    return this.#options.modules.get(ref.path)?.analysis?.units[ref.at];
  }

  /** What each free name of a unit stands for. */
  bindingsOf(ref: Ref & { type: "unit" | "out" }): readonly { use: Use; refs: readonly Ref[] }[] {
    const key = keyOf(ref);
    const known = this.#bindings.get(key);
    if (known !== undefined) return known;
    const unit = this.unitOf(ref);
    const uses = ref.type === "out" ? unit?.outs?.[ref.out]?.uses : unit?.uses;
    const found = [...uses ?? []]
      .sort((a, b) => byCodeUnit(`${a.name} ${a.member}`, `${b.name} ${b.member}`))
      .map((use) => ({ use, refs: this.#lookUp(ref.path, use) }));
    this.#bindings.set(key, found);
    return found;
  }

  #lookUp(path: string, use: Use): readonly Ref[] {
    const analysis = this.#options.modules.get(path)?.analysis;
    const local =
      analysis?.units.flatMap((unit, at) =>
        unit.names.includes(use.name) ? [{ type: "unit" as const, path, at }] : []
      ) ?? [];
    if (local.length > 0) return local.flatMap((ref) => this.#narrow(ref, use));
    const imported = analysis?.imports.find((each) => each.local === use.name);
    if (imported === undefined) return [{ type: "global", name: use.name }];
    const target = this.#options.resolver.resolve(imported.specifier, path);
    if (target.type !== "file") return [refOf(target)];
    if (imported.as !== undefined || !this.#isModule(target.path)) return [{ type: "data", path: target.path }];
    if (imported.imported === "*") {
      const [member] = use.member.split(".");
      if (member === undefined || member === "") return [{ type: "namespace", path: target.path }];
      return this.#exportOf(target.path, member, new Set()) ?? [{ type: "namespace", path: target.path }];
    }
    const refs = this.#exportOf(target.path, imported.imported, new Set());
    if (refs === undefined) throw this.#missingExport(target.path, imported.imported);
    return refs.flatMap((ref) => ref.type === "unit" ? this.#narrow(ref, use) : [ref]);
  }

  /** `prepare.outs.clean` reaches that output's loader, not what prepare runs. */
  #narrow(ref: Ref & { type: "unit" }, use: Use): Ref[] {
    const outs = this.unitOf(ref)?.outs;
    const [first, name] = use.member.split(".");
    if (outs === undefined || first !== "outs") return [ref];
    const wanted = name !== undefined && name in outs ? [name] : Object.keys(outs);
    return wanted.map((out) => ({ type: "out", path: ref.path, at: ref.at, out }));
  }

  #isModule(path: string): boolean {
    const module = this.#options.modules.get(path);
    if (module === undefined) throw notFound(this.#options.shortPath(path));
    return module.analysis !== undefined || module.error !== undefined;
  }

  /** What an export stands for; undefined if there is none of that name. */
  #exportOf(path: string, name: string, seen: Set<string>): readonly Ref[] | undefined {
    const key = `${path}#${name}`;
    if (seen.has(key)) return undefined;
    seen.add(key);
    const module = this.#options.modules.get(path);
    if (module === undefined) throw notFound(this.#options.shortPath(path));
    if (module.error !== undefined) throw module.error;
    const { analysis } = module;
    if (analysis === undefined) return [{ type: "data", path }];
    const own = analysis.exports.find((each) => each.name === name);
    if (own !== undefined) {
      if ("local" in own) return this.#lookUp(path, { name: own.local, member: "", effect: "read" });
      return this.#throughSpecifier(path, own, seen);
    }
    if (name === "default") return undefined;
    for (const specifier of analysis.stars) {
      const found = this.#throughSpecifier(path, { specifier, imported: name }, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #throughSpecifier(
    path: string,
    from: { readonly specifier: string; readonly imported: string; readonly as?: string },
    seen: Set<string>,
  ): readonly Ref[] | undefined {
    const target = this.#options.resolver.resolve(from.specifier, path);
    if (target.type !== "file") return [refOf(target)];
    if (from.as !== undefined) return [{ type: "data", path: target.path }];
    return from.imported === "*"
      ? [{ type: "namespace", path: target.path }]
      : this.#exportOf(target.path, from.imported, seen);
  }
}

interface EffectUnit {
  readonly ref: Ref & { type: "unit" };
  /** Keys of symbols that it may change. */
  readonly changes: ReadonlySet<string>;
  /** It reaches out to the world, so it counts for every stage. */
  readonly always: boolean;
}

function notFound(file: string): PivotError {
  return new PivotError(`module "${file}" is not there`, {
    code: "module-not-found",
    kind: "invalid",
    spot: { file },
    hint: "correct the import, or create the file",
  });
}

function refOf(target: Exclude<Target, { type: "file" }>): Ref {
  return target.type === "unknown"
    ? { type: "package", id: target.specifier, hash: hashText(target.specifier) }
    : target;
}

/** Identity of a reference within one graph. */
export function keyOf(ref: Ref): string {
  switch (ref.type) {
    case "unit":
      return `unit ${ref.path} ${ref.at}`;
    case "out":
      return `out ${ref.path} ${ref.at} ${ref.out}`;
    case "package":
    case "builtin":
      return `${ref.type} ${ref.id}`;
    case "pivot":
      return "pivot";
    case "global":
      return `global ${ref.name}`;
    default:
      return `${ref.type} ${ref.path}`;
  }
}

/** Globals whose use in an effect says nothing about the outside. */
const SAFE_GLOBALS: ReadonlySet<string> = new Set(
  "console Math JSON Object Array Number String Boolean Date RegExp Map Set WeakMap WeakSet Promise Symbol Error TypeError RangeError URL URLSearchParams TextEncoder TextDecoder Intl BigInt undefined NaN Infinity isNaN parseInt parseFloat structuredClone Uint8Array Float64Array arguments"
    .split(" "),
);

/** Walks from symbol to symbol. */
class Collector {
  readonly symbols: Map<string, Reached> = new Map();
  readonly warnings: Set<string> = new Set();
  opaque = false;
  readonly #graph: SymbolGraph;
  readonly #options: SymbolGraphOptions & { readonly tolerant?: boolean };

  constructor(graph: SymbolGraph, options: SymbolGraphOptions & { readonly tolerant?: boolean }) {
    this.#graph = graph;
    this.#options = options;
  }

  visit(start: Ref, from: string | undefined): void {
    const pending: { ref: Ref; from: string | undefined }[] = [{ ref: start, from }];
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const key = keyOf(next.ref);
      if (this.symbols.has(key) || !this.#counts(next.ref)) continue;
      const step = this.#guarded(next.ref, next.from);
      if (step === undefined) continue;
      if (step.reached !== undefined) this.symbols.set(key, step.reached);
      for (const ref of step.next) pending.push({ ref, from: step.reached === undefined ? next.from : key });
    }
  }

  #counts(ref: Ref): boolean {
    if (ref.type === "builtin") return this.#options.runtime !== undefined;
    if (ref.type === "global") return ref.name === "Deno" && this.#options.runtime !== undefined;
    return true;
  }

  #guarded(ref: Ref, from: string | undefined): { reached?: Reached; next: readonly Ref[] } | undefined {
    try {
      return this.#step(ref, from);
    } catch (error) {
      // Looking at an effect must not fail for what the stage itself does not reach.
      if (this.#options.tolerant === true && error instanceof PivotError) return undefined;
      throw error;
    }
  }

  #step(ref: Ref, from: string | undefined): { reached?: Reached; next: readonly Ref[] } {
    const fixed = (label: string, path: string, hash: Digest) => ({
      reached: { ref, label, path, hash, line: 1, column: 1, from },
      next: [],
    });
    switch (ref.type) {
      case "unit":
      case "out":
        return this.#unit(ref, from);
      case "namespace":
        return { next: this.#wholeModule(ref.path) };
      case "data":
        return fixed(
          `json:${this.#options.shortPath(ref.path)}`,
          ref.path,
          this.#options.modules.get(ref.path)?.digest ?? hashText(""),
        );
      case "file":
        return fixed(
          `file:${this.#options.shortPath(ref.path)}`,
          ref.path,
          this.#options.digestOf(ref.path) ?? hashText("missing"),
        );
      case "package":
        return fixed(ref.id.startsWith("http") ? `https:${ref.id.replace(/^https?:/, "")}` : ref.id, "", ref.hash);
      case "builtin":
      case "global":
        return fixed(`runtime:${this.#options.runtime ?? ""}`, "", hashText(this.#options.runtime ?? ""));
      case "pivot":
        return fixed("pivot:loaders", "", this.#options.pivotHash);
    }
  }

  /** All units of a module, and of what it re-exports. */
  #wholeModule(path: string): Ref[] {
    const module = this.#options.modules.get(path);
    if (module === undefined) throw notFound(this.#options.shortPath(path));
    if (module.error !== undefined) throw module.error;
    if (module.analysis === undefined) return [{ type: "data", path }];
    const { units, exports, stars } = module.analysis;
    const outside = [
      ...stars,
      ...exports.flatMap((each) => "specifier" in each ? [each.specifier] : []),
    ].map((specifier) => this.#options.resolver.resolve(specifier, path));
    return [
      ...units.map((_, at): Ref => ({ type: "unit", path, at })),
      ...outside.map((target): Ref =>
        target.type === "file" ? { type: "namespace", path: target.path } : refOf(target)
      ),
    ];
  }

  #unit(ref: Ref & { type: "unit" | "out" }, from: string | undefined): { reached: Reached; next: Ref[] } {
    const unit = this.#graph.unitOf(ref);
    if (unit === undefined) throw notFound(this.#options.shortPath(ref.path));
    const bindings = this.#graph.bindingsOf(ref);
    const own = ref.type === "out" ? unit.outs?.[ref.out]?.hash ?? "" : unit.hash;
    const bound = bindings.map(({ use, refs }) =>
      `${use.name} ${use.member} ${refs.map((each) => this.#identity(each)).join(",")}`
    );
    const name = unit.names.join(",") || `statement ${this.#statementNumber(ref)}`;
    const label = ref.type === "out"
      ? `${unit.kind}:${name}.outs.${ref.out}`
      : `${unit.names.length === 0 ? "statement" : unit.kind}:${name}`;
    return {
      reached: {
        ref,
        label,
        path: ref.path,
        hash: hashText([own, ...bound].join("\n")),
        line: unit.line,
        column: unit.column,
        from,
      },
      next: [...bindings.flatMap(({ refs }) => refs), ...(ref.type === "unit" ? this.#further(ref, unit) : [])],
    };
  }

  /** Position among the module's statements: stable when lines move. */
  #statementNumber(ref: { path: string; at: number }): number {
    const units = this.#options.modules.get(ref.path)?.analysis?.units ?? [];
    return units.slice(0, ref.at + 1).filter((unit) => unit.names.length === 0).length;
  }

  /** Names of units, not their positions: moving a declaration changes nothing. */
  #identity(ref: Ref): string {
    if (ref.type !== "unit" && ref.type !== "out") {
      return ref.type === "package" ? `package ${ref.id}` : keyOf(ref).replace(
        ` ${"path" in ref ? ref.path : ""}`,
        ` ${"path" in ref ? this.#options.shortPath(ref.path) : ""}`,
      );
    }
    const names = this.#graph.unitOf(ref)?.names.join(",") ?? "";
    return `${this.#options.shortPath(ref.path)}#${names}${ref.type === "out" ? `.outs.${ref.out}` : ""}`;
  }

  #further(ref: Ref & { type: "unit" }, unit: Unit): Ref[] {
    const file = this.#options.shortPath(ref.path);
    const found: Ref[] = [];
    for (const specifier of unit.dynamicImports) {
      const target = this.#options.resolver.resolve(specifier, ref.path);
      found.push(target.type === "file" ? { type: "namespace", path: target.path } : refOf(target));
    }
    for (const url of unit.urls) {
      found.push({ type: "file", path: decodeURIComponent(new URL(url, `file://${encodeURI(ref.path)}`).pathname) });
    }
    for (const why of unit.opaque) {
      this.opaque = true;
      if (why.startsWith("import()")) {
        this.warnings.add(`"${file}" line ${unit.line} uses ${why}, so every module of the project counts`);
        for (const path of this.#options.modules.keys()) found.push({ type: "namespace", path });
      } else {
        this.warnings.add(`"${file}" line ${unit.line} uses ${why}, so the whole module counts`);
        found.push({ type: "namespace", path: ref.path });
      }
    }
    return found;
  }
}
