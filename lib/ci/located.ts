// YAML as values that know their place, so that every finding carries line and column.
// Invariant: aliases are expanded within a bound, so that a small file cannot become a huge plan.

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

/**
 * Parses YAML 1.2 with places.
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
  const bad = (message: string, spot: SourceSpot) =>
    new PivotError(message, { code: "bad-yaml", kind: "invalid", spot });
  if (document.errors.length > 0) {
    const findings = document.errors.map((error) => bad(error.message, spotAt(error.pos[0])));
    throw new PivotFindings(`"${file}" is not valid YAML`, findings);
  }
  let values = 0;
  const convert = (node: unknown, around: SourceSpot): Located => {
    if (++values > MAX_VALUES) throw bad(`more than ${MAX_VALUES} values, aliases expanded`, around);
    const spot = yaml.isNode(node) && node.range ? spotAt(node.range[0]) : around;
    if (yaml.isAlias(node)) return convert(node.resolve(document), spot);
    if (yaml.isSeq(node)) return { kind: "list", spot, items: node.items.map((item) => convert(item, spot)) };
    if (yaml.isMap(node)) {
      const entries = node.items.map((pair): [string, LocatedEntry] => {
        const key = convert(pair.key, spot);
        if (key.kind !== "scalar") throw bad("a key must be a text", key.spot);
        return [String(key.value), { spot: key.spot, value: convert(pair.value, key.spot) }];
      });
      return { kind: "map", spot, entries: new Map(entries) };
    }
    const value: unknown = yaml.isScalar(node) ? node.value : null;
    return { kind: "scalar", spot, value: isPlain(value) ? value : String(value) };
  };
  return convert(document.contents, { file, line: 1, column: 1 });
}

function isPlain(value: unknown): value is string | number | boolean | null {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}
