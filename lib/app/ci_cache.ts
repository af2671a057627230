// `pivot ci cache`: stored volumes, looked after.

import { createPool } from "../pool/mod.ts";
import { openVolumeStore, type VolumeStore } from "../volume/mod.ts";
import { openVolumeObjects } from "./volume_store.ts";

/** Stored volumes under one prefix, open. */
export interface OpenVolumes extends AsyncDisposable {
  readonly volumes: VolumeStore;
  /** URL of the store, without credentials. */
  readonly url: string;
}

/** Opens the volumes of a store. @throws {PivotError} as `openVolumeObjects` does. */
export async function openVolumes(
  options: { readonly store: string; readonly prefix?: string; readonly signal: AbortSignal },
): Promise<OpenVolumes> {
  const store = await openVolumeObjects(options.store);
  const pool = createPool({ archive: { permissions: { read: true, write: true } } });
  const volumes = openVolumeStore({
    store,
    pool,
    signal: options.signal,
    ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
  });
  return {
    volumes,
    url: store.url,
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
