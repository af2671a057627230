import assert from "node:assert/strict";
import { describeVolumeEvent, type ObjectStore, type VolumeAccess, type VolumeEvent } from "../../../lib/volume/mod.ts";
import { KEY, pick, rig, sourceOf, stored, storeFile } from "./cache_rig.ts";
import { collect, describeTree, exists, makeSampleTree, sh } from "./helpers.ts";

Deno.test("a volume that was persisted comes back exactly in the next run, and unchanged uploads nothing", async () => {
  await using at = rig();
  const first = at.cache({ who: "me@höst", commit: "abc" });
  assert.equal((await first.restore("v", at.folder("a"))).status, "miss");
  makeSampleTree(`${at.path}/a`);
  assert.equal((await first.persist({ run: "succeeded" }))[0]?.status, "persisted");
  const info = await at.store.head(KEY);
  assert.match(info?.metadata["pivot-sha256"] ?? "", /^[0-9a-f]{64}$/);
  const second = at.cache();
  assert.equal((await second.restore("v", at.folder("b"))).status, "hit");
  assert.deepEqual(describeTree(`${at.path}/b`), describeTree(`${at.path}/a`));
  assert.equal((await second.persist({ run: "succeeded" }))[0]?.status, "unchanged");
  assert.equal((await at.store.head(KEY))?.etag, info?.etag);
  assert.deepEqual(at.events.map((event) => event.type), [
    "volume-missed",
    "volume-persisting",
    "volume-persisted",
    "volume-restoring",
    "volume-restored",
    "volume-unchanged",
  ]);
  const lines = at.events.map(describeVolumeEvent);
  assert.match(lines[0] ?? "", /^cache miss volume=v key=p\/v\.tar\.zst/);
  assert.match(lines[1] ?? "", /^persisting volume to cache volume=v key=/);
  assert.match(lines[3] ?? "", /^restoring volume from cache volume=v key=/);
  assert.match(lines[4] ?? "", /bytes=\d+ .*seconds=\d/);
});

Deno.test("users of one volume share one restore", async () => {
  await using at = rig();
  await storeFile(at, "x");
  const cache = at.cache();
  const outcomes = await Promise.all([1, 2, 3].map(() => cache.restore("v", at.folder("b"))));
  assert.ok(outcomes.every((outcome) => outcome === outcomes[0]));
  assert.equal(at.events.filter((event) => event.type === "volume-restoring").length, 1);
  assert.equal((await cache.persist({ run: "succeeded" })).length, 1);
});

Deno.test("files that were rewritten with the same content under a new inode upload nothing", async () => {
  await using at = rig();
  await storeFile(at, "x");
  const cache = at.cache();
  await cache.restore("v", at.folder("b"));
  sh("cp -p file copy && mv copy file", `${at.path}/b`);
  const mtime = Deno.statSync(`${at.path}/b/file`).mtime ?? new Date(0);
  Deno.utimeSync(`${at.path}/b/file`, mtime, mtime);
  const before = await at.store.head(KEY);
  assert.equal((await cache.persist({ run: "succeeded" }))[0]?.status, "unchanged");
  assert.equal((await at.store.head(KEY))?.etag, before?.etag);
});

Deno.test("a file replaced by one of the same size and mtime is noticed", async () => {
  await using at = rig();
  await storeFile(at, "one");
  const cache = at.cache();
  await cache.restore("v", at.folder("b"));
  const mtime = Deno.statSync(`${at.path}/b/file`).mtime ?? new Date(0);
  Deno.writeTextFileSync(`${at.path}/b/new`, "two");
  Deno.utimeSync(`${at.path}/b/new`, mtime, mtime);
  Deno.renameSync(`${at.path}/b/new`, `${at.path}/b/file`);
  assert.equal((await cache.persist({ run: "succeeded" }))[0]?.status, "persisted");
});

Deno.test("a failed run persists only volumes whose policy is always, an aborted run none, never never", async () => {
  await using at = rig();
  const cache = at.cache();
  await cache.restore("s", at.folder("s"));
  await cache.restore("a", at.folder("a"), { persist: "always" });
  await cache.restore("n", at.folder("n"), { persist: "never" });
  const statuses = async (run: "succeeded" | "failed" | "aborted") =>
    (await cache.persist({ run })).map((outcome) => outcome.status);
  assert.deepEqual(await statuses("aborted"), ["skipped", "skipped", "skipped"]);
  assert.deepEqual(await statuses("failed"), ["skipped", "persisted", "skipped"]);
});

Deno.test("a corrupt entry is a failed restore: the volume stays as it was, the entry is not overwritten", async () => {
  await using at = rig();
  await storeFile(at, "x");
  const info = await at.store.head(KEY);
  const bytes = await stored(at.store);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
  await at.store.put(KEY, sourceOf(bytes), { metadata: info?.metadata ?? {} });
  const before = await at.store.head(KEY);
  const cache = at.cache();
  assert.equal((await cache.restore("v", at.folder("b"))).status, "failed");
  assert.equal(exists(`${at.path}/b`), false);
  assert.deepEqual([...Deno.readDirSync(at.path)].filter((each) => each.name.includes("restoring")), []);
  Deno.mkdirSync(`${at.path}/b`);
  const [outcome] = await cache.persist({ run: "succeeded" });
  assert.deepEqual([outcome?.status, outcome?.status === "skipped" && outcome.reason], ["skipped", "restore-failed"]);
  assert.equal((await at.store.head(KEY))?.etag, before?.etag);
});

