// Warmth, month by month.

import type { Day } from "./days.ts";
import { mean } from "./numbers.ts";

/** A day is hot from this many degrees Celsius on. */
export const HOT_DAY = 25;

/** One month of all years together. */
export interface Month {
  readonly meanHigh: number;
  readonly hotDays: number;
}

/** Groups days by month: `01.json` to `12.json`. */
export function byMonth(days: readonly Day[]): Record<string, Month> {
  const months = Map.groupBy(days, (day) => day.date.slice(5, 7));
  return Object.fromEntries([...months].sort().map(([month, each]) => [`${month}.json`, describe(each)]));
}

function describe(days: readonly Day[]): Month {
  return {
    meanHigh: mean(days.map((day) => day.high)),
    hotDays: days.filter((day) => day.high >= HOT_DAY).length,
  };
}

/** Figures that are worth comparing from run to run. */
export function summarise(months: Readonly<Record<string, Month>>): { meanHigh: number; hotDays: number } {
  const all = Object.values(months);
  return {
    meanHigh: mean(all.map((month) => month.meanHigh)),
    hotDays: all.reduce((sum, month) => sum + month.hotDays, 0),
  };
}

/** A table to be drawn. */
export function toCurve(months: Readonly<Record<string, Month>>): { month: string; high: string }[] {
  return Object.entries(months).map(([file, { meanHigh }]) => ({ month: file.slice(0, 2), high: String(meanHigh) }));
}
