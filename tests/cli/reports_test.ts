// Comparing revisions, as a person does: a repository with three commits and two branches.

import assert from "node:assert/strict";
import { commitAll, git } from "../support/git.ts";
import { type TestProject, testProject } from "../support/project.ts";

const PIVOT = `import { csv, dep, json, metric, out, stage } from "@pivot/pivot";
export const clean = stage({
  deps: { raw: dep("raw.csv", csv()) },
  outs: { clean: out("data/clean.csv", csv()) },
  params: { threshold: 0.5 },
  run: ({ raw }, { params }) => ({ clean: raw.filter((row) => Number(row.score) > params.threshold) }),
});
export const train = stage({
  deps: { clean: clean.outs.clean },
  outs: { metrics: metric("metrics.json"), model: out("model.json", json()) },
  params: { lr: 0.1, model: { size: 3 } },
  run: ({ clean }, { params }) => ({
    metrics: { rows: clean.length, scores: { mean: clean.length / 3, rate: params.lr } },
    model: { size: params.model.size },
  }),
});
`;

/** Three commits on two branches: main has two, \`more\` one on top with another threshold. */
async function story(): Promise<TestProject> {
  const project = testProject({ "pivot.ts": PIVOT, "raw.csv": "id,score\n1,0.9\n2,0.6\n3,0.2\n" });
  project.write(".pivot/.gitignore", "/cache/\n/logs/\n/state.lmdb/\n/tmp/\n");
  git(project, "init", "-q", "-b", "main");
  await project.expect(0, "run");
  commitAll(project, "one");
  git(project, "tag", "v1");
  project.write("raw.csv", "id,score\n1,0.95\n2,0.6\n4,0.7\n3,0.2\n");
  await project.expect(0, "run");
  commitAll(project, "two");
  git(project, "switch", "-q", "-c", "more");
  project.write("params.yaml", "clean: { threshold: 0.65 }\ntrain: { lr: 0.01 }\n");
  await project.expect(0, "run");
  commitAll(project, "three");
  return project;
}

