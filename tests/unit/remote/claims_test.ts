// Pushes and garbage collections at the same time, in every order of their requests: what a push said is there stays there.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Digest, parseSha256, PivotError, type Sha256 } from "../../../lib/core/mod.ts";
import {
  type Backend,
  blobKey,
  type BlobRequest,
  directoryStore,
  executeRemoteGc,
  memoryBackend,
  planRemoteGc,
  Remote,
  RemoteConfig,
} from "../../../lib/remote/mod.ts";
import { addBlob, temporaryFolder } from "../../support/remote.ts";

const DAY_MS = 86_400_000;
const config = RemoteConfig.fromUrl("test", "memory://test");

/** A server whose objects can be made to look forty days old. */
interface Server {
  readonly backend: Backend;
  /** All that is there now becomes old. */
  age(): void;
}

function server(): Server {
  const inner = memoryBackend("test");
  const born = new Map<string, number>();
  const dated = <Info extends { readonly key: string; readonly modifiedMs: number }>(info: Info): Info => ({
    ...info,
    modifiedMs: born.get(info.key) ?? info.modifiedMs,
  });
  return {
    age() {
      for (const key of born.keys()) born.set(key, Date.now() - 40 * DAY_MS);
    },
    backend: {
      url: inner.url,
      async head(key, call) {
        const info = await inner.head(key, call);
        return info === undefined ? undefined : dated(info);
      },
      get: (key, call) => inner.get(key, call),
      async put(key, bytes, call) {
        const done = await inner.put(key, bytes, call);
        if (done === "stored") born.set(key, Date.now());
        return done;
      },
      async *list(prefix, call) {
        for await (const info of inner.list(prefix, call)) yield dated(info);
      },
      delete: (key, call) => inner.delete(key, call),
      [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
    },
  };
}

/** Lets requests of several clients through one at a time, in the order that the letters of `order` say; then as they come. */
class Turns {
  readonly #order: string[];
  readonly #waiting = new Map<string, (() => void)[]>();
  readonly #ended = new Set<string>();
  #busy = false;
  /** What really happened, a letter per request. */
  trace = "";

  constructor(order: string) {
    this.#order = [...order];
  }

  client(name: string, backend: Backend): Backend {
    const turn = <Result>(act: () => Promise<Result>): Promise<Result> => this.#take(name, act);
    return {
      url: backend.url,
      head: (key, call) => turn(() => backend.head(key, call)),
      get: (key, call) => turn(() => backend.get(key, call)),
      put: (key, bytes, call) => turn(() => backend.put(key, bytes, call)),
      list: (prefix, call) => {
        const all = turn(() => Array.fromAsync(backend.list(prefix, call)));
        return (async function* () {
          yield* await all;
        })();
      },
      delete: (key, call) => turn(() => backend.delete(key, call)),
      [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
    };
  }

  end(name: string): void {
    this.#ended.add(name);
    this.#next();
  }

  async #take<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(name, [...this.#waiting.get(name) ?? [], resolve]);
    this.#next();
    await promise;
    this.trace += name;
    try {
      return await act();
    } finally {
      this.#busy = false;
      // A client that asks again at once is heard before the next turn is given.
      setTimeout(() => this.#next(), 0);
    }
  }

  #next(): void {
    if (this.#busy) return;
    while (this.#order[0] !== undefined && this.#ended.has(this.#order[0])) this.#order.shift();
    const wanted = this.#order[0] ?? [...this.#waiting].find(([, queue]) => queue.length > 0)?.[0];
    const go = wanted === undefined ? undefined : this.#waiting.get(wanted)?.shift();
    if (go === undefined) return;
    this.#order.shift();
    this.#busy = true;
    go();
  }
}

/** All orders in which the clients take turns up to four times: g…p…g…p… and p…g…p…g…. */
function* orders(): Generator<string> {
  const [push, gc] = [6, 14];
  for (let first = 0; first <= gc; first++) {
    for (let second = 1; second <= push; second++) {
      for (let third = 1; third <= 4; third++) {
        yield "g".repeat(first) + "p".repeat(second) + "g".repeat(third) + "p".repeat(push);
        yield "p".repeat(second) + "g".repeat(first) + "p".repeat(third) + "g".repeat(gc);
      }
    }
  }
}

async function has(backend: Backend, { digest }: BlobRequest): Promise<boolean> {
  return await backend.head(blobKey(digest)) !== undefined;
}

Deno.test("a blob that a push found on the remote survives a gc that runs at the same time, in any order", async () => {
  using folder = temporaryFolder();
  const reused = addBlob(folder.path, 10);
  const lost = new Set<string>();
  const traces = new Set<string>();
  let removed = 0;
  for (const order of orders()) {
    const { backend, age } = server();
    await using before = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
    await before.push([reused]);
    age();
    const turns = new Turns(order);
    const pushing = (async () => {
      const own = turns.client("p", backend);
      await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend: own });
      const result = await remote.push([reused], { pollMs: 1 });
      turns.end("p");
      return result;
    })();
    const collecting = (async () => {
      const own = turns.client("g", backend);
      const known = before.known;
      const plan = await planRemoteGc({
        backend: own,
        wanted: new Set<Digest>(),
        olderThanDays: 30,
        nowMs: Date.now(),
        jobs: 1,
      });
      const done = await executeRemoteGc(plan, { backend: own, known, jobs: 1, pollMs: 1 });
      turns.end("g");
      return done;
    })();
    const [result, gone] = await Promise.all([pushing, collecting]);
    assert.equal(result.success, true);
    removed += gone.files;
    traces.add(turns.trace);
    if (!await has(backend, reused)) lost.add(turns.trace);
    assert.equal(await backend.head("pivot-gc"), undefined, "the mark of the gc is gone");
  }
  assert.deepEqual([...lost], []);
  assert.ok(traces.size > 100, `${traces.size} orders were tried`);
  assert.ok(removed > 0, "in some orders the gc was first");
});

Deno.test("a push waits while the mark of a gc stands and is renewed, and tells so once", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 10);
  const { backend } = server();
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await putMark(backend, "1");
  let told = 0;
  const waiting = Promise.withResolvers<void>();
  const pushing = remote.push([blob], { pollMs: 1, onWait: () => (told++, waiting.resolve()) });
  await waiting.promise;
  for (let turn = 0; turn < 5; turn++) {
    await putMark(backend, String(turn));
    assert.equal(await has(backend, blob), false, "nothing is sent while the mark stands");
  }
  await backend.delete("pivot-gc");
  assert.equal((await pushing).pushed.length, 1);
  assert.equal(told, 1);
});

