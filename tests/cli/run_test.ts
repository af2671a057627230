// The seed of the whole: run, run again, change something, and only what it touches runs.

import assert from "node:assert/strict";
import { outcomes, testProject, TWO_STAGES } from "../support/project.ts";

Deno.test("run executes everything once, then nothing, then what a change touches", async () => {
  using project = testProject(TWO_STAGES);
  assert.deepEqual(await project.run(), { upper: "ran", twice: "ran" });
  assert.equal(project.read("out/twice.txt"), "HELLO!HELLO!");
  assert.deepEqual(await project.run(), { upper: "skipped", twice: "skipped" });
  project.edit("lib/marks.ts", "UNUSED = 1", "UNUSED = 2");
  assert.deepEqual(await project.run(), { upper: "skipped", twice: "skipped" });
  project.edit("lib/marks.ts", '"!"', '"?"');
  const status = await project.expect(0, "status", "--explain");
  assert.match(status.out, /upper: will run, code changed: const:MARK/);
  assert.match(status.out, /changed const:MARK {2}[0-9a-f]{16} -> [0-9a-f]{16} {2}lib\/marks\.ts:1:/);
  assert.match(status.out, /twice: waits, waits for upper/);
  assert.deepEqual(await project.run(), { upper: "ran", twice: "ran" });
  project.edit("lib/marks.ts", '"?"', '"!"');
  assert.deepEqual(await project.run(), { upper: "restored", twice: "restored" });
  assert.equal(project.read("out/twice.txt"), "HELLO!HELLO!");
});

Deno.test("a stage whose inputs come back the same is skipped though its upstream ran", async () => {
  using project = testProject(TWO_STAGES);
  await project.run();
  project.edit("pivot.ts", "a.toUpperCase() + MARK", "a.toUpperCase().trim() + MARK");
  assert.deepEqual(await project.run(), { upper: "ran", twice: "skipped" });
});

Deno.test("dry run, status and run agree, and --check exits 4 while something would run", async () => {
  using project = testProject(TWO_STAGES);
  await project.expect(4, "run", "--check");
  await project.run();
  await project.expect(0, "run", "--check");
  project.write("a.txt", "other");
  const dry = JSON.parse((await project.expect(0, "run", "--dry-run", "--json")).out).decisions;
  const status = JSON.parse((await project.expect(0, "status", "--json")).out).stages;
  assert.deepEqual(dry, status);
  assert.deepEqual(dry.map((each: { verdict: string }) => each.verdict), ["run", "pending"]);
  await project.expect(4, "run", "--check");
});

Deno.test("targets are stages or output paths, with what they need; --only leaves that out", async () => {
  using project = testProject(TWO_STAGES);
  assert.deepEqual(await project.run("out/upper.txt"), { upper: "ran" });
  assert.deepEqual(await project.run("twice"), { upper: "skipped", twice: "ran" });
  assert.deepEqual(await project.run("twice", "--only", "--force"), { twice: "ran" });
});

Deno.test("a misspelt stage exits 2 with the name that was meant", async () => {
  using project = testProject(TWO_STAGES);
  const { err } = await project.expect(2, "run", "uper");
  assert.match(err, /no stage and no output is called "uper"[\s\S]*did you mean "upper"/);
});

Deno.test("unknown options and commands exit 2", async () => {
  using project = testProject(TWO_STAGES);
  await project.expect(2, "run", "--forse");
  await project.expect(2, "rum");
  await project.expect(2, "run", "--jobs", "0");
});

Deno.test("outside of a project commands exit 10 and say what to do", async () => {
  using project = testProject({});
  Deno.removeSync(`${project.root}/.pivot`, { recursive: true });
  const { err } = await project.expect(10, "run");
  assert.match(err, /pivot init/);
});

Deno.test("a pipeline file that cannot be parsed exits 3 with its place", async () => {
  using project = testProject({
    "pivot.ts": 'import { stage } from "@pivot/pivot";\nexport const a = stage({\n  run: ( => 1,\n});\n',
  });
  const { err } = await project.expect(3, "run");
  assert.match(err, /pivot\.ts:3/);
});

Deno.test("everything wrong with a pipeline is told at once", async () => {
  using project = testProject({
    "pivot.ts": `import { dep, out, stage } from "@pivot/pivot";
export const a = stage({ deps: { x: dep("nowhere.txt") }, outs: { o: out("same.txt") }, run: () => {} });
export const b = stage({ outs: { o: out("same.txt") }, cmd: "true", retrys: 2 } as never);
export const c = stage({ outs: { o: out("../up.txt") }, cmd: "true" });
`,
  });
  const { err } = await project.expect(3, "run");
  for (const part of ["nowhere.txt", "made by both", "retrys", "../up.txt", "pivot.ts:2", "pivot.ts:3", "pivot.ts:4"]) {
    assert.ok(err.includes(part), `${part} is missing in\n${err}`);
  }
});

