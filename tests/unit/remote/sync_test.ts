// Push and pull, planned and carried out, over a memory and a folder backend.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createPool } from "../../../lib/pool/mod.ts";
import { blobKey, directoryStore, memoryBackend, memoryTable, Remote, RemoteConfig } from "../../../lib/remote/mod.ts";
import { executeRemoteGc, planRemoteGc, pullRun, pushRun, remoteCheck } from "../../../lib/remote/mod.ts";
import { type Digest, parseDigest, parseSha256 } from "../../../lib/core/mod.ts";
import type { Backend } from "../../../lib/remote/mod.ts";
import { addBlob, temporaryFolder } from "../../support/remote.ts";

const sha256Of = (bytes: Uint8Array) => parseSha256(createHash("sha256").update(bytes).digest("hex"));

/** Counts calls. */
function counted(inner: Backend): Backend & { readonly calls: () => number } {
  let calls = 0;
  const count = <Value>(value: Value): Value => (calls++, value);
  return {
    url: inner.url,
    head: (key, call) => count(inner.head(key, call)),
    get: (key, call) => count(inner.get(key, call)),
    put: (key, bytes, call) => count(inner.put(key, bytes, call)),
    list: (prefix, call) => count(inner.list(prefix, call)),
    delete: (key, call) => count(inner.delete(key, call)),
    ...(inner.parts === undefined ? {} : { parts: inner.parts }),
    calls: () => calls,
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

const config = RemoteConfig.fromUrl("test", "memory://test");

Deno.test("what one pushes another pulls, small, empty and in parts; a second time moves nothing and asks nothing", async () => {
  using folder = temporaryFolder();
  const [here, there] = [`${folder.path}/here`, `${folder.path}/there`];
  const blobs = [0, 1, 1000, 17 * 1024 * 1024].map((size) => addBlob(here, size));
  const backend = counted(memoryBackend("test"));
  const table = memoryTable();
  const first = await Remote.fromConfig(config, { store: directoryStore(here), backend, table });
  const pushed = await first.push(blobs);
  assert.deepEqual([pushed.pushed.length, pushed.errors, pushed.success], [4, [], true]);
  const before = backend.calls();
  assert.equal((await first.push(blobs)).skipped.length, 4);
  assert.equal(backend.calls(), before);

  const second = await Remote.fromConfig(config, { store: directoryStore(there), backend });
  const pulled = await second.fetch(blobs);
  assert.deepEqual([pulled.pulled.length, pulled.success], [4, true]);
  for (const { digest } of blobs) {
    assert.deepEqual(Deno.readFileSync(`${there}/${blobKey(digest)}`), Deno.readFileSync(`${here}/${blobKey(digest)}`));
  }
  assert.equal((await second.fetch(blobs)).skipped.length, 4);
});

Deno.test("missing and altered blobs are named failures, and the rest is pushed", async () => {
  using folder = temporaryFolder();
  const blobs = [10, 20, 30, 18 * 1024 * 1024].map((size) => addBlob(folder.path, size));
  const [missing, altered, fine, large] = blobs;
  assert.ok(missing && altered && fine && large);
  Deno.removeSync(`${folder.path}/${blobKey(missing.digest)}`);
  for (const blob of [altered, large]) {
    Deno.writeFileSync(`${folder.path}/${blobKey(blob.digest)}`, new Uint8Array(blob.size));
  }
  await using remote = await Remote.fromConfig(config, {
    store: directoryStore(folder.path),
    backend: memoryBackend("test"),
  });
  const result = await remote.push(blobs);
  assert.deepEqual(result.pushed, [fine]);
  assert.deepEqual(result.errors.map(({ error }) => error.code).sort(), [
    "blob-altered",
    "blob-altered",
    "blob-missing",
  ]);
  assert.ok(result.errors.every(({ blob, error }) => error.message.includes(blob.label)));
  assert.equal(await remote.has(altered.digest), false);
  assert.equal([...Deno.readDirSync(`${folder.path}/quarantine`)].length, 2);
});

Deno.test("no wrong byte enters the cache, and the same name with other content is never overwritten", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(`${folder.path}/here`, 100);
  const backend = memoryBackend("test");
  const forged = new Uint8Array(100);
  await backend.put(blobKey(blob.digest), forged, { sha256: sha256Of(forged) });
  await using pull = await Remote.fromConfig(config, { store: directoryStore(`${folder.path}/there`), backend });
  const pulled = await pull.fetch([blob]);
  assert.deepEqual(pulled.errors.map(({ error }) => [error.code, error.exitCode]), [["remote-blob-altered", 12]]);
  assert.deepEqual([...Deno.readDirSync(`${folder.path}/there/tmp`)], []);
  await using push = await Remote.fromConfig(config, { store: directoryStore(`${folder.path}/here`), backend });
  const pushed = await push.push([blob], { force: true });
  assert.deepEqual(pushed.errors.map(({ error }) => [error.code, error.exitCode]), [["remote-content-conflict", 12]]);
  assert.equal((await backend.head(blobKey(blob.digest)))?.sha256, sha256Of(forged));
});

Deno.test("a blob deleted behind our back is a named failure, and the next push sends it again", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(`${folder.path}/here`, 100);
  const [backend, table] = [memoryBackend("test"), memoryTable()];
  await using push = await Remote.fromConfig(config, { store: directoryStore(`${folder.path}/here`), backend, table });
  await push.push([blob]);
  await backend.delete(blobKey(blob.digest));
  await using pull = await Remote.fromConfig(config, { store: directoryStore(`${folder.path}/there`), backend, table });
  const failed = await pull.fetch([blob]);
  assert.deepEqual(failed.errors.map(({ error }) => error.exitCode), [13]);
  assert.equal((await push.push([blob])).pushed.length, 1);
  assert.equal((await pull.fetch([blob])).success, true);
});