Deno.test("metrics, params and data are compared with HEAD, a branch, a tag, and between two revisions", async (test) => {
  using project = await story();
  const text = async (...args: string[]) => (await project.expect(0, ...args)).out;

  await test.step("metrics show", async () => {
    const expected = `file          key            value
metrics.json  rows               2
metrics.json  scores.mean  0.66667
metrics.json  scores.rate     0.01
`;
    assert.equal(await text("metrics", "show"), expected);
    assert.match(await text("metrics", "show", "--rev", "main", "--precision", "2"), /scores\.mean +1\n/);
    const { metrics } = JSON.parse(await text("metrics", "show", "--json"));
    assert.deepEqual(metrics["metrics.json"], { rows: 2, "scores.mean": 2 / 3, "scores.rate": 0.01 });
  });

  await test.step("metrics diff", async () => {
    assert.match((await project.expect(0, "metrics", "diff")).err, /the same in HEAD and workspace/);
    const expected = `file          key          main  workspace    change
metrics.json  rows            3          2        -1
metrics.json  scores.mean     1    0.66667  -0.33333
metrics.json  scores.rate   0.1       0.01     -0.09
`;
    assert.equal(await text("metrics", "diff", "main"), expected);
    assert.match(await text("metrics", "diff", "v1..main", "--all"), /rows +2 +3 +\+1\n/);
    assert.match(
      await text("metrics", "diff", "main", "--md"),
      /^\| file \| key \| main \| workspace \| change \|\n\| --- /,
    );
  });

  await test.step("params", async () => {
    const shown = await text("params", "show", "train");
    assert.match(shown, /train +lr +0\.01\n.*train +model\.size +3\n/);
    assert.match(await text("params", "show", "train", "--rev", "main"), /train +lr +0\.1\n/);
    const expected = `stage  key        main  workspace  change
clean  threshold   0.5       0.65   +0.15
train  lr          0.1       0.01   -0.09
`;
    assert.equal(await text("params", "diff", "main"), expected);
    assert.match(await text("params", "diff", "main", "--set", "train.lr=0.2"), /train +lr +0\.1 +0\.2 +\+0\.1\n/);
  });

  await test.step("diff by key and by position", async () => {
    const out = await text("diff", "v1..main", "-t", "data/clean.csv", "--key", "id");
    const expected = `data/clean.csv  changed, 21 B -> 28 B
  rows 2 -> 3: 1 added, 0 removed, 1 changed
  changed:
    id  column   v1  main  change
     1  score   0.9  0.95   +0.05
  added:
    id  score
     4    0.7
`;
    assert.equal(out, expected);
    assert.equal(await text("diff", "v1", "main", "clean", "--key", "id"), expected);
    assert.match(await text("diff", "v1..main", "-t", "clean"), /row {2}column {3}v1 {2}main {2}change\n +1 {2}score /);
    assert.match(
      await text("diff", "v1..main", "clean", "--md"),
      /^### data\/clean\.csv .*\n\nrows .*\n\nchanged:\n\n\| row \|/,
    );
    const { outputs, same } = JSON.parse(await text("diff", "main", "--json"));
    assert.deepEqual(outputs.map(({ path }: { path: string }) => path), ["data/clean.csv", "metrics.json"]);
    assert.equal(same, 1);
    assert.match((await project.expect(2, "diff", "main", "-t", "clean", "--key", "nope")).err, /no column "nope"/);
  });

  await test.step("a blob that is gone is said, not guessed", async () => {
    Deno.removeSync(`${project.root}/.pivot/cache`, { recursive: true });
    const out = await text("diff", "v1..main", "-t", "data/clean.csv");
    assert.match(out, /[0-9a-f]{16} is neither in v1 nor in the cache/);
    // Metrics are in git.
    assert.match(await text("metrics", "diff", "v1..main"), /rows/);
  });
});

Deno.test("history, show, logs and verify tell the past, by short names", async (test) => {
  using project = await story();
  await test.step("history lists runs that show takes", async () => {
    const runs = JSON.parse((await project.expect(0, "history", "--json")).out).runs as { id: string }[];
    assert.equal(runs.length, 3);
    const short = runs[2]?.id.split("-")[1] ?? "";
    const shown = (await project.expect(0, "show", short)).out;
    assert.match(shown, /^run [0-9a-f]{6} {2}good in /);
    assert.match(shown, /clean +ran +\S+ +no record of a run/);
    assert.match((await project.expect(0, "show")).out, /clean +ran +\S+ +parameter threshold: 0\.5 -> 0\.65/);
    assert.equal((await project.expect(0, "show", "last~2")).out, shown);
    assert.match((await project.expect(2, "show", "zzz")).err, /there is no run "zzz"/);
    assert.match((await project.expect(2, "show", "lastly")).err, /there is no run "lastly"/);
    assert.match((await project.expect(2, "show", "last~3")).err, /there is no run "last~3"/);
    assert.match((await project.expect(2, "show", runs[0]?.id.slice(0, 4) ?? "")).err, /means 3 runs/);
    assert.match((await project.expect(0, "history", "--stage", "nothing")).err, /no run did anything with "nothing"/);
  });
  await test.step("status and logs tell how long it took", async () => {
    assert.match((await project.expect(0, "status")).out, /clean +up to date +\d+ms +nothing changed/);
    assert.match((await project.expect(0, "logs", "train")).err, /run [0-9a-f]{6} of .* UTC: ran in \d+ms/);
    const { run } = JSON.parse((await project.expect(0, "logs", "train", "--json")).out);
    assert.deepEqual([run.outcome, run.reason], ["ran", "parameter lr: 0.1 -> 0.01"]);
    const { durations } = JSON.parse((await project.expect(0, "status", "--json")).out);
    assert.ok(durations.clean > 0 && durations.train > 0);
  });
  await test.step("verify tells whether a run would execute anything", async () => {
    assert.match((await project.expect(0, "verify")).out, /2 stages, none would run\n\d+ blobs .*, 0 damaged\n/);
    project.edit("pivot.ts", "clean.length / 3", "clean.length / 4");
    assert.match((await project.expect(1, "verify", "--stages")).out, /train +run +code changed/);
    project.edit("pivot.ts", "clean.length / 4", "clean.length / 3");
  });
  await test.step("--allow-missing takes records for data that is not here", async () => {
    Deno.removeSync(`${project.root}/.pivot/cache`, { recursive: true });
    Deno.removeSync(`${project.root}/data`, { recursive: true });
    Deno.removeSync(`${project.root}/model.json`);
    Deno.removeSync(`${project.root}/raw.csv`);
    await project.expect(3, "verify", "--stages");
    const believed = await project.expect(0, "verify", "--stages", "--allow-missing");
    assert.match(believed.err, /2 recorded files not here, and no remote to look for them on/);
    project.edit("params.yaml", "0.65", "0.7");
    assert.match((await project.expect(1, "verify", "--allow-missing")).out, /clean +run +parameter threshold/);
  });
});

