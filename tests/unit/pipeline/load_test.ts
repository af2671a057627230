// Loading from every source: what is declared, what is cached, what is reported.

import assert from "node:assert/strict";
import fc from "fast-check";
import { PivotError, type StageName } from "../../../lib/core/mod.ts";
import { shortestCycle } from "../../../lib/pipeline/cycle.ts";
import { IMPORTS, makeProject } from "./project.ts";

const WRITES_A = `export const a = stage({ outs: { o: out("a.txt", text()) }, run: () => ({ o: "x" }) });\n`;

Deno.test("pivot.ts is imported once while its sources stay the same", async () => {
  using project = makeProject({ "pivot.ts": IMPORTS + WRITES_A });
  const first = await project.load();
  assert.deepEqual(first.pipeline.stages.map((stage) => stage.name), ["a"]);
  assert.deepEqual(first.pipeline.stages[0]?.spot, { file: "pivot.ts", line: 2, column: 18 });
  Deno.writeTextFileSync(`${project.root}/pivot.ts`, "throw new Error('imported again')");
  assert.deepEqual((await project.load()).pipeline.stages, first.pipeline.stages);
});

Deno.test("a module that reads a file while it declares is asked each time", async () => {
  const source = `const name = Deno.readTextFileSync(new URL("name.txt", import.meta.url));\n` +
    `export const a = stage({ outs: { o: out(name, text()) }, run: () => ({ o: "x" }) });\n`;
  using project = makeProject({ "pivot.ts": IMPORTS + source, "name.txt": "one.txt" });
  const { pipeline, warnings } = await project.load();
  assert.equal(pipeline.stages[0]?.outs[0]?.path, "one.txt");
  assert.equal(warnings.length, 1);
  assert.equal(project.store.size, 0);
  Deno.writeTextFileSync(`${project.root}/name.txt`, "two.txt");
  assert.equal((await project.load()).pipeline.stages[0]?.outs[0]?.path, "two.txt");
});

Deno.test("a module that reads the environment while it declares is asked each time", async () => {
  using project = makeProject({ "pivot.ts": `${IMPORTS}Deno.env.get("HOME");\n${WRITES_A}` });
  assert.equal((await project.load()).warnings.length, 1);
  assert.equal(project.store.size, 0);
});

for (
  const [what, source, line] of [["a syntax error", "export const a = = 3;\n", 2], [
    "a throw",
    "throw 1n;\n",
    undefined,
  ]] as const
) {
  Deno.test(`a module with ${what} is invalid and says where`, async () => {
    using project = makeProject({ "pivot.ts": IMPORTS + source });
    await assert.rejects(project.load(), (error: unknown) => {
      assert(error instanceof PivotError);
      assert.equal(error.code, "module-failed");
      assert.equal(error.exitCode, 3);
      assert.equal(error.spot?.file, "pivot.ts");
      assert.equal(error.spot?.line, line);
      return true;
    });
  });
}

Deno.test("parameters that YAML could not carry are refused, each by its name", async () => {
  const bad = "{ a: NaN, b: new Date(0), c: undefined, d: () => 1, e: 1n, f: new Map() } as never";
  using project = makeProject({
    "pivot.ts":
      `${IMPORTS}export const a = stage({ params: ${bad}, outs: { o: out("a", text()) }, run: () => ({ o: "" }) });`,
  });
  const messages = (await project.findings()).map((each) => each.message);
  assert.equal(messages.length, 6);
  for (const key of "abcdef") assert(messages.some((message) => message.includes(`params.${key}`)), key);
});

Deno.test("every finding of pivot.yaml is reported at once, with its place", async () => {
  using project = makeProject({
    "pivot.yaml": "stagse: {}\nstages:\n  a:\n    cmd: x\n    timout: 3\n    timeout: soon\n" +
      "    deps: [missing]\n    outs: [../x, /abs, .pivot/y]\n",
  });
  const findings = await project.findings();
  assert.deepEqual(findings.map((each) => each.code).sort(), [
    "bad-duration",
    "missing-dependency",
    "path-outside-project",
    "path-outside-project",
    "reserved-output",
    "unknown-key",
    "unknown-key",
  ]);
  const typo = findings.find((each) => each.message.includes("timout"));
  assert.deepEqual(typo?.spot, { file: "pivot.yaml", line: 5, column: 5 });
  assert.equal(typo?.hint, 'did you mean "timeout"?');
});

