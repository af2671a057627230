// What a gc of a remote leaves alone, and in which order it removes.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Digest, parseDigest, parseSha256 } from "../../../lib/core/mod.ts";
import {
  type Backend,
  blobKey,
  directoryStore,
  executeRemoteGc,
  memoryBackend,
  memoryTable,
  planRemoteGc,
  Remote,
  RemoteConfig,
} from "../../../lib/remote/mod.ts";
import { addBlob, temporaryFolder } from "../../support/remote.ts";

const DAY_MS = 86_400_000;
const config = RemoteConfig.fromUrl("test", "memory://test");
const [one, two, three] = ["1", "2", "3"].map((digit) => parseDigest(digit.repeat(16)));

/** A memory backend in which some objects look as old as they are said to be. */
function aged(inner: Backend, ageDays: (key: string) => number): Backend & { readonly deleted: string[] } {
  const deleted: string[] = [];
  const old = <Info extends { readonly key: string; readonly modifiedMs: number }>(info: Info): Info => ({
    ...info,
    modifiedMs: Date.now() - ageDays(info.key) * DAY_MS,
  });
  return {
    url: inner.url,
    deleted,
    async head(key, call) {
      const info = await inner.head(key, call);
      return info === undefined ? undefined : old(info);
    },
    get: (key, call) => inner.get(key, call),
    put: (key, bytes, call) => inner.put(key, bytes, call),
    async *list(prefix, call) {
      for await (const info of inner.list(prefix, call)) yield old(info);
    },
    delete: (key, call) => (deleted.push(key), inner.delete(key, call)),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

Deno.test("young shared runs keep old blobs; old ones go before their blobs; the remote gets a new id", async () => {
  assert.ok(one && two && three);
  using folder = temporaryFolder();
  const [kept, gone, wanted] = [10, 20, 30].map((size) => addBlob(folder.path, size));
  assert.ok(kept && gone && wanted);
  const young = `runs/${one.slice(0, 2)}/${one.slice(2)}.json`;
  const backend = aged(memoryBackend("test"), (key) => key === young ? 1 : 40);
  const table = memoryTable();
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend, table });
  await remote.push([kept, gone, wanted]);
  for (const [input, blobs] of [[one, [kept]], [two, [gone, wanted]], [three, [wanted]]] as const) {
    assert.equal(await remote.pushRun({ input, entry: {}, blobs }), "stored");
  }
  const id = remote.known.identity()?.id;
  const plan = await planRemoteGc({
    backend,
    wanted: new Set<Digest>([wanted.digest]),
    olderThanDays: 30,
    nowMs: Date.now(),
  });
  assert.deepEqual(plan.remove.map(({ digest }) => digest), [gone.digest]);
  const dead = `runs/${two.slice(0, 2)}/${two.slice(2)}.json`;
  assert.deepEqual(plan.runs.map(({ key }) => key), [dead]);
  await executeRemoteGc(plan, { backend, known: remote.known });
  assert.deepEqual(plan.claims.map(({ key }) => key.split("/")[0]), ["claims"]);
  const claims = plan.claims.map(({ key }) => key);
  assert.deepEqual(backend.deleted, [dead, blobKey(gone.digest), ...claims, "pivot-gc"]);
  assert.equal(remote.known.count(), 0);
  assert.equal((await remote.push([kept, wanted])).skipped.length, 2);
  assert.notEqual(remote.known.identity()?.id, id);
  assert.notEqual(remote.known.identity(), undefined);
});

Deno.test("an entry that nobody can read goes when it is old, and stays while it is young", async () => {
  assert.ok(one);
  const key = `runs/${one.slice(0, 2)}/${one.slice(2)}.json`;
  const bytes = new TextEncoder().encode('{"version": 1, "blobs');
  const sha256 = parseSha256(createHash("sha256").update(bytes).digest("hex"));
  for (const [days, expected] of [[40, [key]], [2, []]] as const) {
    const backend = aged(memoryBackend("test"), () => days);
    await backend.put(key, bytes, { sha256 });
    await backend.put("runs/notes.txt", bytes, { sha256 });
    const plan = await planRemoteGc({ backend, wanted: new Set(), olderThanDays: 30, nowMs: Date.now() });
    assert.deepEqual(plan.runs.map((object) => object.key), expected);
  }
});
