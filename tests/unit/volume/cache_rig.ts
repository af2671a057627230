// A volume cache over a store in memory, for tests of what it does when things go well and when they do not.

import assert from "node:assert/strict";
import {
  createVolumeCache,
  MemoryStore,
  type ObjectSource,
  type ObjectStore,
  type VolumeAccess,
  type VolumeCache,
  type VolumeCacheOptions,
  type VolumeEvent,
} from "../../../lib/volume/mod.ts";
import { archivePool, collect, exists, tempFolder } from "./helpers.ts";

/** A cache over a store in memory. */
export interface Rig extends AsyncDisposable {
  readonly path: string;
  readonly store: MemoryStore;
  readonly events: VolumeEvent[];
  cache(options?: Partial<VolumeCacheOptions>): VolumeCache;
  folder(name: string): VolumeAccess & { readonly path: string };
}

/** Makes one; nothing may be left in its scratch folder. */
export function rig(): Rig {
  const temp = tempFolder();
  const pool = archivePool();
  const store = new MemoryStore();
  const events: VolumeEvent[] = [];
  return {
    path: temp.path,
    store,
    events,
    cache: (options = {}) =>
      createVolumeCache({
        store,
        pool,
        scratch: `${temp.path}/scratch`,
        prefix: "p",
        onEvent: (event) => void events.push(event),
        ...options,
      }),
    folder: (name) => ({ kind: "folder", path: `${temp.path}/${name}` }),
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      assert.deepEqual(exists(`${temp.path}/scratch`) ? [...Deno.readDirSync(`${temp.path}/scratch`)] : [], []);
      temp[Symbol.dispose]();
    },
  };
}

/** Key of volume `v`. */
export const KEY = "p/v.tar.zst";

/** Stores a volume with one file. */
export async function storeFile(at: Rig, content: string, options: Partial<VolumeCacheOptions> = {}): Promise<void> {
  const folder = at.folder(`first-${crypto.randomUUID()}`);
  const cache = at.cache(options);
  await cache.restore("v", folder);
  Deno.writeTextFileSync(`${folder.path}/file`, content);
  const [outcome] = await cache.persist({ run: "succeeded" });
  assert.equal(outcome?.status, "persisted");
}

/** Bytes of an object. */
export async function stored(store: ObjectStore, key = KEY): Promise<Uint8Array<ArrayBuffer>> {
  const object = await store.get(key);
  assert.ok(object !== undefined);
  return await collect(object.body);
}

/** Bytes to be put. */
export function sourceOf(bytes: Uint8Array): ObjectSource {
  return { size: bytes.length, sha256: "", open: () => ReadableStream.from([bytes]) };
}

/** The methods of a store, to be replaced one by one. */
export function pick(store: ObjectStore): ObjectStore {
  return {
    url: store.url,
    head: (...args) => store.head(...args),
    get: (...args) => store.get(...args),
    put: (...args) => store.put(...args),
    delete: (...args) => store.delete(...args),
    list: (...args) => store.list(...args),
  };
}
