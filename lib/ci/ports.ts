// What running a pipeline needs from a machine: of a driver, that it makes volumes and runs tasks.

import type { Driver } from "../volume/mod.ts";

export type { TaskRequest, Volume as CiVolume } from "../volume/mod.ts";

/** Runs tasks somewhere. */
export type CiDriver = Pick<Driver, "createVolume" | "run">;