Deno.test("broken YAML says line and column", async () => {
  using project = makeProject({ "pivot.yaml": "stages:\n  a: [\n  b: }\n" });
  const [first] = await project.findings();
  assert.equal(first?.spot?.line, 3);
  assert.equal(first?.exitCode, 3);
});

Deno.test("pivot.yaml overrides a path of a stage in pivot.ts and keeps the rest", async () => {
  using project = makeProject({
    "pivot.ts": IMPORTS + WRITES_A,
    "pivot.yaml": "stages:\n  a:\n    outs: { o: elsewhere/a.txt }\n",
  });
  const [stage] = (await project.load()).pipeline.stages;
  assert.deepEqual(stage?.outs.map(({ name, path }) => [name, path]), [["o", "elsewhere/a.txt"]]);
  assert.equal(stage?.action.type, "module");
});

Deno.test("a module of pivot.yaml stays in the project and is there", async () => {
  using project = makeProject({
    "pivot.yaml": "stages:\n  a: { module: ../x.ts#f, outs: [a] }\n  b: { module: ./none.ts#f, outs: [b] }\n",
  });
  assert.deepEqual((await project.findings()).map((each) => each.code), ["path-outside-project", "module-not-found"]);
});

Deno.test("outputs: the same, nested, and below a link are findings", async () => {
  using project = makeProject({
    "pivot.yaml": "stages:\n  a: { cmd: x, outs: [d/, link/o] }\n  b: { cmd: x, outs: [./d, d/e] }\n",
  });
  Deno.symlinkSync("/", `${project.root}/link`);
  assert.deepEqual((await project.findings()).map((each) => each.code).sort(), [
    "duplicate-output",
    "nested-output",
    "output-through-link",
  ]);
});

Deno.test("an output inside several others is told for each of them, and neighbours each for themselves", async () => {
  using project = makeProject({
    "pivot.yaml":
      "stages:\n  a: { cmd: x, outs: [d/] }\n  b: { cmd: x, outs: [d/e/] }\n  c: { cmd: x, outs: [d/e/f, d/e/g, dd/x] }\n",
  });
  const told = (await project.findings()).map(({ message }) => message);
  assert.deepEqual(told.map((each) => each.match(/"([^"]+)"/g)?.join(" ")), [
    '"d/e" "b" "d" "a"',
    '"d/e/f" "c" "d/e" "b"',
    '"d/e/f" "c" "d" "a"',
    '"d/e/g" "c" "d/e" "b"',
    '"d/e/g" "c" "d" "a"',
  ]);
});

Deno.test("the shortest cycle is told, downstream, with the paths that link it", async () => {
  using project = makeProject({
    "pivot.yaml": "stages:\n  z: { cmd: x, deps: [a], outs: [z] }\n  a: { cmd: x, deps: [c, q], outs: [a] }\n" +
      "  b: { cmd: x, deps: [a], outs: [b] }\n  c: { cmd: x, deps: [b], outs: [c] }\n" +
      "  p: { cmd: x, deps: [d/q.txt], outs: [p] }\n  q: { cmd: x, deps: [p, c], outs: [q, d/] }\n",
  });
  const [finding] = await project.findings();
  assert.equal(
    finding?.message,
    'stages depend on each other in a circle: p → q → p ("q" needs "p" of "p", "p" needs "d/q.txt" of "q")',
  );
  assert.deepEqual(finding?.data.cycle, [
    { from: "p", to: "q", path: "p" },
    { from: "q", to: "p", path: "d/q.txt" },
  ]);
});

Deno.test("among equally short cycles the first that was declared is told; long ones are cut in words only", async () => {
  const ring = (names: readonly string[]) =>
    names.map((name, at) => `  ${name}: { cmd: x, deps: [${names.at(at - 1)}], outs: [${name}] }\n`).join("");
  using project = makeProject({ "pivot.yaml": `stages:\n${ring(["c", "d"])}${ring(["a", "b"])}` });
  assert.match((await project.findings())[0]?.message ?? "", /c → d → c /);
  const names = Array.from({ length: 300 }, (_, at) => `s${at}`);
  using long = makeProject({ "pivot.yaml": `stages:\n${ring(names)}` });
  const [finding] = await long.findings();
  assert.match(finding?.message ?? "", /s0 → s1 → .* → s299 → s0 \(.* and 294 more\)$/);
});

