// Rain, month by month, as a picture.

import type { Day } from "./days.ts";
import { round } from "./numbers.ts";

/** One month of all years together. */
export interface RainMonth {
  readonly month: string;
  /** Millimetres. */
  readonly total: number;
  readonly wetDays: number;
}

/** Totals per month; a day is wet from `wetDayMm` millimetres on. */
export function rainByMonth(days: readonly Day[], wetDayMm: number): RainMonth[] {
  const months = Map.groupBy(days, (day) => day.date.slice(5, 7));
  return [...months].sort().map(([month, each]) => ({
    month,
    total: round(each.reduce((sum, day) => sum + day.rain, 0)),
    wetDays: each.filter((day) => day.rain >= wetDayMm).length,
  }));
}

const WIDTH = 480;
const HEIGHT = 200;
const NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** A bar chart as SVG. */
export function drawRain(months: readonly RainMonth[]): string {
  const highest = Math.max(1, ...months.map((month) => month.total));
  const step = WIDTH / Math.max(1, months.length);
  const bars = months.map(({ month, total }, at) => {
    const height = round(total / highest * (HEIGHT - 40));
    const x = round(at * step + 4);
    const name = NAMES[Number(month) - 1] ?? month;
    return `  <rect x="${x}" y="${HEIGHT - 20 - height}" width="${round(step - 8)}" height="${height}" fill="#4477aa"/>
  <text x="${round(x + step / 2 - 4)}" y="${HEIGHT - 6}" text-anchor="middle">${name}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="11">
  <title>Rain per month in mm</title>
${bars.join("\n")}
</svg>
`;
}
