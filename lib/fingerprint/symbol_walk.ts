// The walk from symbol to symbol. Invariants: each symbol is visited once and remembers who led there; a symbol's hash covers its
// own text and what each of its free names is bound to; what symbols cannot tell widens to the whole module.

import { type Digest, PivotError } from "../core/mod.ts";
import { hashText } from "../sys/mod.ts";
import type { Unit } from "./analysis.ts";
import { keyOf, notFound, type Reached, type Ref, refOf, type SymbolGraphOptions } from "./symbols.ts";
import type { Use } from "./uses.ts";

/** One use of a free name, and what the name stands for there. */
export interface Binding {
  readonly use: Use;
  readonly refs: readonly Ref[];
}

/** What the walk asks of the graph. */
export interface Bindings {
  unitOf(ref: Ref & { path: string; at: number }): Unit | undefined;
  bindingsOf(ref: Ref & { type: "unit" | "out" }): readonly Binding[];
}

/** One symbol and what it leads to: the same for every stage that reaches it. */
export interface Step {
  /** Absent for what only stands for others. */
  readonly reached?: Omit<Reached, "from">;
  readonly next: readonly Ref[];
  /** Symbols cannot tell what it does, so more than it names counts. */
  readonly opaque?: boolean;
  readonly warnings?: readonly string[];
}

/** Options of {@linkcode Collector}. */
export interface CollectorOptions extends SymbolGraphOptions {
  /** Steps that were worked out before, for all walks over one graph. */
  readonly steps: Map<string, Step>;
  /** Pass over what is broken. @default false */
  readonly tolerant?: boolean;
}

/** Walks from symbol to symbol. */
export class Collector {
  readonly symbols: Map<string, Reached> = new Map();
  readonly warnings: Set<string> = new Set();
  opaque = false;
  readonly #graph: Bindings;
  readonly #options: CollectorOptions;

  constructor(graph: Bindings, options: CollectorOptions) {
    this.#graph = graph;
    this.#options = options;
  }

  visit(start: Ref, from: string | undefined): void {
    const pending: { ref: Ref; from: string | undefined }[] = [{ ref: start, from }];
    for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
      const key = keyOf(next.ref);
      if (this.symbols.has(key) || !this.#counts(next.ref)) continue;
      const step = this.#options.steps.get(key) ?? this.#guarded(next.ref);
      if (step === undefined) continue;
      this.#options.steps.set(key, step);
      if (step.opaque === true) this.opaque = true;
      for (const warning of step.warnings ?? []) this.warnings.add(warning);
      if (step.reached !== undefined) this.symbols.set(key, { ...step.reached, from: next.from });
      for (const ref of step.next) pending.push({ ref, from: step.reached === undefined ? next.from : key });
    }
  }

  #counts(ref: Ref): boolean {
    if (ref.type === "builtin") return this.#options.runtime !== undefined;
    if (ref.type === "global") return ref.name === "Deno" && this.#options.runtime !== undefined;
    return true;
  }

  #guarded(ref: Ref): Step | undefined {
    try {
      return this.#step(ref);
    } catch (error) {
      // Looking at an effect must not fail for what the stage itself does not reach.
      if (this.#options.tolerant === true && error instanceof PivotError) return undefined;
      throw error;
    }
  }

  #step(ref: Ref): Step {
    const fixed = (label: string, path: string, hash: Digest) => ({
      reached: { ref, label, path, hash, line: 1, column: 1 },
      next: [],
    });
    switch (ref.type) {
      case "unit":
      case "out":
        return this.#unit(ref);
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

  #unit(ref: Ref & { type: "unit" | "out" }): Step {
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
    const further = ref.type === "unit" ? this.#further(ref, unit) : { next: [] };
    return {
      ...further,
      reached: {
        ref,
        label,
        path: ref.path,
        hash: hashText([own, ...bound].join("\n")),
        line: unit.line,
        column: unit.column,
      },
      next: [...bindings.flatMap(({ refs }) => refs), ...further.next],
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

  #further(ref: Ref & { type: "unit" }, unit: Unit): Step {
    const file = this.#options.shortPath(ref.path);
    const found: Ref[] = [];
    const warnings: string[] = [];
    for (const specifier of unit.dynamicImports) {
      const target = this.#options.resolver.resolve(specifier, ref.path);
      found.push(target.type === "file" ? { type: "namespace", path: target.path } : refOf(target));
    }
    for (const url of unit.urls) {
      found.push({ type: "file", path: decodeURIComponent(new URL(url, `file://${encodeURI(ref.path)}`).pathname) });
    }
    for (const why of unit.opaque) {
      if (why.startsWith("import()")) {
        warnings.push(`"${file}" line ${unit.line} uses ${why}, so every module of the project counts`);
        for (const path of this.#options.modules.keys()) found.push({ type: "namespace", path });
      } else {
        warnings.push(`"${file}" line ${unit.line} uses ${why}, so the whole module counts`);
        found.push({ type: "namespace", path: ref.path });
      }
    }
    return { next: found, opaque: unit.opaque.length > 0, warnings };
  }
}
