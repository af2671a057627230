// The contract of a backend, as tests. Every backend and every decorator runs them.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { parseSha256, type Sha256 } from "../../lib/core/mod.ts";
import type { Backend, ObjectInfo } from "../../lib/remote/backends/backend.ts";
import { reasonOf } from "../../lib/remote/backends/problems.ts";
import { readUpTo } from "../../lib/remote/backends/streams.ts";

const LIMIT = 64 * 1024 * 1024;

export function sha256Of(bytes: Uint8Array): Sha256 {
  return parseSha256(createHash("sha256").update(bytes).digest("hex"));
}

export async function bytesOf(backend: Backend, key: string): Promise<Uint8Array | undefined> {
  const found = await backend.get(key);
  return found === undefined ? undefined : await readUpTo(found.body, LIMIT);
}

export async function listed(backend: Backend, prefix: string, after?: string): Promise<ObjectInfo[]> {
  const found: ObjectInfo[] = [];
  for await (const info of backend.list(prefix, after === undefined ? {} : { after })) found.push(info);
  return found;
}

async function collision(promise: Promise<unknown>): Promise<string | undefined> {
  return await promise.then(() => "nothing was thrown", reasonOf);
}

/** Runs the contract against the backends that `open` makes; each call gets an empty place. */
export async function backendSuite(
  t: Deno.TestContext,
  open: () => Promise<Backend> | Backend,
  quirks: { readonly weakServer?: boolean } = {},
): Promise<void> {
  const text = new TextEncoder();
  const step = async (name: string, body: (backend: Backend) => Promise<void>): Promise<void> => {
    await t.step(name, async () => {
      await using backend = await open();
      await body(backend);
    });
  };

  await step("a miss is a value", async (backend) => {
    assert.equal(await backend.head("files/aa/none"), undefined);
    assert.equal(await backend.get("files/aa/none"), undefined);
    await backend.delete("files/aa/none");
    assert.deepEqual(await listed(backend, "files/"), []);
  });

  await step("an object comes back whole, with size and SHA-256", async (backend) => {
    for (const size of [0, 1, 70_000, 6_000_000]) {
      const bytes = new Uint8Array(randomBytes(size));
      const key = `files/aa/${size}`;
      assert.equal(await backend.put(key, bytes, { sha256: sha256Of(bytes) }), "stored");
      const info = await backend.head(key);
      assert.equal(info?.size, size);
      assert.equal(info?.sha256, sha256Of(bytes));
      assert.deepEqual(await bytesOf(backend, key), bytes);
    }
  });

  await step("a range holds exactly the bytes asked for", async (backend) => {
    const bytes = text.encode("0123456789");
    await backend.put("files/r", bytes, { sha256: sha256Of(bytes) });
    // s3rver takes "bytes=0-0" for the whole object.
    const first = quirks.weakServer === true ? 2 : 1;
    for (const [start, end] of [[0, first], [3, 7], [9, 10], [0, 10], [4, 4]] as const) {
      const found = await backend.get("files/r", { range: { start, end } });
      assert.ok(found);
      assert.equal(found.info.size, 10);
      assert.deepEqual(await readUpTo(found.body, 100), bytes.slice(start, end));
    }
  });

  await step("a listing is in code-unit order, below its prefix, from after a key", async (backend) => {
    // s3rver orders folder by folder, and cannot say what it knows of unfinished uploads.
    const between = quirks.weakServer === true ? "files/Zz" : "files/a-";
    const keys = ["files/b", "files/a/2", "files/a/10", "files-other", "x", "files/Z", between];
    for (const key of keys) await backend.put(key, text.encode(key), { sha256: sha256Of(text.encode(key)) });
    const order = ["files/Z", between, "files/a/10", "files/a/2", "files/b"];
    assert.deepEqual((await listed(backend, "files/")).map(({ key }) => key), order);
    assert.deepEqual((await listed(backend, "files/", "files/a/10")).map(({ key }) => key), order.slice(3));
    assert.equal((await listed(backend, "files/b"))[0]?.size, 7);
  });

  await step("put() with ifAbsent leaves what is there alone", async (backend) => {
    const [first, second] = [text.encode("first"), text.encode("second")];
    assert.equal(await backend.put("files/c", first, { sha256: sha256Of(first), ifAbsent: true }), "stored");
    assert.equal(await backend.put("files/c", second, { sha256: sha256Of(second), ifAbsent: true }), "exists");
    assert.deepEqual(await bytesOf(backend, "files/c"), first);
    assert.equal(await backend.put("files/c", second, { sha256: sha256Of(second) }), "stored");
    assert.deepEqual(await bytesOf(backend, "files/c"), second);
  });

  await step("bytes that do not match their SHA-256 are refused, where the place checks", async (backend) => {
    const bytes = text.encode("right");
    const why = await collision(backend.put("files/w", bytes, { sha256: sha256Of(text.encode("wrong")) }));
    if (why === "nothing was thrown") return; // s3rver checks nothing; readers do.
    assert.equal(why, "bad-checksum");
    assert.equal(await backend.head("files/w"), undefined);
  });

  await step("the same key written by many at once is one of them, whole", async (backend) => {
    const versions = Array.from({ length: 8 }, (_, index) => new Uint8Array(50_000).fill(index));
    await Promise.all(versions.map((bytes) => backend.put("files/m", bytes, { sha256: sha256Of(bytes) })));
    const found = await bytesOf(backend, "files/m");
    assert.equal(found?.length, 50_000);
    assert.equal(new Set(found).size, 1);
  });

  await step("an aborted call has no effect and rejects with the reason", async (backend) => {
    const signal = AbortSignal.abort(new Error("changed my mind"));
    const bytes = text.encode("never");
    await assert.rejects(backend.put("files/n", bytes, { sha256: sha256Of(bytes), signal }), /changed my mind/);
    await assert.rejects(backend.head("files/n", { signal }), /changed my mind/);
    await assert.rejects(backend.get("files/n", { signal }), /changed my mind/);
    assert.equal(await backend.head("files/n"), undefined);
  });

  await step("an upload in parts is invisible until it is complete, and never overwrites", async (backend) => {
    const { parts } = backend;
    if (parts === undefined) return;
    const bytes = new Uint8Array(randomBytes(5 * 1024 * 1024 + 77));
    const cut = 5 * 1024 * 1024;
    const options = { sha256: sha256Of(bytes), size: bytes.length };
    const upload = await parts.begin("files/p", options);
    const second = await parts.send(upload, { number: 2, bytes: bytes.subarray(cut) });
    const first = await parts.send(upload, { number: 1, bytes: bytes.subarray(0, cut) });
    assert.equal(await backend.head("files/p"), undefined);
    assert.equal(await parts.complete(upload, [first, second], {}), "stored");
    assert.equal(await parts.complete(upload, [first, second], {}), "exists", "as if the first answer was lost");
    assert.deepEqual(await bytesOf(backend, "files/p"), bytes);
    assert.equal((await backend.head("files/p"))?.sha256, options.sha256);
    const late = await parts.begin("files/p", options);
    const only = await parts.send(late, { number: 1, bytes: bytes.subarray(0, 9) });
    assert.equal(await parts.complete(late, [only], {}), "exists");
    assert.deepEqual(await bytesOf(backend, "files/p"), bytes);
    const abandoned = await parts.begin("files/q", options);
    await parts.abort(abandoned);
    await parts.abort(abandoned);
    if (quirks.weakServer !== true) assert.equal((await parts.list("files/")).length, 0);
  });
}