Deno.test("history prunes itself by number", async () => {
  using project = testProject({ "pivot.ts": PIVOT, "raw.csv": "id,score\n1,0.9\n" });
  await project.expect(0, "config", "set", "history.keep", "2");
  for (const lr of [1, 2, 3]) await project.expect(0, "run", "--set", `train.lr=${lr}`);
  assert.equal(JSON.parse((await project.expect(0, "history", "--json")).out).runs.length, 2);
});

Deno.test("what cannot be compared gets a sentence that helps", async (test) => {
  using project = testProject({ "pivot.ts": PIVOT, "raw.csv": "id,score\n1,0.9\n" });
  const fails = async (code: number, why: RegExp, ...args: string[]) => {
    const { out, err } = await project.expect(code, ...args);
    assert.match(err, why);
    assert.doesNotMatch(out + err, /undefined|NaN|\[object/);
  };
  await test.step("no git", () => fails(2, /is in no git repository/, "metrics", "diff"));
  git(project, "init", "-q");
  await test.step("no commit", () => fails(2, /has no commit yet/, "params", "diff"));
  await test.step("metrics that are not there", () =>
    fails(1, /metrics\.json: not there; run the stage/, "metrics", "show"));
  commitAll(project, "one");
  await test.step("wrong revision", () => fails(2, /git knows no revision "nope"/, "diff", "nope"));
  await test.step("wrong range", () => fails(2, /is no range of revisions/, "diff", "a...b"));
  await project.expect(0, "run");
  project.write("metrics.json", '{ "a": 1,\n  "b": NaN }\n');
  await test.step("an unparsable file", () =>
    fails(1, /metrics\.json: not JSON, line 2: JSON has no such number; write null/, "metrics", "show"));
  await test.step("a repository of somebody else", async () => {
    const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: "1", GIT_CONFIG_GLOBAL: "/dev/null" };
    const { code, stderr } = await project.start(["metrics", "diff"], env).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), /git refuses to read .*\n.*safe\.directory/);
  });
  project.write("pivot.ts", "export {};\n");
  await test.step("an empty project", () => fails(0, /no stage has metrics/, "metrics", "show"));
});

/** A story in which everything is on a remote and nothing but what git has is here. */
async function sharedStory(): Promise<TestProject> {
  const project = await story();
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.expect(0, "push", "--all");
  Deno.removeSync(`${project.root}/.pivot/cache`, { recursive: true });
  Deno.removeSync(`${project.root}/data`, { recursive: true });
  Deno.removeSync(`${project.root}/model.json`);
  return project;
}

