// What stages may do to us, and what we promise about it.

import assert from "node:assert/strict";
import { testProject } from "../support/project.ts";

const HEAD = 'import { dep, incremental, json, jsonl, metric, out, path, plot, stage, text } from "@pivot/pivot";\n';
const used = "export const _all = [dep, incremental, json, jsonl, metric, out, path, plot, stage, text].length;\n";

function pipeline(body: string): Record<string, string> {
  return { "pivot.ts": HEAD + body + used };
}

/** Whether a process with this marker on its command line is alive. */
async function alive(marker: string): Promise<boolean> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "args"] }).output();
  return new TextDecoder().decode(stdout).split("\n").some((line) => line.includes(marker) && !line.startsWith("ps "));
}

Deno.test("a timeout ends an endless loop together with its children", async () => {
  const marker = `31${Math.floor(Math.random() * 1e9)}`;
  using project = testProject(
    pipeline(`export const loop = stage({ timeout: "700ms", outs: { o: out("o.txt") }, run: () => {
  new Deno.Command("sleep", { args: ["${marker}"] }).spawn();
  for (;;);
} });
`),
  );
  const { err } = await project.expect(1, "run");
  assert.match(err, /stopped after its timeout of 700 ms/);
  assert.equal(await alive(`sleep ${marker}`), false);
});

Deno.test("a stage that ends its process, crashes, or makes nothing fails alone", async () => {
  using project = testProject(
    pipeline(`export const exits = stage({ outs: { o: out("a.txt") }, run: () => Deno.exit(0) });
export const rejects = stage({ outs: { o: out("b.txt") }, run: async () => { void Promise.reject(new Error("loose end")); await new Promise(() => setTimeout(() => {}, 60_000)); } });
export const lazy = stage({ outs: { o: out("c.txt") }, run: () => {} });
export const fine = stage({ outs: { o: out("d.txt", text()) }, run: () => ({ o: "d" }) });
`),
  );
  const { out } = await project.expect(1, "run", "--json", "--keep-going");
  const stages = new Map<string, { outcome: string; error?: { message: string } }>(
    JSON.parse(out).stages.map((each: { stage: string }) => [each.stage, each]),
  );
  assert.match(stages.get("exits")?.error?.message ?? "", /ended its process before it returned/);
  assert.match(stages.get("rejects")?.error?.message ?? "", /loose end/);
  assert.match(stages.get("lazy")?.error?.message ?? "", /did not make its output "c\.txt"/);
  assert.equal(stages.get("fine")?.outcome, "ran");
});

Deno.test("output of a stage and of its children goes to the log and, prefixed, to the terminal", async () => {
  using project = testProject(
    pipeline(`export const talk = stage({ outs: { o: out("o.txt", text()) }, run: async (_d, { log }) => {
  log("from log");
  console.error("from error");
  await new Deno.Command("sh", { args: ["-c", "echo from child; echo child error >&2"] }).spawn().status;
  return { o: "x" };
} });
`),
  );
  const { err } = await project.expect(0, "run");
  const log = project.read(".pivot/logs/talk.log");
  for (const line of ["from log", "from error", "from child", "child error"]) {
    assert.ok(log.includes(line), `${line} is not in the log`);
    assert.ok(err.includes(`talk | ${line}`), `${line} is not on the terminal`);
  }
});

Deno.test("retries run a stage again; the last failure is reported", async () => {
  using project = testProject(
    pipeline(
      `export const third = stage({ retries: 2, cmd: "echo x >> tries; test $(wc -l < tries) -ge 3 && echo ok > o.txt", outs: { o: out("o.txt") } });
`,
    ),
  );
  assert.deepEqual(await project.run(), { third: "ran" });
  assert.equal(project.read("tries"), "x\nx\nx\n");
});

Deno.test("parameters come from the stage, params.yaml and --set, and count as inputs", async () => {
  using project = testProject(
    pipeline(
      `export const p = stage({ params: { a: 1, deep: { b: 2, c: 3 } }, outs: { o: out("o.json", json({ indent: 0 })) }, run: (_d, { params }) => ({ o: params }) });
`,
    ),
  );
  project.write("params.yaml", "p:\n  deep:\n    b: 20\n");
  await project.run();
  assert.equal(project.read("o.json"), '{"a":1,"deep":{"b":20,"c":3}}\n');
  assert.deepEqual(await project.run("--set", "p.a=7"), { p: "ran" });
  assert.equal(project.read("o.json"), '{"a":7,"deep":{"b":20,"c":3}}\n');
  assert.deepEqual(await project.run(), { p: "restored" });
  await project.expect(2, "run", "--set", "p.a=seven");
});

