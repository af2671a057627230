// Shared runs: what one machine made, another gets by the hash of its inputs, with no record of its own; and nothing forged gets in.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { outcomes, type TestProject, testProject, TWO_STAGES } from "../support/project.ts";

/** The sources alone, as on a branch where nobody ran anything. */
function sourcesOf(project: TestProject, more: Readonly<Record<string, string>> = {}): TestProject {
  const files = ["a.txt", "lib/marks.ts", "pivot.ts", ".pivot/config.yaml"];
  return testProject({ ...Object.fromEntries(files.map((file) => [file, project.read(file)])), ...more });
}

async function sharing(): Promise<TestProject> {
  const project = testProject(TWO_STAGES);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.run();
  return project;
}

/** Every file below `folder` of the remote. */
function objects(project: TestProject, folder: string): string[] {
  const root = `${project.root}/shared/${folder}`;
  if (!project.exists(`shared/${folder}`)) return [];
  return [...Deno.readDirSync(root)].flatMap(({ name }) =>
    [...Deno.readDirSync(`${root}/${name}`)].map((file) => `${root}/${name}/${file.name}`)
  ).filter((path) => !path.includes(".meta")).sort();
}

Deno.test("who never ran a stage gets its outputs by input hash, and a change in an input runs it", async () => {
  using project = await sharing();
  assert.match((await project.expect(0, "push", "--run-cache")).out, /^Shared 2 runs, 0 there already$/m);
  assert.match((await project.expect(0, "push", "--run-cache")).out, /^Shared 0 runs, 2 there already$/m);
  using clone = sourcesOf(project);
  const preview = await clone.expect(0, "run", "--pull", "--dry-run");
  assert.match(preview.out, /^restore +upper/m);
  assert.deepEqual(await clone.run("--pull"), { upper: "restored", twice: "restored" });
  assert.equal(clone.read("out/twice.txt"), "HELLO!HELLO!");
  assert.deepEqual(await clone.run(), { upper: "skipped", twice: "skipped" });
  using other = sourcesOf(project, { "a.txt": "other" });
  assert.deepEqual(await other.run("--pull"), { upper: "ran", twice: "ran" });
});

Deno.test("without --run-cache nothing is shared; the setting makes every push share, or nobody look", async () => {
  using project = await sharing();
  await project.expect(0, "push");
  assert.deepEqual(objects(project, "runs"), []);
  using alone = sourcesOf(project);
  assert.deepEqual(await alone.run("--pull"), { upper: "ran", twice: "ran" });
  await project.expect(0, "config", "set", "shared_run_cache", "true");
  assert.match((await project.expect(0, "push")).out, /^Shared 2 runs/m);
  assert.equal(objects(project, "runs").length, 2);
  using clone = sourcesOf(project);
  await clone.expect(0, "config", "set", "shared_run_cache", "false");
  assert.deepEqual(await clone.run("--pull"), { upper: "ran", twice: "ran" });
  using trusting = sourcesOf(project);
  await trusting.expect(0, "config", "set", "auto_pull", "true");
  assert.deepEqual(await trusting.run(), { upper: "restored", twice: "restored" });
});

/** Writes an entry over the one that is there, with the metadata that a careful forger would write. */
function forge(path: string, change: (text: string) => string, withSum: boolean): void {
  const text = change(Deno.readTextFileSync(path));
  Deno.chmodSync(path, 0o644);
  Deno.writeTextFileSync(path, text);
  if (!withSum) return;
  const folder = path.slice(0, path.indexOf("/runs/"));
  for (const side of walk(folder)) {
    if (side === path || !side.includes(path.slice(path.lastIndexOf("/") + 1))) continue;
    const sum = createHash("sha256").update(text).digest("hex");
    Deno.chmodSync(side, 0o644);
    Deno.writeTextFileSync(side, Deno.readTextFileSync(side).replace(/[0-9a-f]{64}/, sum));
  }
}

