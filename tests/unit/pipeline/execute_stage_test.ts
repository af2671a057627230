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

Deno.test("a number that JSON lacks is refused by stage, output, path and key, not written as null", () =>
  inFolder(async (root) => {
    const save = async (value: unknown, loader: Loader<unknown> = json()) => {
      const one = stage({ outs: { figures: out("f.json", loader) }, run: () => ({ figures: value }) });
      return await execute(one, { outs: { figures: `${root}/f.json` } }).then(
        () => undefined,
        (error) => error as PivotError,
      );
    };
    const shared = { rate: Number.NaN };
    for (
      const [value, key, found] of [
        [Number.NaN, "", "NaN"],
        [{ loss: Number.NaN }, "loss", "NaN"],
        [{ a: null, runs: [{ loss: 1 }, { loss: Infinity }] }, "runs[1].loss", "Infinity"],
        [[1, -Infinity], "[1]", "-Infinity"],
        [{ when: new Date(Number.NaN) }, "when", "an invalid date"],
        [{ x: { toJSON: () => ({ y: Number.NaN }) } }, "x.y", "NaN"],
        [{ first: { ok: 1 }, second: [shared] }, "second[0].rate", "NaN"],
      ] as const
    ) {
      const error = await save(value);
      assert.equal(error?.code, "value-not-saved");
      assert.equal(error.data.key, key);
      const what = key === "" ? "the value" : `"${key}"`;
      assert.equal(
        error.message,
        `stage "s", output "figures": cannot save "${root}/f.json" as JSON: ${what} is ${found}, which JSON cannot hold`,
      );
      assert.match(error.hint ?? "", /return null/);
      assert.throws(() => Deno.statSync(`${root}/f.json`), Deno.errors.NotFound);
    }
    const line = await save([{ ok: null }, { loss: Number.NaN }], jsonl() as Loader<unknown>);
    assert.equal(line?.data.key, "[1].loss");
    assert.equal(await save({ a: null, b: "null", c: [null, undefined], d: new Date(0) }), undefined);
    assert.deepEqual(JSON.parse(Deno.readTextFileSync(`${root}/f.json`)).c, [null, null]);
    assert.equal(await save({ loss: Number.NaN }, yaml()), undefined, "YAML has a word for it");
  }));

Deno.test("property: json() refuses exactly the values in which JSON.stringify loses a number", () =>
  inFolder(async (root) => {
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.double(),
        fc.constant(null),
        fc.string(),
        fc.array(tie("value")),
        fc.dictionary(fc.string(), tie("value")),
      ),
    }));
    const holdsLost = (each: unknown): boolean =>
      typeof each === "number"
        ? !Number.isFinite(each)
        : typeof each === "object" && each !== null && Object.values(each).some(holdsLost);
    await fc.assert(fc.asyncProperty(value, async (each) => {
      const error = await Promise.resolve(json().save(each, `${root}/f.json`)).then(
        () => undefined,
        (thrown) => thrown,
      );
      assert.equal(error !== undefined, holdsLost(each));
    }));
  }));
