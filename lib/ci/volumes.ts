// The cached volumes of one run. Invariant: a volume is made and restored once per run, whoever asks first; a failed
// restore leaves an empty volume and does not stop the task.

import type { VolumeCache } from "../volume/mod.ts";
import type { CiEvent } from "./events.ts";
import type { CiDriver, CiVolume } from "./ports.ts";

/** Makes volumes by name. */
export interface NamedVolumes {
  /** The volume of that name, restored from the cache if there is one. */
  get(name: string, options?: { readonly sizeBytes?: number }): Promise<CiVolume>;
  /** Settles when no volume is being made or restored any more. */
  settled(): Promise<void>;
}

/** Named volumes over a driver and a cache. Restores stop when `signal` is aborted. */
export function namedVolumes(options: {
  readonly driver: CiDriver;
  readonly cache: VolumeCache | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: (event: CiEvent) => void;
}): NamedVolumes {
  const { driver, cache, signal, onEvent } = options;
  const made = new Map<string, Promise<CiVolume>>();
  let told = false;
  const make = async (name: string, sizeBytes: number | undefined) => {
    const volume = await driver.createVolume({ name, signal, ...(sizeBytes === undefined ? {} : { sizeBytes }) });
    if (cache === undefined) return volume;
    if (volume.access !== undefined) await cache.restore(name, volume.access, { signal });
    else if (!told) {
      told = true;
      onEvent({ type: "cache-unsupported", volume: name });
    }
    return volume;
  };
  return {
    get(name, { sizeBytes } = {}) {
      const found = made.get(name) ?? make(name, sizeBytes);
      made.set(name, found);
      // What could not be made is tried anew by whoever asks next.
      found.catch(() => made.delete(name));
      return found;
    },
    async settled() {
      await Promise.allSettled(made.values());
    },
  };
}
