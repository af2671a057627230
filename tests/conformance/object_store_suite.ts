// The contract of stores that volumes are kept in, as code: whole or not at all, conditions, ranges, metadata.

import assert from "node:assert/strict";
import type { ObjectSource, ObjectStore } from "../../lib/volume/mod.ts";

/** A store for one test. */
export interface StoreForTest extends AsyncDisposable {
  readonly store: ObjectStore;
  /** Unfinished uploads that are left behind; 0 where there is no such thing. */
  unfinished(): Promise<number>;
}

/** Bytes as a source that can be read again. */
export function sourceOf(bytes: Uint8Array): ObjectSource {
  return {
    size: bytes.length,
    sha256: "",
    open: ({ offset, length } = { offset: 0, length: bytes.length }) =>
      ReadableStream.from([bytes.slice(offset, offset + length)]),
  };
}

function text(value: string): ObjectSource {
  return sourceOf(new TextEncoder().encode(value));
}

async function read(
  store: ObjectStore,
  key: string,
  range?: { offset: number; length: number },
): Promise<string | undefined> {
  const object = await store.get(key, range === undefined ? {} : { range });
  return object === undefined ? undefined : await new Response(object.body).text();
}

/** More than one part. */
const LARGE_BYTES = 40 * 1024 * 1024 + 3;

/** Registers the suite for one kind of store. */
export function objectStoreSuite(name: string, open: () => Promise<StoreForTest>): void {
  const test = (what: string, run: (use: StoreForTest) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      await using use = await open();
      await run(use);
    });

  test("what was put comes back, whole or in part, with its metadata", async ({ store }) => {
    assert.equal(await store.head("p/a.tar"), undefined);
    assert.equal(await read(store, "p/a.tar"), undefined);
    const info = await store.put("p/a.tar", text("content"), { metadata: { "pivot-x": "1" } });
    assert.deepEqual(await store.head("p/a.tar"), info);
    assert.deepEqual([info.size, info.metadata["pivot-x"]], [7, "1"]);
    assert.equal(await read(store, "p/a.tar"), "content");
    assert.equal(await read(store, "p/a.tar", { offset: 3, length: 2 }), "te");
    await store.put("p/a b \u{1f600}.tar", text("odd"), { metadata: {} });
    assert.equal(await read(store, "p/a b \u{1f600}.tar"), "odd");
    await store.put("q", text(""), { metadata: {} });
    const keys = (await Array.fromAsync(store.list(""))).map((each) => each.key).sort();
    assert.deepEqual(keys, ["p/a b \u{1f600}.tar", "p/a.tar", "q"]);
    assert.equal((await Array.fromAsync(store.list("p/"))).length, 2);
  });

  test("conditions hold for put, get and delete", async ({ store }) => {
    const fails = { code: "precondition-failed" };
    const first = await store.put("a", text("1"), { metadata: {}, ifAbsent: true });
    await assert.rejects(store.put("a", text("2"), { metadata: {}, ifAbsent: true }), fails);
    const second = await store.put("a", text("two"), { metadata: {}, ifMatch: first.etag });
    assert.notEqual(second.etag, first.etag);
    await assert.rejects(store.put("a", text("3"), { metadata: {}, ifMatch: first.etag }), fails);
    await assert.rejects(store.get("a", { ifMatch: first.etag }), fails);
    await store.delete("a", { ifMatch: first.etag });
    assert.equal(await read(store, "a"), "two");
    await store.delete("a", { ifMatch: second.etag });
    await store.delete("a");
    assert.equal(await store.head("a"), undefined);
    await assert.rejects(store.put("a", text("3"), { metadata: {}, ifMatch: second.etag }), fails);
  });

  test("a large object goes in parts and comes back the same", async ({ store, unfinished }) => {
    const bytes = new Uint8Array(LARGE_BYTES).map((_, at) => at * 2654435761 >>> 13);
    const info = await store.put("large", sourceOf(bytes), { metadata: { "pivot-y": "2" }, ifAbsent: true });
    assert.deepEqual([info.size, info.metadata["pivot-y"]], [LARGE_BYTES, "2"]);
    const object = await store.get("large");
    assert.deepEqual(await new Response(object?.body).bytes(), bytes);
    await assert.rejects(store.put("large", sourceOf(bytes), { metadata: {}, ifAbsent: true }), {
      code: "precondition-failed",
    });
    assert.equal(await unfinished(), 0);
  });

  test("a source that fails midway leaves the old object and nothing half-done", async ({ store, unfinished }) => {
    await store.put("a", text("old"), { metadata: {} });
    for (const size of [10, LARGE_BYTES]) {
      const broken: ObjectSource = {
        size,
        sha256: "",
        open: (range) =>
          range !== undefined && range.offset === 0 && size > 10
            ? ReadableStream.from([new Uint8Array(range.length)])
            : new ReadableStream({ start: (controller) => controller.error(new Error("gone")) }),
      };
      await assert.rejects(store.put("a", broken, { metadata: {} }), /gone/);
    }
    assert.equal(await read(store, "a"), "old");
    assert.equal(await unfinished(), 0);
  });

  test("an aborted put leaves the old object and nothing half-done", async ({ store, unfinished }) => {
    await store.put("a", text("old"), { metadata: {} });
    const abort = new AbortController();
    const slow: ObjectSource = {
      size: LARGE_BYTES,
      sha256: "",
      open(range) {
        if (range === undefined || range.offset > 0) abort.abort(new Error("asked to stop"));
        return ReadableStream.from([new Uint8Array(range?.length ?? LARGE_BYTES)]);
      },
    };
    await assert.rejects(store.put("a", slow, { metadata: {}, signal: abort.signal }), /asked to stop/);
    assert.equal(await read(store, "a"), "old");
    assert.equal(await unfinished(), 0);
  });
}
