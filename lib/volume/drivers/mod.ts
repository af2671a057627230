/**
 * Drivers: where tasks run and volumes live. The contract is in `driver.ts`.
 *
 * @module
 */

import type { DriverDsn } from "../dsn.ts";
import type { Driver } from "./driver.ts";
import { openNativeDriver } from "./native/mod.ts";
import type { OpenDriverOptions } from "./options.ts";

export type { CreateVolumeOptions, Driver, TaskRequest, Volume } from "./driver.ts";
export type { DriverEvent, OpenDriverOptions } from "./options.ts";

/**
 * Opens the driver that a DSN names, and removes what killed runs of it left behind. The caller disposes of it.
 *
 * @throws {PivotError} of kind `driver`: `driver-unreachable`, `driver-failed`.
 * @example
 * ```ts
 * import { openDriver, parseDriverDsn } from "@pivot/pivot/volume";
 * const scratch = Deno.makeTempDirSync();
 * {
 *   await using driver = await openDriver(parseDriverDsn("native"), { scratch });
 *   const { signal } = new AbortController();
 *   const volume = await driver.createVolume({ name: "data", signal });
 *   const { code } = await driver.run({
 *     name: "write",
 *     image: undefined,
 *     command: ["sh", "-c", "echo hello > data/greeting"],
 *     dir: undefined,
 *     user: undefined,
 *     env: {},
 *     mounts: [{ volume, path: "data" }],
 *     signal,
 *     onOutput: () => {},
 *   });
 *   console.assert(code === 0);
 * }
 * Deno.removeSync(scratch, { recursive: true });
 * ```
 */
export async function openDriver(dsn: DriverDsn, options: OpenDriverOptions): Promise<Driver> {
  switch (dsn.driver) {
    case "native":
      return await openNativeDriver(dsn, options);
    case "docker": {
      const { openDockerDriver } = await import("./docker/mod.ts");
      return await openDockerDriver(dsn, options);
    }
    case "k8s": {
      const { openK8sDriver } = await import("./k8s/mod.ts");
      return await openK8sDriver(dsn, options);
    }
  }
}
