// Reads fields of located YAML and gathers what is wrong. Invariant: a key that nobody reads is a finding; `((name))` in
// any text is replaced, and a name without a value is a finding.

import { nearest, PivotError, type SourceSpot } from "../core/mod.ts";
import type { Located } from "./located.ts";

/** Values for `((name))`. */
export type Variables = Readonly<Record<string, string>>;

/** A mapping whose keys were checked. */
export type Fields = ReadonlyMap<string, Located>;

/** Gathers findings while reading. */
export class Reader {
  readonly findings: PivotError[] = [];
  /** Variables that were put in somewhere. */
  readonly used = new Set<string>();
  /** Places of what is of the wrong kind: what is missing in it is not told as well. */
  readonly #hopeless = new Set<SourceSpot>();

  /** Notes what is wrong at a place. */
  report(spot: SourceSpot, message: string, hint?: string): void {
    const code = "bad-pipeline";
    // A step under "across" is read once per combination.
    if (this.findings.some((told) => told.spot === spot && told.message === message)) return;
    this.findings.push(
      new PivotError(message, { code, kind: "invalid", spot, ...(hint === undefined ? {} : { hint }) }),
    );
  }

  /** Whether a place was found to be of the wrong kind. */
  isHopeless(spot: SourceSpot): boolean {
    return this.#hopeless.has(spot);
  }

  #wrongKind(node: Located, what: string, wanted: string, hint?: string): void {
    this.#hopeless.add(node.spot);
    const is = isEmpty(node)
      ? "empty"
      : node.kind === "scalar"
      ? "a text"
      : node.kind === "list"
      ? "a list"
      : "a mapping";
    this.report(node.spot, `${what} is ${is}, not ${wanted}`, hint);
  }

  /** The fields of a mapping; others than `known` are findings, and those in `unsupported` say so. */
  fields(
    node: Located,
    what: string,
    known: readonly string[],
    unsupported: readonly string[] = [],
    hint = `write { ${known[0]}: … }`,
  ): Fields {
    if (node.kind !== "map") {
      this.#wrongKind(node, what, "a mapping", hint);
      return new Map();
    }
    const fields = new Map<string, Located>();
    for (const [key, { spot, value }] of node.entries) {
      if (known.includes(key)) fields.set(key, value);
      else if (unsupported.includes(key)) this.report(spot, `"${key}" of ${what} is not supported`);
      else {
        const meant = nearest(key, known);
        const hint = meant === undefined ? `known are ${known.join(", ")}` : `did you mean "${meant}"?`;
        this.report(spot, `unknown key "${key}" in ${what}`, hint);
      }
    }
    return fields;
  }

  /** The items of a list that may be left out or empty, as where all of its lines are comments. */
  optionalItems(node: Located | undefined, what: string): readonly Located[] {
    return isEmpty(node) ? [] : this.items(node, what);
  }

  /** The items of a list; none if absent. */
  items(node: Located | undefined, what: string): readonly Located[] {
    if (node === undefined) return [];
    if (node.kind === "list") return node.items;
    this.#wrongKind(node, what, "a list", "write each item on a line of its own, after a dash, or [a, b]");
    return [];
  }

  /** A text, variables replaced; numbers and flags as they are written. */
  text(node: Located | undefined, what: string, variables: Variables): string | undefined {
    if (node === undefined) return undefined;
    if (node.kind !== "scalar" || node.value === null) {
      this.#wrongKind(node, what, "a text");
      return undefined;
    }
    if (String(node.value).includes("\0")) this.report(node.spot, `${what} has a NUL in it, which no program can take`);
    return String(node.value).replace(/\(\(([\p{L}\w./:-]+)\)\)/gu, (whole, name: string) => {
      this.used.add(name);
      if (Object.hasOwn(variables, name)) return variables[name] ?? "";
      const meant = Object.hasOwn(variables, `.:${name}`) ? `.:${name}` : nearest(name, Object.keys(variables));
      const hint = meant === undefined ? `give it with --param ${name}=VALUE` : `did you mean "${meant}"?`;
      this.report(node.spot, `"${name}" has no value`, hint);
      return whole;
    });
  }

  /** A text as it is written. */
  plain(node: Located | undefined, what: string): string | undefined {
    if (node === undefined || node.kind === "scalar" && node.value !== null) return node && String(node.value);
    this.#wrongKind(node, what, "a text");
    return undefined;
  }

  /** A text that must be there and not be empty. */
  required(node: Located | undefined, what: string, at: { spot: SourceSpot; variables: Variables }): string {
    const text = this.text(node, what, at.variables);
    if (this.#hopeless.has(at.spot)) return text ?? "";
    if (text === "" || (text === undefined && node === undefined)) {
      this.report(node?.spot ?? at.spot, `${what} is missing`);
    }
    return text ?? "";
  }

  /** A whole number of `1` or more; undefined if absent or wrong. */
  count(node: Located | undefined, what: string, variables: Variables): number | undefined {
    const text = this.text(node, what, variables);
    if (node === undefined || text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : 0;
    if (Number.isSafeInteger(value) && value >= 1) return value;
    this.report(node.spot, `${what} is "${text}", not a whole number of 1 or more`);
    return undefined;
  }

  /** A flag. */
  flag(node: Located | undefined, what: string): boolean {
    if (node === undefined) return false;
    if (node.kind === "scalar" && typeof node.value === "boolean") return node.value;
    this.report(node.spot, `${what} is neither true nor false`, "write true or false, without quotes");
    return false;
  }

  /** Names to texts. */
  environment(node: Located | undefined, what: string, variables: Variables): Record<string, string> {
    if (node === undefined || isEmpty(node)) return {};
    if (node.kind !== "map") {
      this.#wrongKind(node, what, "a mapping", "write { NAME: value }");
      return {};
    }
    return Object.fromEntries([...node.entries].map(([name, { spot, value }]) => {
      if (!/^[^=\0]+$/.test(name)) this.report(spot, `"${name}" cannot name a variable`);
      return [name, isEmpty(value) ? "" : this.text(value, `"${name}" of ${what}`, variables) ?? ""];
    }));
  }
}

function isEmpty(node: Located | undefined): boolean {
  return node?.kind === "scalar" && node.value === null;
}
