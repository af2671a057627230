// Values of metric files and parameters as flat rows, and how they are shown. Invariant: whatever the value, the text shown is
// one line that a person can read; never `undefined`, `NaN` or an object's default text.

import { isJsonObject, type Json } from "../core/mod.ts";

/** Leaves of a value by dotted key; lists are leaves. */
export type FlatValues = ReadonlyMap<string, Json>;

/**
 * Flattens mappings: `{ a: { b: 1 } }` gives `a.b`. A value that is no mapping has the key "". Where dots in names would make
 * two keys one, the second is quoted.
 */
export function flatten(value: Json): FlatValues {
  const flat = new Map<string, Json>();
  const visit = (each: Json, path: readonly string[]): void => {
    if (isJsonObject(each) && Object.keys(each).length > 0) {
      for (const [name, inner] of Object.entries(each)) visit(inner, [...path, name]);
      return;
    }
    const key = path.join(".");
    flat.set(flat.has(key) ? path.map((name) => JSON.stringify(name)).join(".") : key, each);
  };
  visit(value, []);
  return flat;
}

/** Digits after the decimal point when none are asked for. */
export const DEFAULT_PRECISION = 5;

/**
 * A value in one line.
 *
 * @param precision Digits after the decimal point; a number that would become 0 keeps as many significant digits.
 */
export function showValue(value: Json | undefined, precision: number = DEFAULT_PRECISION): string {
  if (value === undefined) return "-";
  if (typeof value === "number") return showNumber(value, precision);
  if (typeof value === "string") return value === "" ? '""' : oneLine(value);
  return oneLine(JSON.stringify(value));
}

/** As {@linkcode showValue}, with quotes around texts that would pass for another value: `"0.1"`, `"true"`, `"-"`. */
export function showTyped(value: Json | undefined, precision: number): string {
  const text = showValue(value, precision);
  return typeof value === "string" && LIKE_ANOTHER.test(value) ? `"${text}"` : text;
}

const LIKE_ANOTHER = /^(-|null|true|false|[+-]?[\d.]+(e[+-]?\d+)?|[[{"].*)$/i;

/** A text with what would move a terminal's cursor or turn its writing written as escapes. */
export function oneLine(text: string): string {
  return text.replace(UNSHOWABLE, (char) => SHORT_ESCAPES[char] ?? `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

// Control characters, line separators, marks of writing direction.
const UNSHOWABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;
const SHORT_ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A number in one line; what JSON lacks as YAML writes it. */
export function showNumber(value: number, precision: number = DEFAULT_PRECISION): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  if (Number.isInteger(value)) return Math.abs(value) < 1e15 ? String(value) : value.toExponential();
  if (Math.abs(value) >= 1e15) return value.toExponential(precision);
  const fixed = precision === 0 ? value.toFixed(0) : value.toFixed(precision).replace(/\.?0+$/, "");
  if (Number(fixed) !== 0) return fixed;
  const digits = Math.max(1, precision);
  return Math.abs(value) < 1e-4
    ? trimExponent(value.toExponential(digits - 1))
    : String(Number(value.toPrecision(digits)));
}

function trimExponent(text: string): string {
  return text.replace(/\.?0+e/, "e");
}

/** The difference of two numbers with its sign; `-` where there is none to tell. */
export function showChange(before: Json | undefined, now: Json | undefined, precision: number): string {
  const change = changeOf(before, now);
  if (change === undefined) return "-";
  return change > 0 ? `+${showNumber(change, precision)}` : showNumber(change, precision);
}

/** The difference of two numbers, as written in JSON or in a cell of a table; undefined where there is none to tell. */
export function changeOf(before: Json | undefined, now: Json | undefined): number | undefined {
  if (typeof before !== "number" || typeof now !== "number") return undefined;
  const change = now - before;
  return Number.isFinite(change) ? change : undefined;
}
