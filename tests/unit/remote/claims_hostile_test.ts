// What may go wrong around claims and the mark of a gc: strangers' objects, a gc that others took for dead, a line that breaks.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Digest, parseSha256, PivotError } from "../../../lib/core/mod.ts";
import { GcMark } from "../../../lib/remote/claims.ts";
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
const none = new Set<Digest>();

async function put(backend: Backend, key: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await backend.put(key, bytes, { sha256: parseSha256(createHash("sha256").update(bytes).digest("hex")) });
}

async function textOf(backend: Backend, key: string): Promise<string | undefined> {
  const found = await backend.get(key);
  return found === undefined ? undefined : await new Response(found.body).text();
}

const inForty = () => Date.now() + 40 * DAY_MS;

Deno.test("strangers' objects beside claims, blobs and runs stop no gc and are never removed, however old", async () => {
  using folder = temporaryFolder();
  const backend = memoryBackend("test");
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  const blob = addBlob(folder.path, 10);
  await remote.push([blob]);
  const foreign = [
    "claims/2024/car.pdf",
    "claims/README",
    "files/ab/notes.txt",
    "files/x",
    "runs/ab/y.json",
    "pivot-gc.txt",
  ];
  for (const key of foreign) await put(backend, key, "mine");
  const upload = await backend.parts?.begin("files/holiday.mov", { sha256: parseSha256("0".repeat(64)), size: 1 });
  assert.ok(upload);
  await planRemoteGc({ backend, wanted: none, olderThanDays: 1, nowMs: Date.now() });
  const plan = await planRemoteGc({ backend, wanted: none, olderThanDays: 1, nowMs: inForty() });
  assert.deepEqual(plan.claims.map(({ key }) => /^claims\/[0-9a-f]{32}$/.test(key)), [true]);
  assert.equal((await executeRemoteGc(plan, { backend, known: remote.known })).files, 1);
  for (const key of foreign) assert.equal(await textOf(backend, key), "mine", key);
  assert.equal((await backend.parts?.list(""))?.length, 1, "an upload of somebody else goes on");
});

Deno.test("a gc that others took for dead touches neither their mark nor any object when it wakes", async () => {
  const backend = memoryBackend("test");
  const now = Date.now;
  const every = globalThis.setInterval;
  let renew = (): unknown => undefined;
  globalThis.setInterval =
    ((act: () => unknown) => (renew = act, every(() => undefined, DAY_MS))) as typeof setInterval;
  try {
    const mark = await GcMark.set({ backend });
    const first = await textOf(backend, "pivot-gc");
    await renew();
    assert.notEqual(await textOf(backend, "pivot-gc"), first, "a living gc renews its mark");
    await put(backend, "pivot-gc", "the mark of somebody else");
    Date.now = () => now() + 3_600_000;
    await renew();
    assert.throws(() => mark.check(), (error) => error instanceof PivotError && error.code === "gc-mark-lost");
    await mark[Symbol.asyncDispose]();
    assert.equal(await textOf(backend, "pivot-gc"), "the mark of somebody else");
  } finally {
    Date.now = now;
    globalThis.setInterval = every;
  }
});

Deno.test("a line that breaks during a gc is told as what it is, also when the mark cannot be removed", async () => {
  using folder = temporaryFolder();
  const backend = memoryBackend("test");
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await remote.push([addBlob(folder.path, 10)]);
  const broken: Backend = {
    ...backend,
    delete: () => Promise.reject(new PivotError("no line", { code: "remote-unreachable", kind: "remote" })),
  };
  const plan = await planRemoteGc({ backend, wanted: none, olderThanDays: 1, nowMs: inForty() });
  const collecting = executeRemoteGc(plan, { backend: broken, known: remote.known });
  await assert.rejects(collecting, (error) => error instanceof PivotError && error.code === "remote-unreachable");
});

Deno.test("a push that waited for a gc claims again: the gc may have removed its claim as an old one", async () => {
  using folder = temporaryFolder();
  const backend = memoryBackend("test");
  const blob = addBlob(folder.path, 10);
  await put(backend, "pivot-gc", "a gc");
  const gc: Backend = {
    ...backend,
    async get(key, call) {
      const found = await backend.get(key, call);
      if (key !== "pivot-gc" || found === undefined) return found;
      // It saw the claim as it was before, removes it, and ends.
      for (const { key } of await Array.fromAsync(backend.list("claims/"))) await backend.delete(key);
      await backend.delete("pivot-gc");
      return found;
    },
  };
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend: gc });
  assert.equal((await remote.push([blob], { pollMs: 1 })).success, true);
  assert.equal((await Array.fromAsync(backend.list("claims/"))).length, 1);
});

Deno.test("an old broken-off upload that a push has claimed, and may be resuming, is not aborted", async () => {
  using folder = temporaryFolder();
  const backend = memoryBackend("test");
  const [resumed, given] = [addBlob(folder.path, 10), addBlob(folder.path, 20)];
  for (const { digest, size } of [resumed, given]) {
    await backend.parts?.begin(blobKey(digest), { sha256: parseSha256("0".repeat(64)), size });
  }
  const plan = await planRemoteGc({ backend, wanted: none, olderThanDays: 1, nowMs: inForty() });
  assert.equal(plan.abandoned.length, 2);
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await remote.planPush([resumed]);
  // The claim is young by the plan's own clock, which is forty days ahead.
  await executeRemoteGc({ ...plan, beforeMs: Date.now() - DAY_MS }, { backend, known: remote.known });
  assert.deepEqual((await backend.parts?.list(""))?.map(({ key }) => key), [blobKey(resumed.digest)]);
});

Deno.test("an index that another machine's gc made wrong is forgotten before anything rests on it", async () => {
  using folder = temporaryFolder();
  const backend = memoryBackend("test");
  const blobs = [addBlob(folder.path, 10), addBlob(folder.path, 20)];
  const store = directoryStore(folder.path);
  await using here = await Remote.fromConfig(config, { store, backend, table: memoryTable() });
  await using there = await Remote.fromConfig(config, { store, backend, table: memoryTable() });
  await here.push(blobs);
  const plan = await planRemoteGc({ backend, wanted: none, olderThanDays: 1, nowMs: inForty() });
  assert.equal((await executeRemoteGc(plan, { backend, known: there.known })).files, 2);
  // Another set of blobs than the claimed one: the remote is asked who it is, and all that was known goes.
  const more = [...blobs, addBlob(folder.path, 30)];
  assert.equal((await here.push(more)).pushed.length, 3);
  for (const { digest } of more) assert.equal(await here.has(digest), true);
});