Deno.test("a matrix makes a stage per combination", async () => {
  using project = testProject(
    pipeline(
      `export const train = stage({ matrix: { lr: [0.1, 0.01], model: ["a", "b"] }, outs: { m: out("m/{lr}-{model}.json", json()) }, run: (_d, { params }) => ({ m: params }) });
`,
    ),
  );
  const first = await project.run();
  assert.deepEqual(Object.keys(first).sort(), ["train@0.01_a", "train@0.01_b", "train@0.1_a", "train@0.1_b"]);
  assert.deepEqual(JSON.parse(project.read("m/0.01-b.json")), { lr: 0.01, model: "b" });
  assert.deepEqual(Object.keys(await project.run("train@0.1_*")), ["train@0.1_a", "train@0.1_b"]);
});

Deno.test("named environment variables are inputs, and their values stay out of the lock", async () => {
  using project = testProject(
    pipeline(
      `export const e = stage({ env: ["PIVOT_TEST_SECRET"], outs: { o: out("o.txt", text()) }, run: () => ({ o: String(Deno.env.get("PIVOT_TEST_SECRET")?.length) }) });
`,
    ),
  );
  const run = async (secret: string) => {
    const { stdout } = await project.start(["run", "--json"], { PIVOT_TEST_SECRET: secret }).output();
    return JSON.parse(new TextDecoder().decode(stdout)).stages[0].outcome;
  };
  assert.equal(await run("hunter2"), "ran");
  assert.equal(await run("hunter2"), "skipped");
  assert.equal(await run("another"), "ran");
  assert.equal(await run("hunter2"), "restored");
  assert.ok(!project.read(".pivot/stages/e.lock").includes("hunter2"));
});

Deno.test('permissions "declared" let a stage read its dependencies and write its outputs, nothing else', async () => {
  using project = testProject(
    pipeline(
      `export const good = stage({ permissions: "declared", deps: { a: dep("a.txt", text()) }, outs: { o: out("o.txt", text()) }, run: ({ a }) => ({ o: a }) });
export const reads = stage({ permissions: "declared", outs: { o: out("r.txt", text()) }, run: async () => ({ o: await Deno.readTextFile("secret.txt") }) });
export const writes = stage({ permissions: "declared", outs: { o: out("w.txt", text()) }, run: async () => { await Deno.writeTextFile("elsewhere.txt", ""); return { o: "" }; } });
`,
    ),
  );
  project.write("a.txt", "a");
  project.write("secret.txt", "s");
  const { out } = await project.expect(1, "run", "--keep-going", "--json");
  const stages = JSON.parse(out).stages as { stage: string; outcome: string; error?: { message: string } }[];
  assert.deepEqual(stages.map((each) => each.outcome), ["ran", "failed", "failed"]);
  assert.match(stages[1]?.error?.message ?? "", /read access/);
  assert.match(stages[2]?.error?.message ?? "", /write access/);
});

Deno.test("an incremental output is there as a writable copy, and what it held is no input", async () => {
  using project = testProject(
    pipeline(
      `export const grow = stage({ deps: { a: dep("a.txt", text()) }, outs: { log: incremental("log.jsonl", jsonl<string>()) }, run: ({ a }, { previous }) => ({ log: [...(previous.log as string[]), a] }) });
`,
    ),
  );
  project.write("a.txt", "one");
  await project.run();
  project.write("a.txt", "two");
  await project.run();
  assert.equal(project.read("log.jsonl"), '"one"\n"two"\n');
  assert.deepEqual(await project.run(), { grow: "skipped" });
  assert.equal((Deno.statSync(`${project.root}/log.jsonl`).mode ?? 0) & 0o200, 0o200);
});