Deno.test("gc removes what is old and unwanted, and nothing that is not named like a blob", async () => {
  using folder = temporaryFolder();
  const [wanted, unwanted] = [addBlob(folder.path, 10), addBlob(folder.path, 20)];
  assert.ok(wanted && unwanted);
  const backend = memoryBackend("test");
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await remote.push([wanted, unwanted]);
  const note = new TextEncoder().encode("not ours");
  await backend.put("files/readme.txt", note, { sha256: sha256Of(note) });
  const options = { backend, wanted: new Set<Digest>([wanted.digest]), olderThanDays: 7 };
  assert.equal((await planRemoteGc({ ...options, nowMs: Date.now() })).remove.length, 0);
  const plan = await planRemoteGc({ ...options, nowMs: Date.now() + 8 * 86_400_000 });
  assert.deepEqual([plan.remove.map(({ digest }) => digest), plan.foreign], [[unwanted.digest], 1]);
  assert.deepEqual(await executeRemoteGc(plan, { backend, known: remote.known }), { files: 1, bytes: 20 });
  assert.deepEqual(await remote.status([wanted, unwanted]), {
    ahead: { files: 1, bytes: 20 },
    behind: { files: 0, bytes: 0 },
    same: { files: 1, bytes: 10 },
    lost: { files: 0, bytes: 0 },
  });
});

Deno.test("a check tries every ability and leaves nothing behind", async () => {
  const backend = memoryBackend("test");
  const steps = await remoteCheck(backend);
  assert.deepEqual(
    steps.map(({ name, error }) => [name, error]),
    ["reach", "credentials", "write", "read", "clock", "list", "delete"].map((name) => [name, undefined]),
  );
  for await (const info of backend.list("")) assert.fail(info.key);
});

Deno.test("a run is shared only when its blobs are there, and comes back as it was", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 10);
  const backend = memoryBackend("test");
  const run = { input: parseDigest("0123456789abcdef"), entry: { runId: "r1", outs: ["out.txt"] }, blobs: [blob] };
  assert.equal(await pushRun(backend, run), "incomplete");
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await remote.push([blob]);
  assert.equal(await pullRun(backend, run.input), undefined);
  assert.equal(await pushRun(backend, run), "stored");
  assert.equal(await pushRun(backend, run), "exists");
  assert.deepEqual((await pullRun(backend, run.input))?.entry, run.entry);
});

Deno.test("a cancelled push stops with the reason, and leaves no parts behind", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 40 * 1024 * 1024);
  const backend = memoryBackend("test");
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  const stop = new AbortController();
  const onEvent = ({ type }: { readonly type: string }) => type === "progress" && stop.abort(new Error("enough"));
  await assert.rejects(remote.push([blob], { signal: stop.signal, onEvent }), /enough/);
  assert.deepEqual(await backend.parts?.list(""), []);
  assert.equal(await remote.has(blob.digest), false);
});

Deno.test("an upload that broke off is resumed with the parts that arrived", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 40 * 1024 * 1024);
  const backend = memoryBackend("test");
  const { parts } = backend;
  assert.ok(parts);
  let sends = 0;
  const flaky: Backend = {
    ...backend,
    parts: {
      ...parts,
      send: (upload, part, call) => {
        if (++sends === 3) throw new Error("the line broke");
        return parts.send(upload, part, call);
      },
    },
  };
  await using broken = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend: flaky });
  await assert.rejects(broken.push([blob]), /the line broke/);
  const arrived = sends - 1;
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend: flaky });
  assert.equal((await remote.push([blob])).success, true);
  assert.equal(sends - 1 - arrived, 5 - arrived);
  assert.deepEqual(await parts.list(""), []);
});

Deno.test("workers with scoped permissions do the same over a folder", async () => {
  using folder = temporaryFolder();
  const [here, there] = [`${folder.path}/here`, `${folder.path}/there`];
  const blobs = [0, 1, 1000, 17 * 1024 * 1024].map((size) => addBlob(here, size));
  Deno.mkdirSync(there);
  await using pool = createPool({
    transfer: {
      permissions: { read: true, write: [folder.path], env: true, sys: true, net: false },
      size: 2,
      jobsPerWorker: 4,
    },
  });
  const onDisk = RemoteConfig.fromUrl("disk", `file://${folder.path}/remote`);
  await using first = await Remote.fromConfig(onDisk, { store: directoryStore(here), pool, jobs: 8 });
  assert.deepEqual((await first.push(blobs)).errors, []);
  await using second = await Remote.fromConfig(onDisk, { store: directoryStore(there), pool, jobs: 8 });
  assert.deepEqual((await second.fetch(blobs)).errors, []);
  assert.deepEqual((await second.fetch(blobs)).skipped.length, 4);
});
