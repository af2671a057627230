// What is remembered of a remote: that it spares requests, and that it never outlives what it was true of.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { parseDigest, parseSha256, PivotError } from "../../../lib/core/mod.ts";
import { INDEX_TRUST_MS } from "../../../lib/remote/limits.ts";
import {
  type Backend,
  blobKey,
  directoryStore,
  knownBlobs,
  memoryBackend,
  memoryTable,
  Remote,
  RemoteConfig,
} from "../../../lib/remote/mod.ts";
import { addBlob, temporaryFolder } from "../../support/remote.ts";

const config = RemoteConfig.fromUrl("test", "memory://test");
const [one, two] = [parseDigest("0123456789abcdef"), parseDigest("fedcba9876543210")];

async function empty(backend: Backend): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of backend.list("")) keys.push(key);
  for (const key of keys) await backend.delete(key);
}

Deno.test("what is known belongs to one place; clearing forgets that place alone", () => {
  const table = memoryTable();
  const [here, there] = [knownBlobs(table, "s3://a"), knownBlobs(table, "s3://a/b")];
  here.add(one, 1);
  here.addRun(two);
  here.identify("id", 1);
  there.add(two, 2);
  assert.deepEqual([here.has(one), here.has(two), there.has(one), there.has(two)], [true, false, false, true]);
  assert.deepEqual([here.hasRun(two), here.hasRun(one), here.count()], [true, false, 1]);
  here.clear();
  assert.deepEqual([here.count(), here.hasRun(two), here.identity(), there.count()], [0, false, undefined, 1]);
});

Deno.test("a contradiction is believed, and makes the remote be asked who it is", () => {
  const known = knownBlobs(memoryTable(), "s3://a");
  known.identify("id", 1234);
  known.drop(one);
  assert.deepEqual(known.identity(), { id: "id", atMs: 1234 });
  known.add(one, 1);
  known.drop(one);
  assert.deepEqual([known.has(one), known.identity()], [false, { id: "id", atMs: 0 }]);
});

Deno.test("a remote that was emptied is noticed as soon as anything is asked; until then known blobs ask nothing", async () => {
  using folder = temporaryFolder();
  const [first, second] = [addBlob(folder.path, 10), addBlob(folder.path, 20)];
  const [backend, table] = [memoryBackend("test"), memoryTable()];
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend, table });
  await remote.push([first]);
  await empty(backend);
  assert.equal((await remote.push([first])).pushed.length, 0);
  assert.equal((await remote.push([first, second])).pushed.length, 2);
  await empty(backend);
  const said = remote.known.identity();
  assert.ok(said);
  remote.known.identify(said.id, Date.now() - INDEX_TRUST_MS - 1);
  assert.equal((await remote.push([first, second])).pushed.length, 2);
});

Deno.test("another remote under the same URL is not taken for the first, whatever it holds", async () => {
  using folder = temporaryFolder();
  const [first, second] = [addBlob(folder.path, 10), addBlob(folder.path, 20)];
  const table = memoryTable();
  const store = directoryStore(folder.path);
  const open = (backend: Backend) => Remote.fromConfig(config, { store, backend, table });
  await using before = await open(memoryBackend("test"));
  await before.push([first]);
  const remade = memoryBackend("test");
  await using other = await Remote.fromConfig(config, { store, backend: remade });
  await other.push([second]);
  await using after = await open(remade);
  const result = await after.push([first, second]);
  assert.deepEqual([result.pushed, result.skipped], [[first], [second]]);
  assert.ok(await remade.head(blobKey(first.digest)));
});

Deno.test("two first pushes agree on one id; one that may not write an id asks each time and succeeds", async () => {
  using folder = temporaryFolder();
  const blobs = [addBlob(folder.path, 10), addBlob(folder.path, 20)];
  const backend = memoryBackend("test");
  const store = directoryStore(folder.path);
  await using left = await Remote.fromConfig(config, { store, backend, table: memoryTable() });
  await using right = await Remote.fromConfig(config, { store, backend, table: memoryTable() });
  await Promise.all([left.push(blobs), right.push(blobs)]);
  assert.equal(left.known.identity()?.id, right.known.identity()?.id);

  const inner = memoryBackend("other");
  const denied: Backend = {
    ...inner,
    url: inner.url,
    put: (key, bytes, options) =>
      key === "pivot-remote-id"
        ? Promise.reject(new PivotError("no", { code: "remote-denied", kind: "remote", data: { reason: "denied" } }))
        : inner.put(key, bytes, options),
  };
  await using poor = await Remote.fromConfig(config, { store, backend: denied, table: memoryTable() });
  assert.equal((await poor.push(blobs)).pushed.length, 2);
  const again = await poor.push(blobs);
  assert.deepEqual([again.pushed.length, again.skipped.length, again.success], [0, 2, true]);
});

Deno.test("an id that is no id counts as none", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 10);
  const backend = memoryBackend("test");
  const bytes = new TextEncoder().encode("x".repeat(5000));
  const sha256 = parseSha256(createHash("sha256").update(bytes).digest("hex"));
  await backend.put("pivot-remote-id", bytes, { sha256 });
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  assert.equal((await remote.push([blob])).success, true);
  assert.equal(remote.known.identity(), undefined);
});
