// Volumes whose restore, store or expiry goes wrong midway.

import assert from "node:assert/strict";
import { PivotError } from "../../../lib/core/mod.ts";
import { conditionFailed, describeVolumeEvent, type ObjectStore, type VolumeEvent } from "../../../lib/volume/mod.ts";
import { KEY, pick, rig, sourceOf, stored, storeFile } from "./cache_rig.ts";
import { exists, sh } from "./helpers.ts";

for (const onConflict of ["newest", "keep"] as const) {
  Deno.test(`an expired entry that cannot be deleted is a miss with a warning, and is replaced (${onConflict})`, async () => {
    await using at = rig();
    await storeFile(at, "old", { now: () => 0 });
    const readOnlyOnce: ObjectStore = {
      ...pick(at.store),
      delete: () => Promise.reject(new Error("403 AccessDenied")),
    };
    const cache = at.cache({ store: readOnlyOnce, ttlMs: 1000, now: () => 5000, onConflict });
    const outcome = await cache.restore("v", at.folder("b"));
    assert.deepEqual([outcome.status, outcome.status === "miss" && outcome.reason], ["miss", "expired"]);
    assert.ok(exists(`${at.path}/b`) && !exists(`${at.path}/b/file`), "a miss is an empty volume");
    const told = at.events.find((event) => event.type === "volume-expired-kept");
    assert.match(told === undefined ? "" : describeVolumeEvent(told), /cannot remove expired volume .*AccessDenied/);
    Deno.writeTextFileSync(`${at.path}/b/file`, "new");
    assert.equal((await cache.persist({ run: "succeeded" }))[0]?.status, "persisted");
    assert.ok(!at.events.some((event) => event.type === "volume-conflict"), "no other run was there");
    assert.equal((await at.cache().restore("v", at.folder("c"))).status, "hit");
    assert.equal(Deno.readTextFileSync(`${at.path}/c/file`), "new");
  });
}

Deno.test("a damaged entry names the command that takes it away; a store that is down does not", async () => {
  await using at = rig();
  await storeFile(at, "x");
  const info = await at.store.head(KEY);
  const bytes = await stored(at.store);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
  await at.store.put(KEY, sourceOf(bytes), { metadata: info?.metadata ?? {} });
  const line = async (options: Parameters<typeof at.cache>[0]) => {
    const events: VolumeEvent[] = [];
    await at.cache({ ...options, onEvent: (event) => void events.push(event) }).restore("v", at.folder("b"));
    return events.map(describeVolumeEvent).at(-1) ?? "";
  };
  assert.match(
    await line({ storeUrl: "s3://b/it's?endpoint=http%3A%2F%2Fx" }),
    /; it stays until somebody runs: pivot ci cache rm v --store 's3:\/\/b\/it'\\''s\?endpoint=http%3A%2F%2Fx' --prefix p$/,
  );
  assert.match(await line({}), /pivot ci cache rm v --store memory:\S* --prefix p$/);
  const down: ObjectStore = { ...pick(at.store), get: () => Promise.reject(new Error("connection refused")) };
  assert.match(await line({ store: down }), /connection refused$/);
  const away = new PivotError("the store is away", { code: "remote-failed", kind: "remote", hint: "wait for it" });
  const hinting: ObjectStore = { ...pick(at.store), get: () => Promise.reject(away) };
  assert.match(await line({ store: hinting }), /: the store is away \(wait for it\)$/);
});

Deno.test("an abort in the middle of a restore leaves no volume behind, and the entry as it is", async () => {
  await using at = rig();
  await storeFile(at, "x".repeat(100_000));
  const bytes = await stored(at.store);
  const before = await at.store.head(KEY);
  assert.ok(before !== undefined);
  const abort = new AbortController();
  const stalled: ObjectStore = {
    ...pick(at.store),
    // Half of it comes, then nothing, until somebody gives up.
    get: (_key, options) =>
      Promise.resolve({
        info: before,
        body: new ReadableStream({
          start(controller) {
            controller.enqueue(bytes.subarray(0, bytes.length >> 1));
            options?.signal?.addEventListener("abort", () => controller.error(options.signal?.reason));
            queueMicrotask(() => abort.abort(new Error("stop")));
          },
        }),
      }),
  };
  const cache = at.cache({ store: stalled });
  await assert.rejects(cache.restore("v", at.folder("b"), { signal: abort.signal }), /stop/);
  assert.deepEqual([...Deno.readDirSync(at.path)].filter(({ name }) => /restoring|^b$/.test(name)), []);
  assert.equal((await cache.persist({ run: "aborted" }))[0]?.status, "skipped");
  assert.equal((await at.store.head(KEY))?.etag, before.etag);
});

