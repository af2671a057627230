// Matrix stages: every combination of the declared values, in declaration order, with a name of its own.

import type { Json, JsonObject, SourceSpot } from "../core/mod.ts";
import type { Findings } from "./expand.ts";

/** One combination. */
export interface Variant {
  /** `@0.1_a`, or nothing without a matrix. */
  readonly suffix: string;
  readonly values: JsonObject;
}

const MAX_VARIANTS = 10_000;

/** All combinations of a matrix; one with no suffix for an empty matrix. */
export function combinations(
  matrix: JsonObject,
  about: { readonly spot: SourceSpot; readonly what: string; readonly findings: Findings },
): Variant[] {
  const wrong = (why: string) =>
    about.findings.add(`${about.what}: matrix ${why}`, { code: "bad-matrix", spot: about.spot });
  let found: { parts: string[]; values: Record<string, Json> }[] = [{ parts: [], values: {} }];
  for (const [key, list] of Object.entries(matrix)) {
    if (!Array.isArray(list) || list.length === 0 || list.some((value) => !isPlain(value))) {
      wrong(`key "${key}" is not a list of texts, numbers or booleans`);
      continue;
    }
    if (found.length * list.length > MAX_VARIANTS) {
      wrong(`has more than ${MAX_VARIANTS} combinations`);
      return [];
    }
    found = found.flatMap((one) =>
      list.map((value: Json) => ({ parts: [...one.parts, namePart(value)], values: { ...one.values, [key]: value } }))
    );
  }
  const variants = found.map(({ parts, values }) => ({
    suffix: parts.length === 0 ? "" : `@${parts.join("_")}`,
    values,
  }));
  const seen = new Set<string>();
  for (const { suffix } of variants) {
    if (seen.has(suffix)) wrong(`gives two variants the name "${suffix}"`);
    seen.add(suffix);
  }
  return variants;
}

function isPlain(value: Json): boolean {
  return typeof value === "string" || typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value));
}

/** Characters that a name cannot carry become `-`. */
function namePart(value: Json): string {
  return String(value).replace(/[^A-Za-z0-9.+-]+/g, "-") || "-";
}