function walk(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? walk(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

const FORGERIES: readonly (readonly [name: string, change: (text: string) => string, withSum: boolean])[] = [
  ["other bytes than were written", (text) => text.replace("HELLO", "JELLO").replace(/"atMs":\d/, '"atMs":9'), false],
  ["half an entry", (text) => text.slice(0, text.length / 2), true],
  ["an output outside the project", (text) => text.replaceAll("out/upper.txt", "../upper.txt"), true],
  ["an output that the stage does not declare", (text) => text.replaceAll("out/upper.txt", "pivot.ts"), true],
  ["a blob that it does not vouch for", (text) => text.replace(/"blobs":\{.*\}/, '"blobs":{}}'), true],
  ["a blob with another SHA-256", (text) => text.replace(/"sha256":"[0-9a-f]{8}/, '"sha256":"00000000'), true],
  ["inputs of another stage", (text) => text.replace(/"input":"[0-9a-f]{4}/, '"input":"0000'), true],
  ["a newer version", (text) => text.replace('"version":1', '"version":2'), true],
];

for (const [name, change, withSum] of FORGERIES) {
  Deno.test(`a shared run is not used: ${name}`, async () => {
    using project = await sharing();
    await project.expect(0, "push", "--run-cache");
    for (const path of objects(project, "runs")) forge(path, change, withSum);
    using clone = sourcesOf(project);
    const before = clone.read("pivot.ts");
    const ended = await clone.expect(0, "run", "--pull", "--json");
    const made = outcomes(ended.out);
    assert.equal(made.upper, "ran", ended.err);
    assert.equal(clone.read("out/upper.txt"), "HELLO!");
    assert.equal(clone.read("pivot.ts"), before);
  });
}

Deno.test("a rewritten entry that says the truth is used, so that the forgeries above fail for what they are", async () => {
  using project = await sharing();
  await project.expect(0, "push", "--run-cache");
  for (const path of objects(project, "runs")) forge(path, (text) => text.replace(/"atMs":\d/, '"atMs":2'), true);
  using clone = sourcesOf(project);
  assert.deepEqual(await clone.run("--pull"), { upper: "restored", twice: "restored" });
});

Deno.test("an entry whose blob was altered or went is not used", async () => {
  using project = await sharing();
  await project.expect(0, "push", "--run-cache");
  const [first, second] = objects(project, "files");
  assert.ok(first !== undefined && second !== undefined);
  Deno.chmodSync(first, 0o644);
  Deno.writeFileSync(first, new Uint8Array(Deno.statSync(first).size));
  Deno.removeSync(second);
  using clone = sourcesOf(project);
  assert.deepEqual(outcomes((await clone.expect(0, "run", "--pull", "--json")).out), { upper: "ran", twice: "ran" });
  assert.equal(clone.read("out/twice.txt"), "HELLO!HELLO!");
});

Deno.test("entries travel over branches: a run upstream that gives the same output spares what comes after it", async () => {
  using project = await sharing();
  await project.expect(0, "push", "--run-cache");
  using branch = sourcesOf(project);
  branch.edit("pivot.ts", "a.toUpperCase() + MARK", "a.toUpperCase().concat(MARK)");
  assert.deepEqual(await branch.run("--pull"), { upper: "ran", twice: "restored" });
});

const KINDS = {
  "pivot.ts": `import { dep, metric, out, stage, text } from "@pivot/pivot";
export const make = stage({
  cmd: ["sh", "make.sh"],
  deps: { how: dep("make.sh") },
  outs: { tree: out("tree/"), tool: out("tool"), m: metric("m.json") },
});
`,
  "make.sh": `set -e
mkdir -p tree/empty tree/sub
echo a > tree/sub/a
printf '#!/bin/sh\\necho ran\\n' > tree/run.sh
chmod +x tree/run.sh
ln -s sub/a tree/link
printf '#!/bin/sh\\necho tool\\n' > tool
chmod +x tool
echo '{"accuracy": 0.5}' > m.json
`,
};

Deno.test("folders with links, empty folders and executables, and metrics that no cache keeps, come back by a shared run", async () => {
  using project = testProject(KINDS);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.run();
  await project.expect(0, "push", "--run-cache");
  using clone = testProject({ ...KINDS, ".pivot/config.yaml": project.read(".pivot/config.yaml") });
  assert.deepEqual(await clone.run("--pull"), { make: "restored" });
  const mode = (path: string): number => (Deno.statSync(`${clone.root}/${path}`).mode ?? 0) & 0o111;
  assert.ok(mode("tool") !== 0 && mode("tree/run.sh") !== 0);
  assert.equal(mode("tree/sub/a"), 0);
  assert.equal(Deno.readLinkSync(`${clone.root}/tree/link`), "sub/a");
  assert.ok(Deno.statSync(`${clone.root}/tree/empty`).isDirectory);
  assert.equal(clone.read("m.json"), '{"accuracy": 0.5}\n');
  assert.deepEqual(await clone.run(), { make: "skipped" });
  assert.equal(clone.read(".pivot/stages/make.lock"), project.read(".pivot/stages/make.lock"));
});

Deno.test("a remote that answers with garbage where entries are costs the run a warning and nothing else", async () => {
  using project = await sharing();
  await project.expect(0, "push", "--run-cache");
  for (const path of objects(project, "runs")) forge(path, () => "\0\x01garbage", false);
  using clone = sourcesOf(project);
  const { err } = await clone.expect(0, "run", "--pull");
  assert.match(err, /warning: file:.* holds an altered "runs\//);
  assert.match(err, /2 ran/);
});
