// Values as text, tables as rows, rows side by side.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Json } from "../../../lib/core/mod.ts";
import {
  compareTable,
  compareValues,
  dataTables,
  diffRows,
  displayWidth,
  flatten,
  markdownTable,
  oneLine,
  readRows,
  renderTable,
  showChange,
  showTyped,
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
    { name: "a.json", key: "y", before: 2, now: 3, change: 1 },
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
  await assert.rejects(readRows("a,b,a\n1,2,3\n", "csv"), /two columns are called "a", line 1/);
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

Deno.test("a precision of 0 keeps whole numbers whole, and what would become 0 visible", () => {
  assert.deepEqual([10.4, 100.2, 99.5, 0.4, -0.3, 0.00002].map((value) => showValue(value, 0)), [
    "10",
    "100",
    "100",
    "0.4",
    "-0.3",
    "2e-5",
  ]);
  assert.equal(showValue(0.0042, 2), "0.0042");
  assert.deepEqual([NaN, Infinity, -Infinity].map((value) => showValue(value, 2)), [".nan", ".inf", "-.inf"]);
});

Deno.test("a text that looks like a number is told from the number", () => {
  assert.deepEqual(["0.1", 0.1, "true", true, "-", "adam", ""].map((value) => showTyped(value, 5)), [
    '"0.1"',
    "0.1",
    '"true"',
    "true",
    '"-"',
    "adam",
    '""',
  ]);
});

Deno.test("names with dots do not hide each other", () => {
  assert.deepEqual([...flatten({ "a.b": 1, a: { b: 2 } })].map(([, value]) => value), [1, 2]);
});

Deno.test("nothing in a cell reaches the terminal as a control", () => {
  assert.equal(oneLine("a\x1b[31mb\n\u202ec"), "a\\u{1b}[31mb\\n\\u{202e}c");
  const table = { head: ["k\ney"], rows: [["v\x1b]0;t\x07"], ["x\r\ny"]] };
  for (const line of [...renderTable(table), ...markdownTable(table)]) assert.doesNotMatch(line, /\p{Cc}/u);
});

Deno.test("long paths give way before values do, and keep both ends", () => {
  const path = `experiments/${"deep/".repeat(12)}metrics.json`;
  const values = compareValues(
    new Map([[path, flatten({ validation: { accuracy: 0.912345 } })]]),
    new Map([[path, flatten({ validation: { accuracy: 0.952345 } })]]),
  );
  const lines = renderTable(compareTable(values, { what: "file", sides: ["HEAD", "workspace"], precision: 5 }), {
    width: 80,
  });
  for (const line of lines) assert.ok(line.length <= 80, line);
  assert.match(lines[1] ?? "", /^experim.*\u2026.*metrics\.json +validation\.accuracy +0\.91234 +0\.95234 +\+0\.04$/);
});

Deno.test("renderTable() never exceeds its width nor loses a line", () => {
  const cell = fc.oneof(fc.string({ unit: "grapheme", maxLength: 120 }), fc.double().map(String));
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell, cell), { maxLength: 4 }), fc.integer({ min: 20 }), (rows, width) => {
      const lines = renderTable({ head: ["a", "b", "c"], rows }, { width });
      assert.equal(lines.length, rows.length + 1);
      for (const line of lines) assert.ok(displayWidth(line) <= width, line);
    }),
  );
});

Deno.test("a column of numbers aligns right also where some cell is a text or has an exponent", () => {
  const lines = renderTable({ head: ["k", "v"], rows: [["a", "1e-9"], ["b", "12"], ["c", "adam"], ["d", "-"]] });
  assert.deepEqual(lines, ["k     v", "a  1e-9", "b    12", "c  adam", "d     -"]);
  assert.deepEqual(renderTable({ head: ["id"], rows: [["4e8951"], ["7ecba6"]] })[0], "id");
});

Deno.test("dataTables() shows changed cells with their difference, and rows with the columns that fit", () => {
  const before = [{ id: "1", score: "0.9", name: "x" }, { id: "2", score: "1", name: "y" }];
  const now = [{ id: "1", score: "0.95", name: "x" }, { id: "3", score: "7", name: "z".repeat(30) }];
  const diff = diffRows(before, now, { key: ["id"], limit: 10 });
  const tables = dataTables(diff, { key: ["id"], sides: ["v1", "v2"], precision: 3, width: 20 });
  assert.deepEqual(tables.map(({ title, table, columnsLeftOut }) => [title, table.head, table.rows, columnsLeftOut]), [
    ["changed", ["id", "column", "v1", "v2", "change"], [["1", "score", "0.9", "0.95", "+0.05"]], 0],
    ["added", ["id", "score"], [["3", "7"]], 1],
    ["removed", ["id", "score", "name"], [["2", "1", "y"]], 0],
  ]);
});

Deno.test("columns may be called as the methods of objects are", () => {
  const diff = diffRows([{ a: 1 }], [{ a: 1, constructor: 2 }], { limit: 5 });
  assert.deepEqual(diff.changes, [{ type: "changed", row: "1", cells: [{ column: "constructor", now: 2 }] }]);
  assert.throws(() => diffRows([{ a: 1 }], [], { key: ["toString"], limit: 1 }), /no column "toString"/);
});

Deno.test("dataTables() shortens long numbers and counts the cells of wide rows that it does not list", () => {
  const row = (add: number) =>
    Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`c${at}`, String(at / 3 + add)]));
  const [changed] = dataTables(diffRows([row(0)], [row(1)], { limit: 5 }), { sides: ["a", "b"], precision: 2 });
  assert.equal(changed?.table.rows.length, 9);
  assert.deepEqual(changed?.table.rows[1], ["1", "c1", "0.33", "1.33", "+1"]);
  assert.deepEqual(changed?.table.rows[8], ["1", "\u2026 12 more cells", "", "", ""]);
  const kept = dataTables(diffRows([{ a: "1.0", b: "007" }], [{ a: "2.0", b: "008" }], { limit: 5 }), {
    sides: ["a", "b"],
    precision: 2,
  });
  assert.deepEqual(kept[0]?.table.rows.map((cells) => cells.slice(2, 4)), [["1.0", "2.0"], ["007", "008"]]);
});

Deno.test("a date is kept while a longer text can give way", () => {
  const [, row] = renderTable({ head: ["a", "b"], rows: [["2026-11-21 02:59", "run some stages ".repeat(4)]] }, {
    width: 40,
  });
  assert.equal(row, "2026-11-21 02:59  run some stages run s\u2026");
});
