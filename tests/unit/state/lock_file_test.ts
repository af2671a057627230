// The lock format: golden bytes, reading back, hostile and damaged files.

import fc from "fast-check";
import assert from "node:assert/strict";
import { parse } from "yaml";
import { type Digest, type JsonObject, PivotError, type RelPath, type StageName } from "../../../lib/core/mod.ts";
import { formatLock, lockFromYaml, lockPath, openLocks, type StageLock } from "../../../lib/state/mod.ts";

const digest = (text: string) => text.padStart(16, "0") as Digest;
const path = (text: string) => text as RelPath;

const LOCK: StageLock = {
  version: 1,
  action: "function stages/train.ts#train",
  codeDigest: digest("c0de"),
  code: { "stages/train.ts#train": digest("1"), "lib/é.ts#helper": digest("2") },
  params: { rate: 0.1, name: "yes\nno", list: [1, null, "\u2028"], nested: { b: true, a: {} } },
  env: { TOKEN: digest("3"), ABSENT: null },
  deps: [
    { path: path("data/z.csv"), content: { type: "file", hash: digest("4"), size: 12, executable: false } },
    { path: path("bin/tool"), content: { type: "file", hash: digest("5"), size: 3, executable: true } },
  ],
  outs: [{
    path: path("out/model"),
    kind: "out",
    cache: true,
    content: {
      type: "directory",
      hash: digest("6"),
      size: 7,
      files: [
        { type: "file", path: "a: b #c", hash: digest("7"), size: 7, executable: true },
        { type: "directory", path: "empty" },
        { type: "link", path: "sub/link", target: "../a: b #c" },
      ],
    },
  }, {
    path: path("metrics.json"),
    kind: "metric",
    cache: false,
    content: { type: "file", hash: digest("8"), size: 2, executable: false },
  }],
};

function sorted(lock: StageLock): StageLock {
  const byPath = (a: { path: string }, b: { path: string }) => a.path < b.path ? -1 : 1;
  return { ...lock, deps: lock.deps.toSorted(byPath), outs: lock.outs.toSorted(byPath) };
}

Deno.test("the lock format stays as it is", () => {
  const golden = Deno.readTextFileSync(new URL("../../golden/stage.lock", import.meta.url));
  assert.equal(formatLock(LOCK), golden);
});

Deno.test("a lock reads back as it was, and gives the same bytes again", () => {
  const text = formatLock(LOCK);
  const read = lockFromYaml(parse(text), "x.lock");
  assert.deepEqual(read, sorted(LOCK));
  assert.equal(formatLock(read), text);
});

Deno.test("any text and any JSON value survive the round trip", () => {
  const hash = fc.integer({ min: 0, max: 2 ** 31 }).map((value) => digest(value.toString(16)));
  const name = fc.string({ unit: "binary", minLength: 1, maxLength: 12 }).filter((text) => text !== "__proto__");
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)));
  fc.assert(
    fc.property(
      fc.dictionary(name, hash),
      fc.dictionary(name, json),
      fc.dictionary(name, hash),
      (code, params, env) => {
        const lock = { ...LOCK, code, params: params as JsonObject, env };
        const read = lockFromYaml(parse(formatLock(lock)), "x.lock");
        assert.equal(JSON.stringify(sortKeys(read.params)), JSON.stringify(sortKeys(lock.params)));
        assert.deepEqual({ ...read.code }, { ...code });
        assert.deepEqual({ ...read.env }, { ...env });
      },
    ),
    { numRuns: 200 },
  );
});

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([key, each]) => [key, sortKeys(each)]);
}

Deno.test("unknown fields of a later writer are harmless", () => {
  assert.deepEqual(lockFromYaml(parse(`${formatLock(LOCK)}later: { a: 1 }\n`), "x.lock"), sorted(LOCK));
});

Deno.test("a newer format is an error, and says what to do", () => {
  assert.throws(() => lockFromYaml({ version: 2 }, "x.lock"), { code: "lock-too-new", hint: "update pivot" });
});

for (
  const [what, from, to] of [
    ["a path outside the project", 'path: "data/z.csv"', 'path: "../z.csv"'],
    ["an absolute path", 'path: "data/z.csv"', "path: /etc/passwd"],
    ["a path in a folder that climbs out", 'path: "empty"', 'path: "x/../../y"'],
    ["a link that climbs out", 'link: "../a: b #c"', "link: ../../x"],
    ["a link that climbs out and back", 'link: "../a: b #c"', "link: ../../model/x"],
    ["an absolute link", 'link: "../a: b #c"', "link: /etc"],
    ["a file named twice", 'path: "empty"', 'path: "a: b #c"'],
    ["a digest that is a path", 'hash: "0000000000000004"', 'hash: "../../../../x"'],
    ["a negative size", "size: 12", "size: -1"],
    ["a missing list", "deps:\n", "depz:\n"],
  ] as const
) {
  Deno.test(`a lock with ${what} is refused`, () => {
    const text = formatLock(LOCK);
    assert.ok(text.includes(from));
    assert.throws(() => lockFromYaml(parse(text.replace(from, to)), "x.lock"), { code: "lock-damaged" });
  });
}

const NO_CACHE = { get: () => undefined, put: () => undefined };

Deno.test("half-written, conflicted and foreign locks count as no record, with a warning; a newer one is an error", async () => {
  const root = Deno.makeTempDirSync();
  try {
    const text = formatLock(LOCK);
    const bad: Record<string, string> = {
      half: text.slice(0, text.length / 2),
      conflict: `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> other\n`,
      binary: "\0\x01\x02",
      empty: "",
      bomb: "a: &a [1]\nb: [*a, *a]\n",
    };
    Deno.mkdirSync(`${root}/.pivot/stages`, { recursive: true });
    for (const [name, content] of Object.entries(bad)) {
      Deno.writeTextFileSync(`${root}/${lockPath(name as StageName)}`, content);
    }
    const locks = openLocks(root, NO_CACHE);
    const warnings = await locks.load(Object.keys(bad) as StageName[]);
    assert.deepEqual(warnings.map((each) => each.stage as string), Object.keys(bad));
    for (const name of Object.keys(bad)) assert.equal(locks.get(name as StageName), undefined);

    const odd = "train@0.1_a+b-c." as StageName;
    locks.put(odd, LOCK);
    assert.equal(Deno.readTextFileSync(`${root}/.pivot/stages/${odd}.lock`), text);
    const again = openLocks(root, NO_CACHE);
    assert.deepEqual(await again.load([odd]), []);
    assert.deepEqual(again.get(odd), sorted(LOCK));
    again.delete(odd);
    assert.deepEqual(again.recorded(), Object.keys(bad).sort());

    Deno.writeTextFileSync(`${root}/${lockPath(odd)}`, "version: 7\n");
    await assert.rejects(
      () => locks.load([odd]),
      (error) => error instanceof PivotError && error.code === "lock-too-new",
    );
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