Deno.test("names that are one on macOS and Windows are warnings that name both stages", async () => {
  using project = makeProject({
    "pivot.yaml":
      "stages:\n  a: { cmd: x, outs: [Data/out.csv, dir/] }\n  b: { cmd: x, outs: [data/OUT.csv, Dir/in.txt] }\n" +
      "  c: { cmd: x, outs: ['caf\u00e9'] }\n  d: { cmd: x, outs: ['cafe\u0301'] }\n  A: { cmd: x, outs: [other] }\n" +
      "  e: { cmd: x, deps: [Other], outs: [e] }\n",
    "Other": "",
  });
  const { warnings } = await project.load();
  assert.deepEqual(warnings.map((each) => each.normalize("NFC")), [
    'stages "A" and "a" differ only in letter case: their records are one file on macOS and Windows',
    'output "data/OUT.csv" of stage "b" and output "Data/out.csv" of stage "a" differ only in letter case: they are one file on macOS and Windows',
    'output "café" of stage "d" and output "café" of stage "c" differ only in the Unicode form of their letters: they are one file on macOS and Windows',
    'output "Dir/in.txt" of stage "b" lies inside output "dir" of stage "a" on macOS and Windows, where "Dir" and "dir" are one folder',
    'dependency "Other" of stage "e" and output "other" of stage "A" differ only in letter case: the first stage does not wait for the second',
  ]);
});

Deno.test("different paths and one path of two kinds of use make no such warning", async () => {
  using project = makeProject({
    "pivot.yaml":
      "stages:\n  a: { cmd: x, outs: [Data/A.csv, Data/b.csv] }\n  b: { cmd: x, deps: [Data/A.csv, Data], outs: [B] }\n",
  });
  assert.deepEqual((await project.load()).warnings, []);
});

Deno.test("stock tasks are stages, with edges through tasks that only group", async () => {
  using project = makeProject({
    "src/a.ts": "",
    "deno.json": JSON.stringify({
      tasks: {
        build: { command: "x", files: ["src/**/*.ts"], output: ["dist/**"], env: ["MODE"] },
        group: { dependencies: ["build"] },
        pack: { command: "z", output: ["z.txt"], dependencies: ["group"] },
        plain: "echo",
      },
    }),
  });
  const { pipeline, source } = await project.load();
  assert.equal(source, "deno.json");
  assert.deepEqual(pipeline.stages.map((stage) => [stage.name, stage.after, stage.env]), [
    ["build", [], ["MODE"]],
    ["pack", ["build"], []],
  ]);
});

Deno.test("property: no cycle is shorter than the one that is told, and none is told where there is none", () => {
  const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 24 });
  fc.assert(fc.property(edges, (pairs) => {
    const names = Array.from({ length: 8 }, (_, at) => `s${at}` as StageName);
    const upstream = new Map(names.map((name, at): [StageName, StageName[]] => {
      const found = pairs.filter(([to, from]) => to === at && from !== at).flatMap(([, from]) => names[from] ?? []);
      return [name, [...new Set(found)]];
    }));
    // Walks of k steps that end where they began: the first k that has one is the length of the shortest cycle.
    let reached = new Map(names.map((name) => [name, new Set([name])]));
    let shortest = 0;
    for (let steps = 1; steps <= names.length && shortest === 0; steps++) {
      reached = new Map(
        [...reached].map(([start, at]) => [start, new Set([...at].flatMap((n) => upstream.get(n) ?? []))]),
      );
      if ([...reached].some(([start, at]) => at.has(start))) shortest = steps;
    }
    const told = shortestCycle(names, upstream);
    assert.equal(Math.max(0, told.length - 1), shortest);
    assert.equal(told[0], told.at(-1));
    for (const [at, name] of told.slice(1).entries()) {
      assert.ok(upstream.get(name)?.includes(told[at] ?? name), `${name} does not need ${told[at]}`);
    }
  }));
});
