// YAML as values that know their place, so that every finding carries line and column.
// Invariant: aliases are expanded within a bound, so that a small file cannot become a huge plan.

import type { Alias, Document, Scalar, YAMLMap } from "yaml";
import { PivotError, PivotFindings, type SourceSpot } from "../core/mod.ts";

/** A value with its place. */
export type Located =
  | { readonly kind: "map"; readonly spot: SourceSpot; readonly entries: ReadonlyMap<string, LocatedEntry> }
  | { readonly kind: "list"; readonly spot: SourceSpot; readonly items: readonly Located[] }
  | { readonly kind: "scalar"; readonly spot: SourceSpot; readonly value: string | number | boolean | null };

/** A mapping's entry: where its key stands, and its value. */
export interface LocatedEntry {
  readonly spot: SourceSpot;
  readonly value: Located;
}

const MAX_VALUES = 50_000;

/** What the parser says to programmers, in words for people. */
const PLAINER: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: "the file has more than one document; a pipeline is one",
  DUPLICATE_KEY: "the key is given twice; keys must be unique",
  TAB_AS_INDENT: "tabs cannot indent; use spaces",
  RESOURCE_EXHAUSTION: "this is nested too deeply",
};

/**
 * Parses YAML 1.2 with places. Anchors work, and so do merge keys (`<<`).
 *
 * @throws {PivotFindings} with line and column of each syntax error.
 */
export async function parseLocated(text: string, file: string): Promise<Located> {
  const yaml = await import("yaml");
  const counter = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const spotAt = (offset: number): SourceSpot => {
    const { line, col } = counter.linePos(offset);
    return { file, line, column: col };
  };
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    const findings = wrong.map((error) => badYaml(PLAINER[error.code] ?? error.message, spotAt(error.pos[0])));
    throw new PivotFindings(`"${file}" is not valid YAML`, findings);
  }
  return new Converter(yaml, document, { spotAt, file }).convert(document.contents, { file, line: 1, column: 1 });
}

function badYaml(message: string, spot: SourceSpot): PivotError {
  return new PivotError(message, { code: "bad-yaml", kind: "invalid", spot });
}

type Yaml = typeof import("yaml");

/** Turns the parser's nodes into located values. */
class Converter {
  readonly #yaml: Yaml;
  readonly #document: Document;
  readonly #at: { readonly spotAt: (offset: number) => SourceSpot; readonly file: string };
  /** Nodes that aliases lead to and that are being converted. */
  readonly #open = new Set<unknown>();
  #values = 0;

  constructor(
    yaml: Yaml,
    document: Document,
    at: { readonly spotAt: (offset: number) => SourceSpot; readonly file: string },
  ) {
    this.#yaml = yaml;
    this.#document = document;
    this.#at = at;
  }

  convert(node: unknown, around: SourceSpot): Located {
    if (++this.#values > MAX_VALUES) throw this.#whole(`more than ${MAX_VALUES} values, aliases expanded`, around);
    const yaml = this.#yaml;
    const spot = yaml.isNode(node) && node.range ? this.#at.spotAt(node.range[0]) : around;
    if (yaml.isAlias(node)) return this.#alias(node, spot);
    if (yaml.isSeq(node)) {
      return this.#inside(node, spot, () => ({
        kind: "list",
        spot,
        items: node.items.map((item) => this.convert(item, spot)),
      }));
    }
    if (yaml.isMap(node)) {
      return this.#inside(node, spot, () => ({ kind: "map", spot, entries: this.#entries(node, spot) }));
    }
    return { kind: "scalar", spot, value: yaml.isScalar(node) ? valueOf(node) : null };
  }

  #alias(node: Alias, spot: SourceSpot): Located {
    const target = node.resolve(this.#document);
    if (target !== undefined) return this.convert(target, spot);
    throw this.#whole(`there is no anchor "&${node.source}" above`, spot);
  }

  /** An alias inside of what it names would have no end. */
  #inside(node: unknown, spot: SourceSpot, make: () => Located): Located {
    if (this.#open.has(node)) throw this.#whole("an alias leads to what it is part of", spot);
    this.#open.add(node);
    try {
      return make();
    } finally {
      this.#open.delete(node);
    }
  }

  #entries(node: YAMLMap, spot: SourceSpot): Map<string, LocatedEntry> {
    const own = new Map<string, LocatedEntry>();
    const merged = new Map<string, LocatedEntry>();
    for (const pair of node.items) {
      const key = this.convert(pair.key, spot);
      if (key.kind !== "scalar") throw this.#whole("a key must be a text", key.spot);
      const value = this.convert(pair.value, key.spot);
      if (key.value === "<<") this.#merge(value, merged);
      else own.set(String(key.value), { spot: key.spot, value });
    }
    // What stands there itself wins; of several maps that are merged, the first.
    for (const [name, entry] of merged) if (!own.has(name)) own.set(name, entry);
    return own;
  }

  #merge(value: Located, into: Map<string, LocatedEntry>): void {
    for (const each of value.kind === "list" ? value.items : [value]) {
      if (each.kind !== "map") throw this.#whole(`"<<" merges mappings, as in "<<: *anchor"`, each.spot);
      for (const [name, entry] of each.entries) if (!into.has(name)) into.set(name, entry);
    }
  }

  #whole(message: string, spot: SourceSpot): PivotFindings {
    return new PivotFindings(`"${this.#at.file}" is not valid YAML`, [badYaml(message, spot)]);
  }
}

/** A number stays as it is written: 1.10 is a version, and not 1.1. */
function valueOf({ value, source }: Scalar): string | number | boolean | null {
  if (typeof value === "number" && source !== undefined) return source;
  return value === null || typeof value === "string" || typeof value === "boolean" ? value : String(value);
}
