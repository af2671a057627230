// Values as text, tables as rows, rows side by side.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Json } from "../../../lib/core/mod.ts";
import {
  compareValues,
  diffRows,
  flatten,
  readRows,
  renderTable,
  showChange,
  showValue,
} from "../../../lib/report/mod.ts";

Deno.test("flatten() gives every leaf once, by dotted key", () => {
  assert.deepEqual([...flatten({ a: { b: 1, c: {} }, d: [1, { e: 2 }] })], [["a.b", 1], ["a.c", {}], ["d", [1, {
    e: 2,
  }]]]);
  assert.deepEqual([...flatten(3)], [["", 3]]);
});

Deno.test("showValue() is one line that says something, whatever the value", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 15 }), (value, precision) => {
    const text = showValue(value as Json, precision);
    assert.ok(text.length > 0 && !text.includes("\n"));
    assert.doesNotMatch(typeof value === "string" ? "" : text, /undefined|NaN|\[object/);
  }));
});

Deno.test("numbers keep what matters", () => {
  const shown = (value: number) => showValue(value, 5);
  assert.deepEqual(
    [0.1 + 0.2, 1 / 3, 1e-9, 123456789, 1.5e300, -0.000001234, 100, 1e15].map(shown),
    ["0.3", "0.33333", "1e-9", "123456789", "1.5e+300", "-1.234e-6", "100", "1e+15"],
  );
  assert.equal(showChange(1, 3, 5), "+2");
  assert.equal(showChange(undefined, 3, 5), "-");
  assert.equal(showChange("a", "b", 5), "-");
});

Deno.test("compareValues() tells new, gone and changed keys, and files that are on one side alone", () => {
  const before = new Map([["a.json", flatten({ x: 1, y: 2 })], ["gone.json", flatten({ z: 1 })]]);
  const now = new Map([["a.json", flatten({ x: 1, y: 3, n: 4 })]]);
  assert.deepEqual(compareValues(before, now), [
    { name: "a.json", key: "n", now: 4 },
    { name: "a.json", key: "y", before: 2, now: 3 },
    { name: "gone.json", key: "z", before: 1 },
  ]);
  assert.equal(compareValues(before, now, { all: true }).length, 4);
});

Deno.test("rows are read from csv, tsv, jsonl, and both shapes of json", async () => {
  const expected = [{ a: "1", b: "x" }];
  assert.deepEqual(await readRows("a,b\n1,x\n", "csv"), expected);
  assert.deepEqual(await readRows("a\tb\n1\tx\n", "tsv"), expected);
  assert.deepEqual(await readRows('{"a":"1","b":"x"}\n\n', "jsonl"), expected);
  assert.deepEqual(await readRows('[{"a":"1","b":"x"}]', "json"), expected);
  assert.deepEqual(await readRows('{"a":["1"],"b":["x"]}', "json"), expected);
  assert.deepEqual(await readRows("3", "json"), [{ value: 3 }]);
  await assert.rejects(readRows('{"a":1}\n{"a":', "jsonl"), /line 2/);
  await assert.rejects(readRows("a,b\n1\n", "csv"), /not a table: .*line 2/);
});

Deno.test("diffRows() counts every row once, and a diff with itself is empty", () => {
  const row = fc.record({ id: fc.integer({ min: 0, max: 5 }), v: fc.integer({ min: 0, max: 2 }) });
  fc.assert(fc.property(fc.array(row), fc.array(row), (before, now) => {
    const diff = diffRows(before, now, { limit: 3 });
    assert.equal(diff.added - diff.removed, now.length - before.length);
    assert.ok(diff.changes.length <= 3);
    const same = diffRows(now, now, { limit: 3 });
    assert.deepEqual([same.added, same.removed, same.changed], [0, 0, 0]);
  }));
});

Deno.test("a key that is not unique is refused", () => {
  assert.throws(() => diffRows([{ id: 1 }, { id: 1 }], [], { key: ["id"], limit: 1 }), /more than one row has id = 1/);
});

Deno.test("a table fits 80 columns, numbers to the right", () => {
  const lines = renderTable({ head: ["a", "n", "text"], rows: [["x", "1", "y".repeat(200)], ["xx", "10", "z"]] }, {
    width: 80,
  });
  assert.ok(lines.every((line) => line.length <= 80));
  assert.equal(lines[2], "xx  10  z");
  assert.match(lines[1] ?? "", /^x {4}1 {2}y/);
});