Deno.test("waiting for a gc ends with the signal's reason", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 10);
  const { backend } = server();
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await putMark(backend, "1");
  const controller = new AbortController();
  const reason = new Error("enough");
  const pushing = remote.push([blob], { signal: controller.signal, onWait: () => controller.abort(reason) });
  await assert.rejects(pushing, reason);
});

Deno.test("the mark of a gc that was killed holds nobody up for ever", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 10);
  const { backend } = server();
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await putMark(backend, "dead");
  const now = performance.now;
  let looks = 0;
  performance.now = () => now.call(performance) + 60_000 * looks++;
  try {
    const result = await remote.push([blob], { pollMs: 1 });
    assert.equal(result.pushed.length, 1);
  } finally {
    performance.now = now;
  }
  assert.equal(await backend.head("pivot-gc"), undefined);
});

Deno.test("a gc that slept too long stops before it removes more", async () => {
  using folder = temporaryFolder();
  const [first, second] = [addBlob(folder.path, 10), addBlob(folder.path, 20)];
  const { backend, age } = server();
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await remote.push([first, second]);
  age();
  const plan = await planRemoteGc({ backend, wanted: new Set(), olderThanDays: 30, nowMs: Date.now(), jobs: 1 });
  assert.equal(plan.remove.length, 2);
  const now = Date.now;
  let sleptMs = 0;
  const sleepy: Backend = {
    ...backend,
    async delete(key, call) {
      await backend.delete(key, call);
      if (key.startsWith("files/")) sleptMs = 3 * 60_000;
    },
  };
  Date.now = () => now() + sleptMs;
  try {
    const collecting = executeRemoteGc(plan, { backend: sleepy, known: remote.known, jobs: 1 });
    await assert.rejects(collecting, (error) => error instanceof PivotError && error.code === "gc-mark-lost");
  } finally {
    Date.now = now;
  }
  const left = [await has(backend, first), await has(backend, second)].filter((isThere) => isThere);
  assert.equal(left.length, 1);
});

Deno.test("a claim that this version cannot read stops a gc by name; nothing is removed", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 10);
  const { backend, age } = server();
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await remote.push([blob]);
  age();
  const bytes = new TextEncoder().encode("pivot claim 2\n");
  await backend.put(`claims/${"a".repeat(32)}`, bytes, { sha256: sha256Of(bytes) });
  const planning = planRemoteGc({ backend, wanted: new Set(), olderThanDays: 30, nowMs: Date.now() });
  await assert.rejects(planning, (error) => error instanceof PivotError && /claims\/a{32}/.test(error.message));
  assert.equal(await has(backend, blob), true);
});

Deno.test("a plan that is only shown claims nothing; blobs pushed again renew their claim", async () => {
  using folder = temporaryFolder();
  const blob = addBlob(folder.path, 10);
  const { backend, age } = server();
  const claims = async () => await Array.fromAsync(backend.list("claims/"));
  await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await remote.planPush([blob], { dryRun: true });
  assert.deepEqual(await claims(), []);
  await remote.push([blob]);
  const [first] = await claims();
  age();
  await using again = await Remote.fromConfig(config, { store: directoryStore(folder.path), backend });
  await again.push([blob]);
  const [second, ...more] = await claims();
  assert.deepEqual(more, []);
  assert.equal(second?.key, first?.key);
  assert.ok((second?.modifiedMs ?? 0) > Date.now() - DAY_MS);
});

async function putMark(backend: Backend, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await backend.put("pivot-gc", bytes, { sha256: sha256Of(bytes) });
}

function sha256Of(bytes: Uint8Array): Sha256 {
  return parseSha256(createHash("sha256").update(bytes).digest("hex"));
}