Deno.test("--pull fetches old content from the default remote; without it, it is said", async () => {
  using project = await sharedStory();
  const diff = ["diff", "v1..main", "data/clean.csv", "--key", "id"];
  assert.match((await project.expect(0, ...diff)).out, /neither in v1 nor in the cache; --pull fetches it/);
  assert.match((await project.expect(0, ...diff, "--pull")).out, / 1 {2}score +0\.9 {2}0\.95 +\+0\.05\n/);
  Deno.removeSync(`${project.root}/.pivot/cache`, { recursive: true });
  Deno.renameSync(`${project.root}/shared`, `${project.root}/away`);
  assert.match((await project.expect(0, ...diff, "--pull")).out, /nor in the cache, and was not fetched: \S/);
});

Deno.test("verify --allow-missing looks on the remote for what is not here", async () => {
  using project = await sharedStory();
  await project.expect(1, "verify", "--stages");
  assert.match((await project.expect(0, "verify", "--stages", "--allow-missing")).out, /^2 stages, none would run\n$/);
  Deno.renameSync(`${project.root}/shared`, `${project.root}/away`);
  const { out } = await project.expect(1, "verify", "--stages", "--allow-missing");
  assert.match(out, /lost data\/clean\.csv: recorded, but neither here nor on the remote/);
  assert.match(out, /2 stages, none would run, but 2 lost\n$/);
  const report = JSON.parse((await project.expect(1, "verify", "--stages", "--allow-missing", "--json")).out);
  assert.deepEqual(report.stages.lost, ["data/clean.csv", "model.json"]);
});

Deno.test("verify --allow-missing goes by the record of tracked data that is not here", async () => {
  using project = testProject({ "pivot.ts": PIVOT, "raw.csv": "id,score\n1,0.9\n" });
  await project.expect(0, "track", "raw.csv");
  await project.run();
  project.write("other/raw.csv", "id,score\n1,0.7\n");
  Deno.removeSync(`${project.root}/raw.csv`);
  Deno.renameSync(`${project.root}/other/raw.csv`, `${project.root}/raw.csv`);
  await project.expect(0, "track", "raw.csv");
  Deno.removeSync(`${project.root}/raw.csv`);
  const { out } = await project.expect(1, "verify", "--stages", "--allow-missing");
  assert.match(out, /clean +run +dependency changed: raw\.csv/);
});

Deno.test("a word that is a stage and a branch is refused; a typo is told from a revision", async () => {
  using project = await story();
  git(project, "branch", "train");
  assert.match((await project.expect(2, "params", "diff", "train")).err, /"train" is a target and a revision/);
  assert.match((await project.expect(0, "params", "diff", "main", "-t", "train")).out, /^stage .*\ntrain +lr .*\n$/);
  await project.expect(0, "params", "diff", "refs/heads/train");
  assert.match(
    (await project.expect(2, "diff", "clea")).err,
    /neither a stage, nor an output, nor a revision\n.*"clean"/,
  );
  assert.match((await project.expect(2, "diff", "v1", "main", "more")).err, /more than two revisions/);
  assert.match((await project.expect(2, "metrics", "diff", "../x")).err, /no revision "\.\.\/x"/);
});

Deno.test("stages that only a revision knows can be asked for; tracked data is compared; a broken record is told", async () => {
  using project = await story();
  project.write("notes.json", '{ "a": { "b": 1 } }');
  await project.expect(0, "track", "notes.json");
  commitAll(project, "four");
  Deno.removeSync(`${project.root}/notes.json`);
  project.write("notes.json", '{ "a": { "b": 3 } }');
  const { out } = await project.expect(0, "diff", "notes.json");
  assert.match(out, /^notes\.json {2}changed, 19 B\n.*\n {2}changed:\n.*\n +1 {2}a\.b +1 +3 +\+2\n$/);
  project.edit("pivot.ts", "export const train", "const train");
  assert.match((await project.expect(0, "metrics", "diff", "v1", "-t", "train")).out, /metrics\.json +rows +2 +-/);
  project.write(".pivot/stages/clean.lock", "<<<<<<< HEAD\n");
  commitAll(project, "five");
  const { err } = await project.expect(0, "params", "diff");
  assert.match(err, /warning: \.pivot\/stages\/clean\.lock at HEAD cannot be read/);
});