Deno.test("an entry cut short by the store is refused, whatever the compression", async () => {
  for (const compression of ["zstd", "gzip", "none"] as const) {
    await using at = rig();
    await storeFile(at, "x".repeat(5000), { compression });
    const key = { zstd: KEY, gzip: "p/v.tar.gzip", none: "p/v.tar" }[compression];
    const info = await at.store.head(key);
    const bytes = await stored(at.store, key);
    await at.store.put(key, sourceOf(bytes.subarray(0, bytes.length - 3)), { metadata: info?.metadata ?? {} });
    assert.equal((await at.cache({ compression }).restore("v", at.folder("b"))).status, "failed");
  }
});

Deno.test("an expired entry is a miss and is deleted", async () => {
  await using at = rig();
  await storeFile(at, "x", { now: () => 1_000_000 });
  const young = at.cache({ ttlMs: 1000, now: () => 1_000_999 });
  assert.equal((await young.restore("v", at.folder("b"))).status, "hit");
  const old = at.cache({ ttlMs: 1000, now: () => 1_001_001 });
  const outcome = await old.restore("v", at.folder("c"));
  assert.deepEqual([outcome.status, outcome.status === "miss" && outcome.reason], ["miss", "expired"]);
  assert.equal(await at.store.head(KEY), undefined);
});

for (const policy of ["newest", "keep"] as const) {
  Deno.test(`two runs that persist at once: with ${policy} one wins whole, and the other says so`, async () => {
    await using at = rig();
    await storeFile(at, "base");
    const [one, two] = [at.cache(), at.cache({ onConflict: policy })];
    await one.restore("v", at.folder("one"));
    await two.restore("v", at.folder("two"));
    Deno.writeTextFileSync(`${at.path}/one/file`, "from one");
    Deno.writeTextFileSync(`${at.path}/two/file`, "from two");
    assert.equal((await one.persist({ run: "succeeded" }))[0]?.status, "persisted");
    assert.equal((await two.persist({ run: "succeeded" }))[0]?.status, policy === "keep" ? "conflict" : "persisted");
    const conflict = at.events.find((event) => event.type === "volume-conflict");
    assert.deepEqual(conflict, {
      type: "volume-conflict",
      volume: "v",
      key: KEY,
      kept: policy === "keep" ? "theirs" : "ours",
    });
    await at.cache().restore("v", at.folder("after"));
    assert.equal(Deno.readTextFileSync(`${at.path}/after/file`), policy === "keep" ? "from one" : "from two");
  });
}

Deno.test("a source that fails midway uploads nothing", async () => {
  await using at = rig();
  const cache = at.cache();
  const failing: VolumeAccess = {
    kind: "tar",
    read: () => Promise.resolve(new ReadableStream({ start: (controller) => controller.error(new Error("gone")) })),
    write: () => Promise.resolve(),
  };
  await cache.restore("v", failing);
  const [outcome] = await cache.persist({ run: "succeeded" });
  assert.equal(outcome?.status, "failed");
  assert.equal(await at.store.head(KEY), undefined);
});

Deno.test("a tar volume is read and filled through streams, and unchanged uploads nothing", async () => {
  await using at = rig();
  makeSampleTree(`${at.path}/far`);
  const far = (folder: string): VolumeAccess => ({
    kind: "tar",
    read() {
      sh(`tar --format=pax -cf far.tar -C ${folder} .`, at.path);
      return Promise.resolve(ReadableStream.from([Deno.readFileSync(`${at.path}/far.tar`)]));
    },
    async write(tar) {
      Deno.writeFileSync(`${at.path}/in.tar`, await collect(tar));
      sh(`mkdir ${folder} && tar -xpf in.tar -C ${folder}`, at.path);
    },
  });
  const first = at.cache();
  await first.restore("v", far("far"));
  assert.equal((await first.persist({ run: "succeeded" }))[0]?.status, "persisted");
  const events: VolumeEvent["type"][] = [];
  const second = at.cache({ onEvent: (event) => events.push(event.type) });
  assert.equal((await second.restore("v", far("back"))).status, "hit");
  assert.equal((await second.persist({ run: "succeeded" }))[0]?.status, "unchanged");
  assert.ok(!events.includes("volume-persisting"), "nothing is compressed to find out that nothing changed");
  // As many bytes, the same second: only the content tells.
  sh(
    "touch -r back/plain.txt stamp && tr a-z b-za < back/plain.txt > other && cat other > back/plain.txt && touch -r stamp back/plain.txt",
    at.path,
  );
  const changed = at.cache();
  await changed.restore("v", far("back1"));
  sh("rm -rf back1 && cp -a back back1", at.path);
  assert.equal((await changed.persist({ run: "succeeded" }))[0]?.status, "persisted");
  sh("echo more >> back/plain.txt", at.path);
  const third = at.cache();
  await third.restore("v", far("back2"));
  sh("echo more >> back2/secret", at.path);
  assert.equal((await third.persist({ run: "succeeded" }))[0]?.status, "persisted");
});

Deno.test("a store that cannot be reached is a failed restore, never a miss", async () => {
  await using at = rig();
  const down: ObjectStore = {
    ...pick(at.store),
    get: () => Promise.reject(new Error("connection refused")),
  };
  const cache = at.cache({ store: down });
  assert.equal((await cache.restore("v", at.folder("b"))).status, "failed");
  assert.equal((await cache.persist({ run: "succeeded" }))[0]?.status, "skipped");
});

Deno.test("an abort during restore rejects with its reason and keeps the entry", async () => {
  await using at = rig();
  await storeFile(at, "x");
  const cache = at.cache();
  const reason = new Error("stop");
  await assert.rejects(cache.restore("v", at.folder("b"), { signal: AbortSignal.abort(reason) }), reason);
  assert.equal((await cache.persist({ run: "aborted" }))[0]?.status, "skipped");
  assert.notEqual(await at.store.head(KEY), undefined);
});
