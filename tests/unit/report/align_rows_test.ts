// Tables without a key: which row was which.

import assert from "node:assert/strict";
import fc from "fast-check";
import { diffRows, type Row } from "../../../lib/report/mod.ts";

const table = (...lines: readonly string[]): Row[] =>
  lines.map((line) => {
    const [name = "", city = "", score = ""] = line.split(" ");
    return { name, city, score };
  });

const BEFORE = table("ann Rome 1", "bob Oslo 2", "cid Bonn 3", "dan Nice 4", "eve Kyiv 5");

/** Changes as short texts. */
function told(before: readonly Row[], now: readonly Row[]): string[] {
  return diffRows(before, now, { limit: 100 }).changes.map((change) => {
    const cells = change.type === "changed"
      ? change.cells.map(({ column, before, now }) => `${column} ${before} ${now}`).join()
      : Object.values(change.cells).join(" ");
    const was = change.type === "changed" && change.was !== undefined ? ` was ${change.was}` : "";
    return `${change.type} ${change.row}${was}: ${cells}`;
  });
}

Deno.test("an inserted row is one added row, wherever it stands", () => {
  for (let at = 0; at <= BEFORE.length; at++) {
    const now = BEFORE.toSpliced(at, 0, ...table("new Bern 9"));
    assert.deepEqual(told(BEFORE, now), [`added ${at + 1}: new Bern 9`]);
    assert.match(told(now, BEFORE).join(), new RegExp(`^removed ${at + 1}: new Bern 9$`));
  }
});

Deno.test("a row that changed beside an inserted one is found by the cells that it kept", () => {
  const now = table("ann Rome 1", "new Bern 9", "bob Oslo 7", "cid Bonn 3", "dan Nice 4", "eve Kyiv 5");
  assert.deepEqual(told(BEFORE, now), ["added 2: new Bern 9", "changed 3 was 2: score 2 7"]);
  assert.deepEqual(told(now, BEFORE), ["removed 2: new Bern 9", "changed 2 was 3: score 7 2"]);
});

Deno.test("as many rows between equal ones are compared in their order, though nothing of them is equal", () => {
  const now = BEFORE.with(1, { name: "x", city: "y", score: "z" });
  assert.deepEqual(told(BEFORE, now), ["changed 2: name bob x,city Oslo y,score 2 z"]);
});

Deno.test("a column that came or went does not hide which rows are the same", () => {
  const [first, ...rest] = BEFORE.map((row) => ({ ...row, extra: 1 }));
  const diff = diffRows(BEFORE, rest, { limit: 10 });
  assert.deepEqual([diff.added, diff.removed, diff.changed, diff.columnsAdded], [0, 1, 4, ["extra"]]);
  assert.ok(diff.changes.every((change) => change.type === "removed" || change.cells.length === 1));
  assert.ok(first !== undefined);
});

Deno.test("a column that was computed anew hides neither an inserted nor a removed row, in short and long tables", () => {
  for (const length of [20, 6000]) {
    const before = Array.from({ length }, (_, at): Row => ({ id: `r${at}`, kind: at % 3, score: at / 7 }));
    const now = before.map((row): Row => ({ ...row, score: Number(row.score) + 1 }))
      .toSpliced(5, 1).toSpliced(length / 2, 0, { id: "new", kind: 1, score: 0.5 });
    const diff = diffRows(before, now, { limit: length });
    assert.deepEqual([diff.added, diff.removed, diff.changed], [1, 1, length - 1]);
    assert.ok(diff.changes.every((change) => change.type !== "changed" || change.cells.length === 1));
  }
});

Deno.test("rows that occur often are aligned too", () => {
  const labels = (text: string): Row[] => [...text].map((label) => ({ label }));
  assert.deepEqual(told(labels("0010110"), labels("00101110")), ["added 7: 1"]);
  const diff = diffRows(labels("01".repeat(5000)), labels("01".repeat(2000) + "1" + "01".repeat(3000)), { limit: 3 });
  assert.deepEqual([diff.added, diff.removed, diff.changed], [1, 0, 0]);
});

Deno.test("property: what is told of two tables turns the one into the other", () => {
  const row = fc.record({ a: fc.nat(2), b: fc.nat(2) }, { noNullPrototype: true });
  const tables = fc.array(row, { maxLength: 12 });
  fc.assert(
    fc.property(tables, tables, (before, now) => {
      const diff = diffRows(before, now, { limit: 1000 });
      const rebuilt: Row[] = [];
      const removed = new Set(diff.changes.flatMap(({ type, row }) => type === "removed" ? [Number(row) - 1] : []));
      const kept = before.filter((_, at) => !removed.has(at));
      const byRow = new Map(
        diff.changes.flatMap((change) => change.type === "removed" ? [] : [[Number(change.row) - 1, change]]),
      );
      for (let at = 0; at < now.length; at++) {
        const change = byRow.get(at);
        if (change?.type === "added") rebuilt.push(change.cells);
        else {
          const from = kept.shift();
          assert.ok(from !== undefined);
          const cells = change?.type === "changed" ? change.cells : [];
          rebuilt.push({ ...from, ...Object.fromEntries(cells.map(({ column, now }) => [column, now ?? null])) });
          if (change?.type === "changed") assert.deepEqual(before[Number(change.was ?? change.row) - 1], from);
        }
      }
      assert.deepEqual(rebuilt, now);
      assert.deepEqual(kept, []);
    }),
    { numRuns: 500 },
  );
});

Deno.test("property: rows that only went or only came are told as nothing else", () => {
  const row = fc.record({ a: fc.nat(3), b: fc.nat(3) });
  const tables = fc.array(fc.tuple(row, fc.boolean()), { maxLength: 30 });
  fc.assert(fc.property(tables, (marked) => {
    const all = marked.map(([row]) => row);
    const some = marked.filter(([, stays]) => stays).map(([row]) => row);
    const gone = diffRows(all, some, { limit: 0 });
    assert.deepEqual([gone.added, gone.changed, gone.removed], [0, 0, all.length - some.length]);
    const came = diffRows(some, all, { limit: 0 });
    assert.deepEqual([came.added, came.changed, came.removed], [all.length - some.length, 0, 0]);
  }));
});

Deno.test("the work is bounded: tables that have little or nothing in common, and long ones", () => {
  const random = (seed: number) => (at: number): Row => ({ x: (at * seed) % 9973, y: (at * seed * 7) % 11 });
  const rows = (length: number, seed: number) => Array.from({ length }, (_, at) => random(seed)(at));
  const start = performance.now();
  for (
    const [before, now] of [
      [rows(60_000, 31), rows(60_001, 17)],
      [rows(50_000, 31), rows(50_000, 31).toSpliced(25_000, 3)],
      [rows(3_000, 1).map(({ y }) => ({ y })), rows(2_900, 3).map(({ y }) => ({ y }))],
      [rows(40_000, 1).map(({ y }) => ({ y })), rows(39_000, 3).map(({ y }) => ({ y }))],
    ] as const
  ) {
    const diff = diffRows(before as Row[], now as Row[], { limit: 3 });
    assert.equal(diff.added - diff.removed, now.length - before.length);
  }
  assert.ok(performance.now() - start < 20_000, "takes seconds, not hours");
});
