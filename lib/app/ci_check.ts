// What can be known of a pipeline and a driver together before anything starts. Invariant: nothing is asked of the driver.

import { type PipelinePlan, tasksOf } from "../ci/mod.ts";
import { PivotError, PivotFindings } from "../core/mod.ts";
import type { DriverDsn } from "../volume/mod.ts";

/**
 * Compares what tasks ask for with what the driver gives.
 *
 * @returns warnings, in words.
 * @throws {PivotFindings} if a task cannot run there.
 */
export function checkForDriver(plan: PipelinePlan, dsn: DriverDsn): readonly string[] {
  const warnings = new Set<string>();
  const findings: PivotError[] = [];
  for (const job of plan.jobs) {
    for (const { name, config } of tasksOf(job.plan)) {
      const which = `task "${name}" of job "${job.name}"`;
      if (dsn.driver === "docker" && config.image === undefined && dsn.options["image"] === undefined) {
        findings.push(
          cannotRun(`${which} names no image`, "give it one, or one for all that have none: docker://?image=busybox"),
        );
      }
      if (config.platform === undefined) continue;
      if (dsn.driver !== "native") {
        if (config.platform === "linux") continue;
        const hint = "leave platform out, or use the native driver on such a machine";
        findings.push(cannotRun(`${which} is for ${config.platform}, but containers run Linux`, hint));
      } else if (config.platform !== Deno.build.os) {
        warnings.add(`${which} is for ${config.platform}, but this machine runs ${Deno.build.os}`);
      }
    }
  }
  if (findings.length > 0) {
    throw new PivotFindings(`the pipeline cannot run on the ${dsn.driver} driver`, findings);
  }
  return [...warnings];
}

function cannotRun(message: string, hint: string): PivotError {
  return new PivotError(message, { code: "cannot-run", kind: "invalid", hint });
}
