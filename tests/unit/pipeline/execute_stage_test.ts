// One stage from loaded inputs to saved outputs, and what each loader gives back.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { PivotError } from "../../../lib/core/mod.ts";
import {
  bytes,
  csv,
  dep,
  executeStage,
  incremental,
  json,
  jsonl,
  type Loader,
  out,
  stage,
  text,
  yaml,
} from "../../../lib/pipeline/mod.ts";

async function inFolder(work: (root: string) => Promise<void>): Promise<void> {
  const root = Deno.makeTempDirSync();
  try {
    await work(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

function execute(
  target: unknown,
  paths: { deps?: Record<string, string>; outs: Record<string, string> },
): Promise<void> {
  return executeStage(target, {
    stage: "s",
    deps: paths.deps ?? {},
    outs: paths.outs,
    params: {},
    signal: new AbortController().signal,
    log: () => {},
    progress: () => {},
  });
}

const hasCode = (code: string) => (error: unknown) => (error as PivotError).code === code;

Deno.test("a stage gets loaded dependencies and its returned values are saved", () =>
  inFolder(async (root) => {
    Deno.writeTextFileSync(`${root}/in.csv`, "n\n1\n2\n");
    const sum = stage({
      deps: { rows: dep("in.csv", csv()) },
      outs: out("sum.json", json<number>()),
      run: ({ rows }) => rows.reduce((total, row) => total + Number(row.n), 0),
    });
    await execute(sum, { deps: { rows: `${root}/in.csv` }, outs: { out: `${root}/sum.json` } });
    assert.equal(Deno.readTextFileSync(`${root}/sum.json`), "3\n");
  }));

Deno.test("nothing is saved when a returned key is missing or unknown", () =>
  inFolder(async (root) => {
    const outs = { a: out("a", text()), b: out("b", text()) };
    const paths = { outs: { a: `${root}/a`, b: `${root}/b` } };
    await assert.rejects(execute(stage({ outs, run: () => ({ a: "1" }) as never }), paths), hasCode("output-missing"));
    const extra = stage({ outs, run: () => ({ a: "1", b: "2", c: "3" }) as never });
    await assert.rejects(execute(extra, paths), hasCode("output-unexpected"));
    assert.deepEqual([...Deno.readDirSync(root)], []);
  }));

Deno.test("a folder output is a map of safe relative paths", () =>
  inFolder(async (root) => {
    const returning = (value: unknown) => stage({ outs: { o: out("d/", text()) }, run: () => ({ o: value as never }) });
    const paths = { outs: { o: `${root}/d` } };
    await execute(returning({ "a.txt": "1", "b/c.txt": "2" }), paths);
    assert.equal(Deno.readTextFileSync(`${root}/d/b/c.txt`), "2");
    for (const name of ["../x", "/x", "a/../../x", ""]) {
      await assert.rejects(execute(returning({ [name]: "1" }), paths), hasCode("unsafe-path"));
    }
    for (const value of ["text", ["a"], null, new Map()]) {
      await assert.rejects(execute(returning(value), paths), hasCode("value-not-saved"));
    }
  }));

Deno.test("an incremental output starts from the loader's empty value, then from the last one", () =>
  inFolder(async (root) => {
    const grow = stage({
      outs: { list: incremental("list.jsonl", jsonl<number>()) },
      run: (_, { previous }) => ({ list: [...previous.list as number[], 1] }),
    });
    await execute(grow, { outs: { list: `${root}/list` } });
    await execute(grow, { outs: { list: `${root}/list` } });
    assert.equal(Deno.readTextFileSync(`${root}/list`), "1\n1\n");
  }));

async function roundTrip<Value>(loader: Loader<Value>, value: Value): Promise<Value> {
  const path = Deno.makeTempFileSync();
  try {
    await loader.save(value, path);
    return await loader.load(path);
  } finally {
    Deno.removeSync(path);
  }
}

Deno.test("what json, jsonl, yaml, text and bytes save, they load back", async () => {
  const value = fc.jsonValue().filter((each) => !JSON.stringify(each).includes("__proto__"));
  const plain = value.map((each) => JSON.parse(JSON.stringify(each)) as unknown);
  await fc.assert(
    fc.asyncProperty(plain, fc.string({ unit: "grapheme" }), fc.uint8Array(), async (any, words, raw) => {
      assert.deepEqual(await roundTrip(json(), any), any);
      assert.deepEqual(await roundTrip(jsonl(), [any, any]), [any, any]);
      assert.deepEqual(await roundTrip(yaml(), any), any);
      assert.equal(await roundTrip(text(), words), words);
      assert.deepEqual(await roundTrip(bytes(), raw), raw);
    }),
    { numRuns: 50 },
  );
});

Deno.test("csv keeps quotes, separators and line breaks in fields", async () => {
  const rows = [{ a: 'x"y', b: "1,2" }, { a: "two\nlines", b: "" }];
  assert.deepEqual(await roundTrip(csv(), rows), rows);
  assert.deepEqual(await roundTrip(csv({ separator: ";" }), rows), rows);
});
