// Indexes that lie: looking into an archive must end with an error, never with another file's bytes.

import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import { MemoryStore, openVolumeStore } from "../../lib/volume/mod.ts";
import { archivePool, collect } from "../unit/volume/helpers.ts";
import { join, label, member, skippable, tar } from "./forge.ts";

const encoder = new TextEncoder();
const raw = tar(member({ name: "a", content: "first" }), member({ name: "b", content: "other" }));
const frame = join([new Uint8Array(zstdCompressSync(raw)), skippable(label(raw.length))]);
const row = (
  path: string,
  size: number,
  frameNumber: number,
  offset: number,
) => [path, "file", 0o644, size, "0", "", frameNumber, offset];

function index(value: unknown, jsonBytes?: number, version = 1): Uint8Array {
  const json = encoder.encode(JSON.stringify(value));
  const packed = new Uint8Array(zstdCompressSync(json));
  const footer = new Uint8Array(16);
  const view = new DataView(footer.buffer);
  view.setUint32(0, packed.length, true);
  view.setUint32(4, jsonBytes ?? json.length, true);
  footer.set(encoder.encode("PVTI"), 8);
  view.setUint32(12, version, true);
  return skippable(join([packed, footer]));
}

async function cat(tail: Uint8Array, path: string): Promise<string> {
  const bytes = join([frame, tail]);
  const store = new MemoryStore();
  await store.put("v.tar.zst", { size: bytes.length, sha256: "", open: () => ReadableStream.from([bytes]) }, {
    metadata: {},
  });
  await using pool = archivePool();
  return new TextDecoder().decode(await collect(openVolumeStore({ store, pool }).cat("v", path)));
}

Deno.test("an honest index finds the file", async () => {
  const honest = { frames: [[frame.length, raw.length]], entries: [row("a", 5, 0, 512), row("b", 5, 0, 1536)] };
  assert.equal(await cat(index(honest), "b"), "other");
});

const frames = [[frame.length, raw.length]];
const LIES: Readonly<Record<string, Uint8Array>> = {
  "another member's content": index({ frames, entries: [row("a", 5, 0, 1536)] }),
  "an offset in the middle of the content": index({ frames, entries: [row("a", 4, 0, 513)] }),
  "an offset in a header": index({ frames, entries: [row("a", 5, 0, 100)] }),
  "an offset behind the frame": index({ frames, entries: [row("a", 5, 0, 1e9)] }),
  "a size larger than the file's": index({ frames, entries: [row("a", 2000, 0, 512)] }),
  "a frame that is not there": index({ frames, entries: [row("a", 5, 7, 512)] }),
  "a frame of no length": index({ frames: [[0, raw.length]], entries: [row("a", 5, 0, 512)] }),
  "a frame longer than the archive": index({ frames: [[1e12, raw.length]], entries: [row("a", 5, 0, 512)] }),
  "a frame that expands to gigabytes": index({ frames: [[frame.length, 2 ** 40]], entries: [row("a", 5, 0, 512)] }),
  "a negative number": index({ frames: [[-1, -1]], entries: [row("a", 5, 0, 512)] }),
  "a row of the wrong shape": index({ frames, entries: [["a"]] }),
  "no lists": index({}),
  "a length of its text that is too small": index({ frames, entries: [row("a", 5, 0, 512)] }, 3),
  "a length of its text that is far too large": index({ frames, entries: [] }, 0xffffffff),
  "an unknown version": index({ frames, entries: [row("a", 5, 0, 512)] }, undefined, 2),
};

for (const [name, tail] of Object.entries(LIES)) {
  Deno.test(`an index that gives ${name} is an error`, async () => {
    await assert.rejects(cat(tail, "a"), { code: "corrupt-archive" });
  });
}