Deno.test("--key of one table passes over tables that lack the column", async () => {
  using project = await story();
  const { out } = await project.expect(0, "diff", "v1..main", "--key", "id");
  assert.match(out, /data\/clean\.csv {2}changed[^]*\n +1 {2}score[^]*metrics\.json[^]*there is no column "id"/);
});

Deno.test("a metric file that cannot be read is named with its line; its values do not count as gone", async () => {
  using project = testProject({
    "pivot.yaml": `stages:
  a: { cmd: "echo 'loss: 1' > a.yaml", metrics: [a.yaml] }
  b: { cmd: "echo '{\\"loss\\": 1}' > b.json", metrics: [b.json] }
`,
  });
  git(project, "init", "-q");
  await project.expect(0, "run");
  commitAll(project, "one");
  project.write("a.yaml", "loss: 2\nacc: [\n");
  project.write("b.json", '{ "loss": 0.5 }');
  const { out, err } = await project.expect(1, "metrics", "diff");
  assert.equal(out, "file    key   HEAD  workspace  change\nb.json  loss     1        0.5    -0.5\n");
  assert.match(err, /warning: a\.yaml: not YAML, line [23]: /);
  project.write("a.yaml", "loss: &a [*a]\n");
  assert.match((await project.expect(1, "metrics", "show")).err, /a\.yaml: it refers to itself/);
  Deno.writeFileSync(`${project.root}/a.yaml`, new Uint8Array([0xff, 0xfe, 0x7b]));
  assert.match((await project.expect(1, "metrics", "show")).err, /a\.yaml: it is no text in UTF-8/);
  Deno.removeSync(`${project.root}/a.yaml`);
  const gone = await project.expect(1, "metrics", "diff", "a");
  assert.match(gone.out, /a\.yaml +loss +1 +- +-\n/);
  assert.match(gone.err, /a\.yaml: not there; run the stage that makes it/);
});

Deno.test("a table that is too big is compared by size, which is said", async () => {
  using project = testProject({ "pivot.yaml": "stages: {}\n" });
  git(project, "init", "-q");
  const file = `${project.root}/big.csv`;
  const fill = (bytes: number) => {
    using handle = Deno.openSync(file, { write: true, create: true });
    handle.truncateSync(bytes);
  };
  fill(40_000_000);
  await project.expect(0, "track", "big.csv");
  commitAll(project, "one");
  Deno.removeSync(file);
  fill(41_000_000);
  const { out } = await project.expect(0, "diff");
  assert.equal(out, "big.csv  changed, 40 MB -> 41 MB\n  not compared row by row: more than 33.6 MB\n");
});

Deno.test("history, show and logs tell of failures as they tell of success", async () => {
  using project = testProject({
    "pivot.yaml": `stages:
  good: { cmd: "echo fine; echo 1 > a.txt", outs: [a.txt] }
  bad: { cmd: "echo oops; exit 3", deps: [a.txt], outs: [b.txt] }
  after: { cmd: "true", deps: [b.txt], outs: [c.txt] }
`,
  });
  await project.expect(1, "run", "--keep-going");
  assert.match(
    (await project.expect(0, "history")).out,
    / failed {2}1 ran, 1 failed, 1 not-run {2}run --keep-going\n$/,
  );
  const { out } = await project.expect(0, "show");
  assert.match(
    out,
    /^run \S+ {2}failed in .*\n.*\n\nstage +outcome +took +why\ngood +ran +\S+ms +no record of a run\n/,
  );
  assert.match(out, /\nbad +failed +\S+ms +stage "bad" exited with code 3\nafter +not-run +- +waits for bad\n$/);
  const logs = await project.expect(0, "logs", "bad");
  assert.equal(logs.out, "oops\n");
  assert.match(logs.err, /: failed in \S+ms, no record of a run\n$/);
});
