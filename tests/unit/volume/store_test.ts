import assert from "node:assert/strict";
import {
  createVolumeCache,
  FolderStore,
  MemoryStore,
  type ObjectSource,
  type ObjectStore,
} from "../../../lib/volume/mod.ts";
import { archivePool, collect, describeTree, makeSampleTree, sh, tempFolder } from "./helpers.ts";

const STORES: Readonly<Record<string, (path: string) => ObjectStore>> = {
  memory: () => new MemoryStore(),
  folder: (path) => new FolderStore(`${path}/store`),
};

function source(text: string): ObjectSource {
  const bytes = new TextEncoder().encode(text);
  return { size: bytes.length, sha256: "", open: () => ReadableStream.from([bytes]) };
}

async function read(
  store: ObjectStore,
  key: string,
  range?: { offset: number; length: number },
): Promise<string | undefined> {
  const object = await store.get(key, range === undefined ? {} : { range });
  return object === undefined ? undefined : new TextDecoder().decode(await collect(object.body));
}

for (const [name, make] of Object.entries(STORES)) {
  Deno.test(`${name}: what was put comes back, whole or in part, with its metadata`, async () => {
    using temp = tempFolder();
    const store = make(temp.path);
    assert.equal(await store.head("p/a.tar"), undefined);
    assert.equal(await read(store, "p/a.tar"), undefined);
    const info = await store.put("p/a.tar", source("content"), { metadata: { "pivot-x": "1" } });
    assert.deepEqual(await store.head("p/a.tar"), info);
    assert.deepEqual([info.size, info.metadata], [7, { "pivot-x": "1" }]);
    assert.equal(await read(store, "p/a.tar"), "content");
    assert.equal(await read(store, "p/a.tar", { offset: 3, length: 2 }), "te");
    await store.put("q", source(""), { metadata: {} });
    const keys = (await Array.fromAsync(store.list(""))).map((each) => each.key);
    assert.deepEqual(keys, ["p/a.tar", "q"]);
    assert.equal((await Array.fromAsync(store.list("p/"))).length, 1);
  });

  Deno.test(`${name}: conditions hold for put, get and delete`, async () => {
    using temp = tempFolder();
    const store = make(temp.path);
    const first = await store.put("a", source("1"), { metadata: {}, ifAbsent: true });
    await assert.rejects(store.put("a", source("2"), { metadata: {}, ifAbsent: true }), {
      code: "precondition-failed",
    });
    const second = await store.put("a", source("two"), { metadata: {}, ifMatch: first.etag });
    await assert.rejects(store.put("a", source("3"), { metadata: {}, ifMatch: first.etag }), {
      code: "precondition-failed",
    });
    await assert.rejects(store.get("a", { ifMatch: first.etag }), { code: "precondition-failed" });
    await store.delete("a", { ifMatch: first.etag });
    assert.equal(await read(store, "a"), "two");
    await store.delete("a", { ifMatch: second.etag });
    await store.delete("a");
    assert.equal(await store.head("a"), undefined);
    await assert.rejects(store.put("a", source("3"), { metadata: {}, ifMatch: second.etag }), {
      code: "precondition-failed",
    });
  });

  Deno.test(`${name}: a source that fails midway leaves the old object`, async () => {
    using temp = tempFolder();
    const store = make(temp.path);
    await store.put("a", source("old"), { metadata: {} });
    const broken: ObjectSource = {
      size: 10,
      sha256: "",
      open: () => new ReadableStream({ start: (controller) => controller.error(new Error("gone")) }),
    };
    await assert.rejects(store.put("a", broken, { metadata: {} }), /gone/);
    assert.equal(await read(store, "a"), "old");
  });
}

Deno.test("a volume in a folder store is a file that tar reads", async () => {
  using temp = tempFolder();
  await using pool = archivePool();
  const store = new FolderStore(`${temp.path}/store`);
  const cache = createVolumeCache({ store, pool, scratch: `${temp.path}/scratch`, prefix: "p" });
  await cache.restore("cache-node_modules", { kind: "folder", path: `${temp.path}/in` });
  makeSampleTree(`${temp.path}/in`);
  await cache.persist({ run: "succeeded" });
  sh("mkdir out && zstd -qdc store/p/cache-node_modules.tar.zst | tar -xpf - -C out", temp.path);
  assert.deepEqual(describeTree(`${temp.path}/out`), describeTree(`${temp.path}/in`));
});
