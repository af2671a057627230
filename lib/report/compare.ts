// Flat values of two revisions side by side. Pure; the order is that of names, then keys.

import { byCodeUnit, type Json, jsonEqual } from "../core/mod.ts";
import type { FlatValues } from "./values.ts";
import { changeOf, showChange, showTyped } from "./values.ts";
import type { Table } from "./table.ts";

/** Values by the file or stage that they belong to. */
export type NamedValues = ReadonlyMap<string, FlatValues>;

/** One value on two sides. */
export interface ComparedValue {
  /** File or stage. */
  readonly name: string;
  /** Dotted key; empty for a file that holds one value. */
  readonly key: string;
  /** Absent: not there on that side. */
  readonly before?: Json;
  /** On the later side; absent: not there. */
  readonly now?: Json;
  /** `now` less `before`, for numbers. */
  readonly change?: number;
}

/** Every value that differs, or with `all` every value. */
export function compareValues(
  before: NamedValues,
  now: NamedValues,
  options: { readonly all?: boolean } = {},
): ComparedValue[] {
  const names = [...new Set([...before.keys(), ...now.keys()])].sort(byCodeUnit);
  return names.flatMap((name) => {
    const [old, fresh] = [before.get(name), now.get(name)];
    const keys = [...new Set([...old?.keys() ?? [], ...fresh?.keys() ?? []])].sort(byCodeUnit);
    return keys.flatMap((key): ComparedValue[] => {
      const [a, b] = [old?.get(key), fresh?.get(key)];
      if (options.all !== true && a !== undefined && b !== undefined && jsonEqual(a, b)) return [];
      const change = changeOf(a, b);
      return [{
        name,
        key,
        ...(a === undefined ? {} : { before: a }),
        ...(b === undefined ? {} : { now: b }),
        ...(change === undefined ? {} : { change }),
      }];
    });
  });
}

/** How compared values are shown. */
export interface CompareTableOptions {
  /** What names are: `file` or `stage`. */
  readonly what: string;
  /** Names of the two sides. */
  readonly sides: readonly [before: string, now: string];
  /** Digits after the decimal point. */
  readonly precision: number;
}

/** Compared values as a table. */
export function compareTable(values: readonly ComparedValue[], options: CompareTableOptions): Table {
  const { what, sides, precision } = options;
  return {
    head: [what, "key", ...sides, "change"],
    rows: values.map(({ name, key, before, now }) => [
      name,
      key,
      showTyped(before, precision),
      showTyped(now, precision),
      showChange(before, now, precision),
    ]),
  };
}

/** Values of one side as a table. */
export function valueTable(values: NamedValues, options: { readonly what: string; readonly precision: number }): Table {
  const rows = [...values].flatMap(([name, flat]) =>
    [...flat].map(([key, value]) => [name, key, showTyped(value, options.precision)])
  );
  return { head: [options.what, "key", "value"], rows };
}