Deno.test("a failing stage exits 1 with its log's tail, and what needs it is not run", async () => {
  using project = testProject(TWO_STAGES);
  project.edit("pivot.ts", "a.toUpperCase() + MARK", '{ console.log("about to fail"); throw new Error("no luck"); }');
  const { err } = await project.expect(1, "run");
  assert.match(err, /failed upper/);
  assert.match(err, /about to fail/);
  assert.match(err, /no luck/);
  assert.match(err, /not run twice/);
  assert.ok(!project.exists(".pivot/stages/upper.lock"));
  assert.match(project.read(".pivot/logs/upper.log"), /about to fail/);
});

Deno.test("--keep-going runs what does not depend on the failure", async () => {
  using project = testProject({
    "pivot.ts": `import { dep, out, stage } from "@pivot/pivot";
export const bad = stage({ cmd: "exit 3", outs: { o: out("bad.txt") } });
export const after = stage({ cmd: "true", deps: { o: dep("bad.txt") }, outs: { o: out("after.txt") } });
export const good = stage({ cmd: "echo 1 > good.txt", outs: { o: out("good.txt") } });
`,
  });
  const { out } = await project.expect(1, "run", "--keep-going", "--json", "--jobs", "1");
  const stages = Object.fromEntries(
    JSON.parse(out).stages.map((each: { stage: string; outcome: string }) => [each.stage, each.outcome]),
  );
  assert.deepEqual(stages, { bad: "failed", after: "not-run", good: "ran" });
});

Deno.test("--jsonl prints events with a schema, one per line", async () => {
  using project = testProject(TWO_STAGES);
  const { out } = await project.expect(0, "run", "--jsonl");
  const events = out.trim().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual([events[0].type, events[0].schema], ["run-started", 1]);
  assert.equal(events.at(-1).type, "run-finished");
  assert.equal(events.filter((event) => event.type === "stage-finished").length, 2);
});

Deno.test("--no-commit keeps outputs out of cache and record, a second run skips, commit records", async () => {
  using project = testProject(TWO_STAGES);
  await project.run("--no-commit");
  assert.ok(!project.exists(".pivot/stages/upper.lock"));
  assert.ok(!project.exists(".pivot/cache/files"));
  assert.deepEqual(await project.run(), { upper: "skipped", twice: "skipped" });
  await project.expect(0, "commit");
  assert.ok(project.exists(".pivot/stages/upper.lock"));
  Deno.removeSync(`${project.root}/out`, { recursive: true });
  assert.deepEqual(await project.run(), { upper: "restored", twice: "restored" });
});

Deno.test("a state database that is deleted or damaged is rebuilt, and nothing runs for it", async () => {
  using project = testProject(TWO_STAGES);
  await project.run();
  Deno.removeSync(`${project.root}/.pivot/state.lmdb`, { recursive: true });
  assert.deepEqual(await project.run(), { upper: "skipped", twice: "skipped" });
  for (const file of Deno.readDirSync(`${project.root}/.pivot/state.lmdb`)) {
    Deno.writeTextFileSync(`${project.root}/.pivot/state.lmdb/${file.name}`, "not a database");
  }
  assert.deepEqual(await project.run(), { upper: "skipped", twice: "skipped" });
});

