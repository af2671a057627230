// Loading from every source: what is declared, what is cached, what is reported.

import assert from "node:assert/strict";
import { PivotError } from "../../../lib/core/mod.ts";
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

Deno.test("a cycle is named stage by stage", async () => {
  using project = makeProject({
    "pivot.yaml": "stages:\n  z: { cmd: x, deps: [a], outs: [z] }\n  a: { cmd: x, deps: [c], outs: [a] }\n" +
      "  b: { cmd: x, deps: [a], outs: [b] }\n  c: { cmd: x, deps: [b], outs: [c] }\n",
  });
  const [finding] = await project.findings();
  assert.match(finding?.message ?? "", /a -> b -> c -> a$/);
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
