// Parameters, matrix and targets.

import assert from "node:assert/strict";
import { PivotError, PivotFindings } from "../../../lib/core/mod.ts";
import { parseDuration, parseSettings, selectTargets } from "../../../lib/pipeline/mod.ts";
import { makeProject } from "./project.ts";

const YAML = "stages:\n  t:\n    cmd: x\n    matrix: { lr: [0.1, 1], m: [a, b] }\n" +
  "    params: { k: { x: 1, y: [1, 2] }, s: text }\n    outs: ['o-{lr}-{m}']\n  u: { cmd: x, deps: [o-1-a], outs: [u] }\n";

Deno.test("a matrix makes one stage per combination, its values among the parameters", async () => {
  using project = makeProject({ "pivot.yaml": YAML });
  const { pipeline } = await project.load();
  const names = pipeline.stages.map((stage) => stage.name as string);
  assert.deepEqual(names.toSorted(), ["t@0.1_a", "t@0.1_b", "t@1_a", "t@1_b", "u"]);
  const one = pipeline.stages.find((stage) => stage.name === "t@0.1_b");
  assert.deepEqual(one?.params, { k: { x: 1, y: [1, 2] }, s: "text", lr: 0.1, m: "b" });
  assert.equal(one?.outs[0]?.path, "o-0.1-b");
});

Deno.test("params.yaml, its keys for one variant and --set are merged in this order; lists replace", async () => {
  using project = makeProject({
    "pivot.yaml": YAML,
    "params.yaml": "t: { k: { y: [9] } }\nt@0.1_a: { s: variant }\n",
  });
  const { pipeline } = await project.load(["t.k.x=2", "t@1_a.k.x=3"]);
  const paramsOf = (name: string) => pipeline.stages.find((stage) => stage.name === name)?.params;
  assert.deepEqual(paramsOf("t@0.1_a"), { k: { x: 2, y: [9] }, s: "variant", lr: 0.1, m: "a" });
  assert.deepEqual(paramsOf("t@1_a"), { k: { x: 3, y: [9] }, s: "text", lr: 1, m: "a" });
});

Deno.test("--set refuses unknown stages, unknown keys and other types, with suggestions", async () => {
  using project = makeProject({ "pivot.yaml": "stages:\n  train: { cmd: x, params: { rate: 1 }, outs: [o] }\n" });
  for (
    const [set, code, hint] of [
      ["trian.rate=2", "unknown-stage", 'did you mean "train"?'],
      ["train.rat=2", "unknown-param", 'did you mean "rate"?'],
      ["train.rate=fast", "bad-params", undefined],
    ] as const
  ) {
    const [finding] = await project.findings([set]);
    assert.equal(finding?.code, code);
    assert.equal(finding?.hint, hint);
    assert.equal(finding?.exitCode, 2, "a wrong value of a flag is a usage error");
    assert.equal(finding?.spot?.file, "--set");
  }
  assert.throws(() => parseSettings(["rate"]), (error) => error instanceof PivotError && error.exitCode === 2);
});

Deno.test("--set beside a broken project: the project is told first and decides the exit code", async () => {
  using project = makeProject({
    "pivot.yaml": "stages:\n  train: { cmd: x, params: { rate: 1 }, outs: [o] }\n",
    "params.yaml": "train: { rate: fast }\n",
  });
  const both = await project.load(["train.rat=2"]).then(() => undefined, (error) => error);
  assert.ok(both instanceof PivotFindings);
  assert.equal(both.exitCode, 3);
  assert.deepEqual(both.findings.map(({ kind }) => kind), ["invalid", "usage"]);
});

Deno.test("--set does not take what every object has for a parameter", async () => {
  using project = makeProject({ "pivot.yaml": "stages:\n  t: { cmd: x, params: { a: 1, b: { c: 1 } }, outs: [o] }\n" });
  for (const key of ["__proto__.x", "constructor", "b.toString", "toString.x"]) {
    const [finding] = await project.findings([`t.${key}=1`]);
    assert.equal(finding?.code, "unknown-param", key);
  }
});

Deno.test("two matrix values that give one name are a finding", async () => {
  using project = makeProject({
    "pivot.yaml": "stages:\n  t: { cmd: x, matrix: { m: ['a b', 'a/b'] }, outs: ['o-{m}'] }\n",
  });
  assert.equal((await project.findings())[0]?.code, "bad-matrix");
});

Deno.test("targets: names, wildcards, output paths, with upstreams or only", async () => {
  using project = makeProject({ "pivot.yaml": YAML });
  const { pipeline } = await project.load();
  const select = (target: string, only = false) =>
    selectTargets(pipeline, [target], { only }).map((stage) => stage.name as string).toSorted();
  assert.deepEqual(select("u"), ["t@1_a", "u"]);
  assert.deepEqual(select("u", true), ["u"]);
  assert.deepEqual(select("./o-0.1-a"), ["t@0.1_a"]);
  assert.deepEqual(select("t@1*"), ["t@1_a", "t@1_b"]);
  assert.equal(select("t").length, 4);
  assert.throws(() => select("t@1_aa"), (error) => {
    assert(error instanceof PivotError);
    assert.equal(error.exitCode, 2);
    assert.match(error.hint ?? "", /did you mean "t@1_a"/);
    return true;
  });
});

Deno.test("durations are milliseconds or a text with units", () => {
  assert.deepEqual([90, "90s", "5m", "1h30m", "250ms"].map(parseDuration), [90, 90_000, 300_000, 5_400_000, 250]);
  for (const bad of ["soon", "5", -1, Number.NaN]) assert.throws(() => parseDuration(bad), PivotError);
});

Deno.test("a number that a record cannot hold is refused where it stands, in lists too", async () => {
  using project = makeProject({
    "pivot.yaml": "stages:\n  t: { cmd: x, params: { rate: 1, b: [1, 2] }, outs: [o] }\n",
    "params.yaml": "t:\n  rate: .nan\n  b: [1, .inf]\n",
  });
  const findings = await project.findings();
  assert.deepEqual(findings.map(({ code, spot }) => [code, spot?.line]), [["bad-params", 2], ["bad-params", 3]]);
  using declared = makeProject({
    "pivot.yaml": "stages:\n  t: { cmd: x, params: { rate: -.inf }, outs: [o] }\n",
  });
  const [finding] = await declared.findings();
  assert.match(finding?.message ?? "", /pivot\.yaml: parameter "rate" of stage "t" is not a finite number/);
});
