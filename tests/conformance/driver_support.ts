// Helpers of the suite of drivers.

import assert from "node:assert/strict";
import { PivotError } from "../../lib/core/mod.ts";

/** Insists on a rejection with a code. @returns the error. */
export async function fails(work: Promise<unknown>, code: string, message: RegExp): Promise<PivotError> {
  const error = await work.then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof PivotError, `expected "${code}", got ${error}`);
  assert.equal(error.code, code, error.message);
  assert.match(error.message, message);
  assertDriverError(error);
  return error;
}

/** Errors of drivers exit with 14 and say what to do. */
export function assertDriverError(error: PivotError): void {
  assert.equal(error.exitCode, 14);
  assert.doesNotMatch(error.message, /\.$/);
}