Deno.test("a lock with conflict marks counts as no record; one of a newer format is an error", async () => {
  using project = testProject(TWO_STAGES);
  await project.run();
  const lock = project.read(".pivot/stages/upper.lock");
  project.write(".pivot/stages/upper.lock", `<<<<<<< ours\n${lock}=======\n>>>>>>> theirs\n`);
  const { err } = await project.expect(0, "run");
  assert.match(err, /upper\.lock" is not a usable lock/);
  project.write(".pivot/stages/upper.lock", lock.replace("version: 1", "version: 99"));
  const newer = await project.expect(3, "run");
  assert.match(newer.err, /format 99/);
});

Deno.test("a no-op run imports no user module and reads no output", async () => {
  using project = testProject({
    "pivot.ts": `import { out, stage } from "@pivot/pivot";
import "./noisy.ts";
export const a = stage({ outs: { o: out("o.txt") }, run: (_deps, { outs }) => Deno.writeTextFileSync(outs.o, "made") });
`,
    "noisy.ts": 'console.error("IMPORTED");\n',
  });
  await project.run();
  // What is read now could not be read: the bytes are replaced behind an unchanged stamp.
  const path = `${project.root}/o.txt`;
  const before = Deno.lstatSync(path);
  Deno.chmodSync(path, 0o644);
  Deno.writeTextFileSync(path, "EDAM");
  Deno.utimeSync(path, before.atime ?? new Date(), before.mtime ?? new Date());
  const { err, out } = await project.expect(0, "run", "--jsonl");
  assert.ok(!err.includes("IMPORTED") && !out.includes("IMPORTED"));
  assert.match(out, /"outcome":"skipped"/);
});

Deno.test("list counts how often a stage was recorded here", async () => {
  using project = testProject(TWO_STAGES);
  await project.run();
  await project.run("upper", "--force");
  const { stages } = JSON.parse((await project.expect(0, "list", "--json")).out);
  const counts = Object.fromEntries(
    stages.map((each: { name: string; generation: number }) => [each.name, each.generation]),
  );
  assert.deepEqual(counts, { upper: 2, twice: 1 });
});

Deno.test("history keeps what runs did, logs what stages printed", async () => {
  using project = testProject(TWO_STAGES);
  await project.run();
  await project.run();
  const { runs } = JSON.parse((await project.expect(0, "history", "--json")).out);
  assert.equal(runs.length, 1);
  assert.equal(runs[0].stages.length, 2);
  await project.expect(0, "logs", "upper");
  const { err } = await project.expect(2, "logs", "uper");
  assert.match(err, /did you mean "upper"/);
});

Deno.test("gc removes what no record names, verify finds a damaged blob", async () => {
  using project = testProject(TWO_STAGES);
  await project.run();
  project.write("a.txt", "other");
  await project.run();
  const dry = JSON.parse((await project.expect(0, "gc", "--dry-run", "--json")).out);
  assert.equal(dry.removed.length, 2);
  await project.expect(0, "gc");
  await project.expect(0, "verify", "--cache");
  Deno.removeSync(`${project.root}/out`, { recursive: true });
  assert.deepEqual(await project.run(), { upper: "restored", twice: "restored" });
  const folder = [...Deno.readDirSync(`${project.root}/.pivot/cache/files`)][0]?.name ?? "";
  const blob = [...Deno.readDirSync(`${project.root}/.pivot/cache/files/${folder}`)][0]?.name ?? "";
  Deno.chmodSync(`${project.root}/.pivot/cache/files/${folder}/${blob}`, 0o644);
  project.write(`.pivot/cache/files/${folder}/${blob}`, "damage");
  const { out } = await project.expect(12, "verify", "--cache");
  assert.match(out, /damaged/);
});

Deno.test("settings are checked when set, and comments stay", async () => {
  using project = testProject({ ".pivot/config.yaml": "# mine\njobs: 2 # two\n" });
  await project.expect(2, "config", "set", "jobs", "four");
  await project.expect(0, "config", "set", "history.keep", "5");
  assert.equal(project.read(".pivot/config.yaml"), "# mine\njobs: 2 # two\nhistory:\n  keep: 5\n");
  project.write(".pivot/config.yaml", "job: 2\n");
  const { err } = await project.expect(3, "config", "list");
  assert.match(err, /config\.yaml:1:1: error: unknown setting "job"[\s\S]*did you mean "jobs"/);
});

Deno.test("every task of deno.json with files or output is a stage as it stands", async () => {
  using project = testProject({ "src/a.txt": "a", "src/b.txt": "b" });
  project.write(
    "deno.json",
    JSON.stringify({
      tasks: {
        join: { command: "cat src/a.txt src/b.txt > joined.txt", files: ["src/*.txt"], output: ["joined.txt"] },
        count: {
          command: "mkdir -p dist && wc -c joined.txt > dist/count.txt",
          files: ["joined.txt"],
          output: ["dist/**"],
          dependencies: ["join"],
        },
      },
    }),
  );
  assert.deepEqual(await project.run(), { join: "ran", count: "ran" });
  assert.deepEqual(await project.run(), { join: "skipped", count: "skipped" });
  Deno.removeSync(`${project.root}/dist`, { recursive: true });
  assert.deepEqual(await project.run(), { join: "skipped", count: "restored" });
  project.write("src/a.txt", "A!");
  assert.deepEqual(await project.run(), { join: "ran", count: "ran" });
});

Deno.test("a broken helper is told with its place, exits 3, and leaves stages alone that do not reach it", async () => {
  using project = testProject({
    ...TWO_STAGES,
    "lib/other.ts": "export const OTHER = 1;\n",
    "pivot.ts":
      TWO_STAGES["pivot.ts"].replace("import { MARK }", 'import { OTHER } from "./lib/other.ts";\nimport { MARK }') +
      'export const third = stage({ outs: out("out/third.txt", text()), run: () => String(OTHER) });\n',
  });
  await project.run();
  project.write("lib/other.ts", "export const OTHER = ;\n");
  const { out, err } = await project.expect(3, "run", "--json", "--keep-going");
  const stages = JSON.parse(out).stages as { stage: string; outcome: string; error?: { message: string } }[];
  assert.deepEqual(outcomes(out), { third: "failed", upper: "skipped", twice: "skipped" });
  const broken = stages.find(({ stage }) => stage === "third");
  assert.match(broken?.error?.message ?? "", /"lib\/other\.ts" cannot be parsed/);
  assert.match(err, /cannot be loaded now/);
  const status = await project.expect(3, "status");
  assert.match(status.err, /lib\/other\.ts:1:\d+: error: "lib\/other\.ts" cannot be parsed/);
});

Deno.test("run --explain names symbol, hashes, place and the way to it", async () => {
  using project = testProject(TWO_STAGES);
  await project.run();
  project.edit("lib/marks.ts", '"!"', '"?"');
  const { err } = await project.expect(0, "run", "--explain");
  assert.match(err, /changed const:MARK {2}[0-9a-f]{16} -> [0-9a-f]{16} {2}lib\/marks\.ts:1:/);
});