Deno.test("a folder comes back exactly: names, empty folders, links, x bits", async () => {
  const names = ["plain", "with space", "new\\nline", "emoji \u{1f600}", "n".repeat(200)];
  using project = testProject(pipeline(`export const tree = stage({ outs: { d: out("d/") }, run: (_d, { outs }) => {
  for (const name of ${
    JSON.stringify(names).replaceAll("\\\\n", "\\n")
  }) Deno.writeTextFileSync(outs.d + "/" + name, name);
  Deno.mkdirSync(outs.d + "/sub/empty", { recursive: true });
  Deno.writeTextFileSync(outs.d + "/sub/run.sh", "#!/bin/sh\\n");
  Deno.chmodSync(outs.d + "/sub/run.sh", 0o755);
  Deno.symlinkSync("sub/run.sh", outs.d + "/link");
} });
`));
  await project.run();
  const picture = () => snapshot(`${project.root}/d`);
  const before = picture();
  assert.ok(before.includes("sub/empty/") && before.some((line) => line.startsWith("link -> sub/run.sh")));
  Deno.removeSync(`${project.root}/d`, { recursive: true });
  assert.deepEqual(await project.run(), { tree: "restored" });
  assert.deepEqual(picture(), before);
  Deno.writeTextFileSync(`${project.root}/d/stranger`, "x");
  assert.deepEqual(await project.run(), { tree: "restored" });
  assert.deepEqual(picture(), before);
});

function snapshot(root: string, prefix = ""): string[] {
  return [...Deno.readDirSync(`${root}/${prefix}`)].flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    if (entry.isSymlink) return [`${path} -> ${Deno.readLinkSync(`${root}/${path}`)}`];
    if (entry.isDirectory) {
      const inner = snapshot(root, `${path}/`);
      return inner.length === 0 ? [`${path}/`] : inner;
    }
    return [
      `${path} ${((Deno.lstatSync(`${root}/${path}`).mode ?? 0) & 0o111) !== 0} ${
        Deno.readTextFileSync(`${root}/${path}`)
      }`,
    ];
  }).sort();
}

Deno.test("what cannot be kept is an error, never dropped", async () => {
  using project = testProject(
    pipeline(`export const odd = stage({ cmd: "mkdir -p d && mkfifo d/pipe", outs: { d: out("d/") } });
export const leaves = stage({ cmd: "mkdir -p e && ln -s ../../etc e/out", outs: { d: out("e/") } });
`),
  );
  const { out } = await project.expect(1, "run", "--keep-going", "--json");
  for (const { error } of JSON.parse(out).stages) assert.match(error.message, /cannot keep "(d\/pipe|e\/out)"/);
});

Deno.test("a blob altered through its hard link is set aside and never comes back", async () => {
  using project = testProject(
    pipeline(`export const a = stage({ outs: { o: out("o.txt", text()) }, run: () => ({ o: "right" }) });
`),
  );
  await project.run();
  Deno.chmodSync(`${project.root}/o.txt`, 0o644);
  project.write("o.txt", "wrong");
  assert.deepEqual(await project.run(), { a: "ran" });
  assert.equal(project.read("o.txt"), "right");
  assert.equal([...Deno.readDirSync(`${project.root}/.pivot/cache/quarantine`)].length, 1);
  await project.expect(0, "verify", "--cache");
});

Deno.test("checkout brings outputs back, leaves hand-made changes alone unless forced, and keeps to an explicit mode", async () => {
  using project = testProject(
    pipeline(`export const a = stage({ outs: { o: out("o.txt", text()) }, run: () => ({ o: "right" }) });
`),
  );
  await project.run();
  Deno.removeSync(`${project.root}/o.txt`);
  await project.expect(0, "checkout");
  assert.equal(project.read("o.txt"), "right");
  Deno.removeSync(`${project.root}/o.txt`);
  project.write("o.txt", "by hand");
  const { err } = await project.expect(1, "checkout");
  assert.match(err, /left alone.*o\.txt/);
  assert.equal(project.read("o.txt"), "by hand");
  await project.expect(0, "checkout", "--force", "--checkout-mode", "symlink");
  assert.ok(Deno.lstatSync(`${project.root}/o.txt`).isSymlink);
  assert.deepEqual(await project.run(), { a: "skipped" });
  await project.expect(0, "checkout", "--checkout-mode", "copy");
  assert.ok(!Deno.lstatSync(`${project.root}/o.txt`).isSymlink);
  assert.equal(Deno.lstatSync(`${project.root}/o.txt`).nlink, 1);
});

