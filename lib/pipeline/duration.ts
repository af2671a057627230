// Durations as people write them.

import { PivotError } from "../core/mod.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/**
 * Milliseconds of a duration: a number of milliseconds, or a text such as `500ms`, `90s`, `5m`, `1h30m`.
 *
 * @throws {PivotError} `bad-duration` (kind `invalid`).
 */
export function parseDuration(value: number | string): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= 0) return value;
  const text = String(value).trim();
  if (/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(text)) {
    return [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)]
      .reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ""] ?? 0), 0);
  }
  throw new PivotError(`"${value}" is not a duration`, {
    code: "bad-duration",
    kind: "invalid",
    hint: "write milliseconds, or a text such as 90s, 5m, 2h, 7d",
  });
}
