// A folder store on a disk that does not do what it should.

import assert from "node:assert/strict";
import { FolderStore, openVolumeStore } from "../../../lib/volume/mod.ts";
import { archivePool, collect, tempFolder } from "./helpers.ts";

const SOURCE = {
  size: 4,
  sha256: "",
  open: () => ReadableStream.from([new TextEncoder().encode("text")]),
};

Deno.test("metadata that cannot be read is none: the volume is there, without a record", async () => {
  using temp = tempFolder();
  await using pool = archivePool();
  const store = new FolderStore(temp.path);
  await store.put("v.tar", SOURCE, { metadata: { a: "b" } });
  assert.deepEqual((await store.head("v.tar"))?.metadata, { a: "b" });
  for (const text of ["{bad", "", "null", "[1]", '{"etag":1}']) {
    for (const { name } of Deno.readDirSync(`${temp.path}/.pivot-objects`)) {
      if (name.endsWith(".json")) Deno.writeTextFileSync(`${temp.path}/.pivot-objects/${name}`, text);
    }
    assert.deepEqual((await store.head("v.tar"))?.metadata, {});
    const [volume] = await openVolumeStore({ store, pool }).list();
    assert.deepEqual([volume?.volume, volume?.record], ["v", undefined]);
  }
});

Deno.test("what the disk refuses is an error of the store that names it and what was tried", async () => {
  using temp = tempFolder();
  Deno.writeTextFileSync(`${temp.path}/file`, "");
  const store = new FolderStore(`${temp.path}/file`);
  const refused = { code: "store-failed", kind: "remote", message: /^cannot .* in file:\/\/.*\/file: / };
  await assert.rejects(store.put("v.tar", SOURCE, { metadata: {} }), refused);
  await assert.rejects(collect(bytesOf(store)), refused);
});

Deno.test("a disk that is full leaves nothing of the object behind", async () => {
  using temp = tempFolder();
  const store = new FolderStore(temp.path);
  await store.put("v.tar", SOURCE, { metadata: {} });
  const full = {
    ...SOURCE,
    open: () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.error(Object.assign(new Error("No space left on device"), { code: "ENOSPC" })),
      }),
  };
  await assert.rejects(store.put("v.tar", full, { metadata: {} }), {
    code: "store-failed",
    message: /cannot write "v\.tar" in file:.*No space left/,
  });
  const side = [...Deno.readDirSync(`${temp.path}/.pivot-objects`)].filter(({ name }) => name.startsWith("new-"));
  assert.deepEqual(side, []);
  assert.equal((await store.head("v.tar"))?.size, 4);
});

async function* bytesOf(store: FolderStore): AsyncGenerator<Uint8Array> {
  for await (const { key } of store.list("")) yield new TextEncoder().encode(key);
}
