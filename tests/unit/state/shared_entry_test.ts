// Entries of the run cache as they travel: back as they were, and nothing but entries is taken for one.

import assert from "node:assert/strict";
import fc from "fast-check";
import { listingDigest } from "../../../lib/cache/mod.ts";
import { parseDigest, parseRelPath, type TreeEntry } from "../../../lib/core/mod.ts";
import { entryFromJson, entryToJson, type RunCacheEntry } from "../../../lib/state/mod.ts";

const hash = parseDigest("0123456789abcdef");
const files: readonly TreeEntry[] = [
  { type: "file", path: "a", hash, size: 3, executable: true },
  { type: "directory", path: "empty" },
  { type: "link", path: "link", target: "a" },
];
const ENTRY: RunCacheEntry = {
  runId: "20260101-000000-abcd",
  atMs: 1,
  outs: [
    {
      path: parseRelPath("tree"),
      content: { type: "directory", hash: listingDigest(files), size: 3, files },
      kind: "out",
      cache: true,
    },
    {
      path: parseRelPath("tool"),
      content: { type: "file", hash, size: 3, executable: true },
      kind: "out",
      cache: true,
    },
    {
      path: parseRelPath("m.json"),
      content: { type: "file", hash, size: 2, executable: false },
      kind: "metric",
      cache: false,
      inline: "e30=",
    },
  ],
};

Deno.test("an entry comes back as it went, also through text", () => {
  assert.deepEqual(entryFromJson(entryToJson(ENTRY)), ENTRY);
  assert.deepEqual(entryFromJson(JSON.parse(JSON.stringify(entryToJson(ENTRY)))), ENTRY);
});

const BROKEN: readonly (readonly [name: string, from: string, to: string])[] = [
  ["a path above the project", '"path":"tool"', '"path":"../tool"'],
  ["an absolute path", '"path":"tool"', '"path":"/tool"'],
  ["a file above its folder", '"path":"a"', '"path":"../a"'],
  ["a link out of its folder", '"link":"a"', '"link":"../../x"'],
  ["a hash that is none", hash, "xyz"],
  ["a negative size", '"size":2', '"size":-2'],
  ["no kind", '"kind":"metric"', '"kind":7'],
  ["a flag that is none", '"cache":false', '"cache":"no"'],
  ["bytes that are no text", '"inline":"e30="', '"inline":[1]'],
  ["a name with a line break", ENTRY.runId, "a\\nb"],
  ["a time that is none", '"atMs":1', '"atMs":"now"'],
];

for (const [name, from, to] of BROKEN) {
  Deno.test(`an entry with ${name} is none`, () => {
    const text = JSON.stringify(entryToJson(ENTRY));
    assert.ok(text.includes(from));
    assert.throws(() => entryFromJson(JSON.parse(text.replace(from, () => to))), TypeError);
  });
}

Deno.test("whatever JSON is read, it is an entry or a TypeError", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    try {
      entryFromJson(value);
    } catch (error) {
      assert.ok(error instanceof TypeError);
    }
  }));
});
