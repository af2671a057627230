// Errors of drivers. Invariant: kind `driver` (exit code 14), so that a broken engine is never taken for a failed task.

import { PivotError } from "../../core/mod.ts";

/** What a driver can fail with. */
export type DriverErrorCode =
  | "bad-dir"
  | "bad-mount"
  | "driver-unreachable"
  | "driver-failed"
  | "image-missing"
  | "program-missing"
  | "unknown-user"
  | "volume-failed";

/** An error of a driver. @param message What was tried, on what, and the state found. */
export function driverError(code: DriverErrorCode, message: string, hint?: string, cause?: unknown): PivotError {
  return new PivotError(message, {
    code,
    kind: "driver",
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}