Deno.test("two runs at once end well with each stage run once", async () => {
  using project = testProject(
    pipeline(
      `export const slow = stage({ cmd: "echo x >> count; sleep 0.3; echo done > o.txt", outs: { o: out("o.txt") } });
`,
    ),
  );
  const [one, two] = await Promise.all([project.pivot("run"), project.pivot("run")]);
  assert.deepEqual([one.code, two.code], [0, 0], `${one.err}\n${two.err}`);
  assert.equal(project.read("count"), "x\n");
  assert.match(one.err + two.err, /waits for process \d+/);
  await project.expect(0, "verify", "--cache");
});

Deno.test("Ctrl-C stops stages and their children, records nothing, exits 130", async () => {
  const marker = `32${Math.floor(Math.random() * 1e9)}`;
  using project = testProject(
    pipeline(
      `export const slow = stage({ cmd: "echo started; sleep ${marker} & sleep ${marker}", outs: { o: out("o.txt") } });
`,
    ),
  );
  const child = project.start(["run"]);
  let seen = "";
  const decoder = new TextDecoder();
  const reader = child.stderr.getReader();
  while (!seen.includes("slow | started")) {
    const { value, done } = await reader.read();
    if (done) break;
    seen += decoder.decode(value);
  }
  child.kill("SIGINT");
  for (;;) if ((await reader.read()).done) break;
  await child.stdout.cancel();
  const started = performance.now();
  assert.equal((await child.status).code, 130);
  assert.ok(performance.now() - started < 5_000);
  assert.equal(await alive(`sleep ${marker}`), false);
  assert.ok(!project.exists(".pivot/stages/slow.lock"));
});

Deno.test("a run whose dependency changes meanwhile is not recorded", async () => {
  using project = testProject(
    pipeline(
      `export const s = stage({ cmd: "cat a.txt > o.txt; echo changed > a.txt", deps: { a: dep("a.txt") }, outs: { o: out("o.txt") } });
`,
    ),
  );
  project.write("a.txt", "first");
  const { err } = await project.expect(1, "run");
  assert.match(err, /dependency "a\.txt" changed while stage "s" ran/);
  assert.ok(!project.exists(".pivot/stages/s.lock"));
});

Deno.test("metrics stay in the workspace as plain files and come back with the run cache", async () => {
  using project = testProject(
    pipeline(
      `export const m = stage({ params: { v: 1 }, outs: { f: metric("f.json"), o: out("o.txt", text()) }, run: (_d, { params }) => ({ f: { v: params.v }, o: String(params.v) }) });
`,
    ),
  );
  await project.run();
  await project.run("--set", "m.v=2");
  assert.deepEqual(JSON.parse(project.read("f.json")), { v: 2 });
  assert.deepEqual(await project.run(), { m: "restored" });
  assert.deepEqual(JSON.parse(project.read("f.json")), { v: 1 });
  assert.equal(Deno.lstatSync(`${project.root}/f.json`).nlink, 1);
});

Deno.test("init makes a project once, adds the task, and keeps what is there", async () => {
  using project = testProject({});
  Deno.removeSync(`${project.root}/.pivot`, { recursive: true });
  project.write("deno.json", '{ "tasks": { "mine": "echo" } }');
  await project.expect(0, "init");
  const config = JSON.parse(project.read("deno.json"));
  assert.equal(config.tasks.mine, "echo");
  assert.match(config.tasks.pivot, /cli\.ts$/);
  const again = await project.expect(0, "init");
  assert.match(again.err, /there already/);
  await project.expect(0, "status");
});

Deno.test("the graph comes as a picture, as Mermaid, as DOT and as JSON", async () => {
  using project = testProject(pipeline(`export const a = stage({ cmd: "true", outs: { o: out("a.txt") } });
export const b = stage({ cmd: "true", deps: { o: dep("a.txt") }, outs: { o: out("b.txt") } });
`));
  assert.equal((await project.expect(0, "dag")).out, "\u25cf a\n\u25cf b\n");
  assert.match((await project.expect(0, "dag", "--mermaid")).out, /s0 --> s1/);
  assert.match((await project.expect(0, "dag", "--dot")).out, /"a" -> "b"/);
  assert.equal(JSON.parse((await project.expect(0, "dag", "--json")).out).nodes.length, 2);
});
