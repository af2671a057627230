// What a stage reaches, symbol by symbol: what names are bound to, and which statements act. Invariants: every doubt widens;
// effects of module evaluation count for every stage whose symbols they may change.

import { byCodeUnit, PivotError } from "../core/mod.ts";
import type { Unit } from "./analysis.ts";
import type { Module } from "./modules.ts";
import { type Binding, type Bindings, Collector, type Step } from "./symbol_walk.ts";
import { keyOf, notFound, type Reach, type Ref, refOf, type SymbolGraphOptions } from "./symbols.ts";
import type { Use } from "./uses.ts";

/** Answers what symbols reach. */
export class SymbolGraph implements Bindings {
  readonly #options: SymbolGraphOptions;
  readonly #bindings: Map<string, readonly Binding[]> = new Map();
  readonly #steps: Map<string, Step> = new Map();
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
    const collector = new Collector(this, { ...this.#options, steps: this.#steps });
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
    const collector = new Collector(this, { ...this.#options, steps: this.#steps, tolerant: true });
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
  bindingsOf(ref: Ref & { type: "unit" | "out" }): readonly Binding[] {
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

/** Globals whose use in an effect says nothing about the outside. */
const SAFE_GLOBALS: ReadonlySet<string> = new Set(
  "console Math JSON Object Array Number String Boolean Date RegExp Map Set WeakMap WeakSet Promise Symbol Error TypeError RangeError URL URLSearchParams TextEncoder TextDecoder Intl BigInt undefined NaN Infinity isNaN parseInt parseFloat structuredClone Uint8Array Float64Array arguments"
    .split(" "),
);
