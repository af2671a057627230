// Names, errors and texts: small pure things, each with its edge.

import assert from "node:assert/strict";
import {
  canonicalJson,
  EXIT_CODES,
  formatBytes,
  formatDuration,
  fromWire,
  nearest,
  parseRelPath,
  PivotError,
  PivotFindings,
  toWire,
} from "../../../lib/core/mod.ts";
import fc from "fast-check";

Deno.test("an error survives the hop between workers with class, code, data, hint, place and cause", () => {
  const cause = new PivotError("inner", { code: "inner", kind: "remote", data: { a: 1 } });
  const error = new PivotError("outer", {
    code: "outer",
    kind: "integrity",
    hint: "do",
    spot: { file: "a.ts", line: 3 },
    cause,
  });
  const back = fromWire(structuredClone(toWire(error)));
  assert.ok(back instanceof PivotError);
  assert.deepEqual([back.message, back.code, back.kind, back.hint, back.spot, back.exitCode], [
    "outer",
    "outer",
    "integrity",
    "do",
    { file: "a.ts", line: 3 },
    12,
  ]);
  assert.ok(back.cause instanceof PivotError);
  assert.deepEqual(back.cause.data, { a: 1 });
  const findings = fromWire(structuredClone(toWire(new PivotFindings("all", [error, cause]))));
  assert.ok(findings instanceof PivotFindings);
  assert.deepEqual(findings.findings.map((each) => each.code), ["outer", "inner"]);
  assert.equal(fromWire(toWire("text")).message, "text");
  assert.equal(fromWire(toWire(new TypeError("t"))).name, "TypeError");
});

Deno.test("exit codes are what is documented", () => {
  assert.deepEqual({ ...EXIT_CODES }, {
    failed: 1,
    usage: 2,
    invalid: 3,
    "would-run": 4,
    "no-project": 10,
    locked: 11,
    integrity: 12,
    remote: 13,
    driver: 14,
    bug: 70,
    interrupted: 130,
  });
});

Deno.test("relative paths are cleaned and never leave the project", () => {
  assert.equal(parseRelPath("./a//b/"), "a/b");
  assert.equal(parseRelPath("a/../b"), "b");
  for (const bad of ["/etc", "..", "a/../../b", "", ".", "C:/x", "a\0b"]) {
    assert.throws(() => parseRelPath(bad), PivotError, bad);
  }
  fc.assert(fc.property(fc.array(fc.constantFrom("..", ".", "a", "b", ""), { maxLength: 8 }), (segments) => {
    let path: string;
    try {
      path = parseRelPath(segments.join("/"));
    } catch (error) {
      assert.ok(error instanceof PivotError);
      return;
    }
    assert.ok(path.split("/").every((segment) => segment === "a" || segment === "b"));
  }));
});

Deno.test("canonical JSON does not depend on the order of keys", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
    const shuffled = Object.fromEntries(Object.entries(object).reverse());
    assert.equal(canonicalJson(shuffled as never), canonicalJson(object as never));
  }));
});

Deno.test("figures read well", () => {
  assert.deepEqual([0, 999, 1000, 2_500_000, 999_950, 1e15].map(formatBytes), [
    "0 B",
    "999 B",
    "1 kB",
    "2.5 MB",
    "1 MB",
    "1 PB",
  ]);
  assert.deepEqual([3, 1_234, 59_949, 65_000, 3_725_000].map(formatDuration), [
    "3ms",
    "1.2s",
    "59.9s",
    "1m05s",
    "1h02m",
  ]);
});

Deno.test("the nearest word is what was meant, or nothing", () => {
  assert.equal(nearest("trian", ["train", "test"]), "train");
  assert.equal(nearest("prepar", ["prepare"]), "prepare");
  assert.equal(nearest("zebra", ["train", "test"]), undefined);
});
