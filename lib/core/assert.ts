// For our own mistakes only, never for bad input. A failed assert exits 70.

import { PivotError } from "./errors.ts";

/**
 * Checks what must hold if our own code is right.
 *
 * @throws {PivotError} of kind `bug` when it does not.
 */
export function assert(condition: unknown, what: string): asserts condition {
  if (condition) return;
  throw new PivotError(`internal error: ${what}`, {
    code: "bug",
    kind: "bug",
    hint: "this is a bug in Pivot; please report it with the output of `pivot doctor --json`",
  });
}

/** The end of a `switch` over a closed union; a compile error when a case is missing. */
export function unreachable(value: never): never {
  assert(false, `unexpected case ${JSON.stringify(value)}`);
  throw value;
}