Deno.test("a file that vanishes while its volume is packed: nothing is stored, the old entry stays, the next run stores", async () => {
  await using at = rig();
  await storeFile(at, "old");
  const before = await at.store.head(KEY);
  const cache = at.cache({
    onEvent(event) {
      // The tree was listed; now it is packed.
      if (event.type === "volume-persisting") Deno.removeSync(`${at.path}/b/vanishing`);
      at.events.push(event);
    },
  });
  await cache.restore("v", at.folder("b"));
  Deno.writeFileSync(`${at.path}/b/vanishing`, new Uint8Array(6 * 1024 * 1024));
  const [outcome] = await cache.persist({ run: "succeeded" });
  assert.equal(outcome?.status, "failed");
  const failed = at.events.find((event) => event.type === "volume-persist-failed");
  assert.match(failed === undefined ? "" : describeVolumeEvent(failed), /vanishing/);
  assert.equal((await at.store.head(KEY))?.etag, before?.etag);
});

Deno.test("two runs that store a new volume at the same moment: one whole archive is there, and one of them says so", async () => {
  await using at = rig();
  const [one, two] = [at.cache(), at.cache()];
  for (const [cache, name] of [[one, "one"], [two, "two"]] as const) {
    await cache.restore("v", at.folder(name));
    Deno.writeTextFileSync(`${at.path}/${name}/file`, `from ${name}`);
  }
  const outcomes = await Promise.all([one, two].map((cache) => cache.persist({ run: "succeeded" })));
  assert.deepEqual(outcomes.map(([outcome]) => outcome?.status), ["persisted", "persisted"]);
  assert.equal(at.events.filter((event) => event.type === "volume-conflict").length, 1);
  assert.equal((await at.cache().restore("v", at.folder("after"))).status, "hit");
  assert.match(Deno.readTextFileSync(`${at.path}/after/file`), /^from (one|two)$/);
});

for (const onConflict of ["newest", "keep"] as const) {
  Deno.test(`an upload whose answer was lost is no conflict with itself (${onConflict})`, async () => {
    await using at = rig();
    let puts = 0;
    const forgetful: ObjectStore = {
      ...pick(at.store),
      // The first try arrives, its answer does not; the next one finds the object there.
      async put(key, source, options) {
        puts += 1;
        await at.store.put(key, source, options);
        throw conditionFailed(key);
      },
    };
    const cache = at.cache({ store: forgetful, onConflict });
    await cache.restore("v", at.folder("a"));
    Deno.writeTextFileSync(`${at.path}/a/file`, "content");
    assert.equal((await cache.persist({ run: "succeeded" }))[0]?.status, "persisted");
    assert.equal(puts, 1);
    assert.ok(!at.events.some((event) => event.type === "volume-conflict"));
  });
}

Deno.test("a pipe in a volume that moves as tar is told as the volume's, not as a stored archive's", async () => {
  await using at = rig();
  Deno.mkdirSync(`${at.path}/far`);
  sh("mkfifo far/pipe && tar --format=pax -cf far.tar -C far .", at.path);
  const cache = at.cache();
  await cache.restore("v", {
    kind: "tar",
    read: () => Promise.resolve(ReadableStream.from([Deno.readFileSync(`${at.path}/far.tar`)])),
    write: () => Promise.resolve(),
  });
  assert.equal((await cache.persist({ run: "succeeded" }))[0]?.status, "failed");
  const failed = at.events.find((event) => event.type === "volume-persist-failed");
  const line = failed === undefined ? "" : describeVolumeEvent(failed);
  assert.match(line, /the volume holds what is not kept: .*pipe.* \(remove it before the volume is persisted/);
  assert.doesNotMatch(line, /ci cache rm/);
});
