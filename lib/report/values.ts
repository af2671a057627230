// Values of metric files and parameters as flat rows, and how they are shown. Invariant: whatever the value, the text shown is
// one line that a person can read; never `undefined`, `NaN` or an object's default text.

import { isJsonObject, type Json } from "../core/mod.ts";

/** Leaves of a value by dotted key; lists are leaves. */
export type FlatValues = ReadonlyMap<string, Json>;

/** Flattens mappings: `{ a: { b: 1 } }` gives `a.b`. A value that is no mapping has the key "". */
export function flatten(value: Json): FlatValues {
  const flat = new Map<string, Json>();
  const visit = (each: Json, key: string): void => {
    if (isJsonObject(each) && Object.keys(each).length > 0) {
      for (const [name, inner] of Object.entries(each)) visit(inner, key === "" ? name : `${key}.${name}`);
    } else flat.set(key, each);
  };
  visit(value, "");
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
  if (typeof value === "string") return /[\n\r\t]/.test(value) || value === "" ? JSON.stringify(value) : value;
  return JSON.stringify(value);
}

/** A number in one line. */
export function showNumber(value: number, precision: number = DEFAULT_PRECISION): string {
  if (Number.isInteger(value)) return Math.abs(value) < 1e15 ? String(value) : value.toExponential();
  const fixed = value.toFixed(precision).replace(/\.?0+$/, "");
  if (Math.abs(value) >= 1e15) return value.toExponential(precision);
  return Number(fixed) === 0 ? trimExponent(value.toExponential(Math.max(0, precision - 1))) : fixed;
}

function trimExponent(text: string): string {
  return text.replace(/\.?0+e/, "e");
}

/** The difference of two numbers with its sign; `-` where there is none to tell. */
export function showChange(before: Json | undefined, now: Json | undefined, precision: number): string {
  if (typeof before !== "number" || typeof now !== "number") return "-";
  const change = now - before;
  if (!Number.isFinite(change)) return "-";
  return change > 0 ? `+${showNumber(change, precision)}` : showNumber(change, precision);
}
