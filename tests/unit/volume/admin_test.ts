import assert from "node:assert/strict";
import { type Compression, createVolumeCache, MemoryStore, openVolumeStore } from "../../../lib/volume/mod.ts";
import { archivePool, assertSameBytes, collect, makeSampleTree, tempFolder } from "./helpers.ts";

/** A store with one volume `v` made of the sample tree. */
async function storedSample(compression: Compression, path: string, store: MemoryStore): Promise<void> {
  await using pool = archivePool();
  const cache = createVolumeCache({
    store,
    pool,
    scratch: `${path}/scratch`,
    prefix: "p",
    compression,
    now: () => 5000,
  });
  await cache.restore("v", { kind: "folder", path: `${path}/in` });
  makeSampleTree(`${path}/in`);
  const [outcome] = await cache.persist({ run: "succeeded" });
  assert.equal(outcome?.status, "persisted");
}

for (const compression of ["zstd", "gzip", "none"] as const) {
  Deno.test(`${compression}: members are listed, and any file is read, hard links too`, async () => {
    using temp = tempFolder();
    const store = new MemoryStore();
    await storedSample(compression, temp.path, store);
    await using pool = archivePool();
    const volumes = openVolumeStore({ store, pool, prefix: "p" });
    const members = await volumes.members("v");
    assert.ok(members.some((member) => member.path === "empty-folder/inner" && member.kind === "directory"));
    for (const path of ["plain.txt", "big.bin", "exactly", "empty", "ünïcödé/日本語.txt"]) {
      assertSameBytes(await collect(volumes.cat("v", path)), Deno.readFileSync(`${temp.path}/in/${path}`));
    }
    {
      assert.equal(new TextDecoder().decode(await collect(volumes.cat("v", "z-hard"))), "hello");
    }
    await assert.rejects(collect(volumes.cat("v", "bin")), { code: "no-such-member", message: /directory/ });
    await assert.rejects(collect(volumes.cat("v", "missing")), { code: "no-such-member" });
    await assert.rejects(volumes.stat("w"), { code: "no-such-volume" });
  });
}

Deno.test("one small file of a large archive costs a small part of its bytes", async () => {
  using temp = tempFolder();
  const store = new MemoryStore();
  await using pool = archivePool();
  const cache = createVolumeCache({ store, pool, scratch: `${temp.path}/scratch` });
  await cache.restore("v", { kind: "folder", path: `${temp.path}/in` });
  const noise = new Uint8Array(32 * 1024 * 1024);
  for (let at = 0; at < noise.length; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
  Deno.writeFileSync(`${temp.path}/in/noise`, noise);
  Deno.mkdirSync(`${temp.path}/in/z`);
  Deno.writeTextFileSync(`${temp.path}/in/z/small`, "found");
  await cache.persist({ run: "succeeded" });
  store.bytesRead = 0;
  const content = await collect(openVolumeStore({ store, pool }).cat("v", "z/small"));
  assert.equal(new TextDecoder().decode(content), "found");
  assert.ok(store.bytesRead < noise.length / 100, `read ${store.bytesRead} bytes`);
});

Deno.test("verify() finds a flipped bit and passes what is whole", async () => {
  using temp = tempFolder();
  const store = new MemoryStore();
  await storedSample("zstd", temp.path, store);
  await using pool = archivePool();
  const volumes = openVolumeStore({ store, pool, prefix: "p" });
  const verdicts = () => Array.fromAsync(volumes.verify());
  assert.deepEqual(await verdicts(), [{ volume: "v", key: "p/v.tar.zst", problem: undefined }]);
  const object = await store.get("p/v.tar.zst");
  assert.ok(object !== undefined);
  const bytes = await collect(object.body);
  bytes[bytes.length - 40] = (bytes[bytes.length - 40] ?? 0) ^ 1;
  const source = { size: bytes.length, sha256: "", open: () => ReadableStream.from([bytes]) };
  await store.put("p/v.tar.zst", source, { metadata: object.info.metadata });
  assert.match((await verdicts())[0]?.problem ?? "", /SHA-256/);
});

Deno.test("gc() removes what is too old, only under its prefix, and nothing when dry", async () => {
  using temp = tempFolder();
  const store = new MemoryStore();
  await storedSample("none", temp.path, store);
  const foreign = { size: 0, sha256: "", open: () => new ReadableStream<Uint8Array>({ start: (c) => c.close() }) };
  await store.put("p/notes.txt", foreign, { metadata: {} });
  await store.put("other/v.tar", foreign, { metadata: {} });
  await using pool = archivePool();
  const volumes = openVolumeStore({ store, pool, prefix: "p" });
  assert.deepEqual(await volumes.gc({ maxAgeMs: 1000, nowMs: 6000 }), []);
  assert.equal((await volumes.gc({ maxAgeMs: 1000, nowMs: 6001, dryRun: true })).length, 1);
  assert.equal((await volumes.list()).length, 1);
  assert.equal((await volumes.gc({ maxAgeMs: 1000, nowMs: 6001 }))[0]?.volume, "v");
  const keys = (await Array.fromAsync(store.list(""))).map((info) => info.key);
  assert.deepEqual(keys, ["other/v.tar", "p/notes.txt"]);
});

Deno.test("remove() says what it removed", async () => {
  using temp = tempFolder();
  const store = new MemoryStore();
  await storedSample("gzip", temp.path, store);
  await using pool = archivePool();
  const volumes = openVolumeStore({ store, pool, prefix: "p" });
  assert.deepEqual(await volumes.remove("v"), ["p/v.tar.gzip"]);
  await assert.rejects(volumes.remove("v"), { code: "no-such-volume" });
});
