// A real DVC project (made by DVC 3.67, see tests/golden/dvc) becomes a pipeline that has nothing to do.

import assert from "node:assert/strict";
import { REPOSITORY, type TestProject, testProject } from "../support/project.ts";

const GOLDEN = `${REPOSITORY}/tests/golden/dvc`;

function dvcProject(options: { readonly outputs: boolean }): TestProject {
  const project = testProject({});
  Deno.removeSync(`${project.root}/.pivot`, { recursive: true });
  Deno.removeSync(`${project.root}/deno.json`);
  const files = [
    "dvc.yaml",
    "dvc.lock",
    "params.yaml",
    "src/prepare.sh",
    "src/train.sh",
    "data/raw.csv",
    "data/notes.txt",
  ];
  for (const file of [...files, "data/raw.csv.dvc", "data/notes.txt.dvc"]) {
    project.write(file, Deno.readTextFileSync(`${GOLDEN}/${file}`));
  }
  project.write(".dvc/config", Deno.readTextFileSync(`${GOLDEN}/dvc/config`));
  project.write(".dvcignore", Deno.readTextFileSync(`${GOLDEN}/dvcignore`));
  if (!options.outputs) return project;
  const script = `sh src/prepare.sh; sh src/train.sh; for n in ann bob; do echo hello $n > greet-$n.txt; done
for l in 1 2; do for k in a b; do echo $l $k > grid-$l-$k.txt; done; done`;
  new Deno.Command("sh", { args: ["-c", script], cwd: project.root }).outputSync();
  return project;
}

Deno.test("a DVC project whose outputs are here has nothing to run after the import", async () => {
  using project = dvcProject({ outputs: true });
  const { out, err } = await project.expect(0, "import-dvc");
  assert.match(
    out,
    /^pivot\.yaml {2}5 stages\ndata\/notes\.txt {2}tracked\ndata\/raw\.csv {2}tracked\nprepare {2}up to date by dvc\.lock/,
  );
  assert.match(err, /not mapped: `artifacts` at the top of dvc\.yaml/);
  assert.match(err, /remote "store" \(s3:\/\/bucket\/dvc\) holds DVC's own layout/);
  const outcomes = await project.run();
  assert.equal(Object.keys(outcomes).length, 9);
  assert.ok(Object.values(outcomes).every((outcome) => outcome === "skipped"));
  assert.ok(project.exists(".pivotignore"));
});

Deno.test("a DVC project without outputs runs, and its parameters count by key", async () => {
  using project = dvcProject({ outputs: false });
  await project.expect(0, "import-dvc");
  const first = await project.run();
  assert.deepEqual(first, {
    prepare: "ran",
    train: "ran",
    "greet@ann": "ran",
    "greet@bob": "ran",
    "grid@1_a": "ran",
    "grid@1_b": "ran",
    "grid@2_a": "ran",
    "grid@2_b": "ran",
    inside: "skipped",
  });
  assert.equal(project.read("greet-bob.txt"), "hello bob\n");
  assert.equal(project.read("grid-2-a.txt"), "2 a\n");
  assert.match((await project.expect(0, "metrics", "show")).out, /metrics\.json +rows +2/);
  project.edit("params.yaml", "seed: 42", "seed: 43");
  const { stages } = JSON.parse((await project.expect(0, "status", "--json")).out);
  const reasons = new Map(stages.map((each: { stage: string; headline: unknown }) => [each.stage, each.headline]));
  assert.deepEqual(reasons.get("train"), { type: "param", key: "seed", old: 42, new: 43 });
  assert.deepEqual(reasons.get("prepare"), { type: "up-to-date" });
  project.edit("params.yaml", "seed: 43\n", "");
  assert.match(
    (await project.expect(3, "status")).err,
    /`params` names the key "seed", which "params\.yaml" does not have/,
  );
});

Deno.test("an import overwrites nothing unless told to, and --dry-run writes nothing", async () => {
  using project = dvcProject({ outputs: false });
  const { out } = await project.expect(0, "import-dvc", "--dry-run");
  assert.match(out, /stages:\n {2}prepare:\n {4}cmd: sh src\/prepare\.sh/);
  assert.ok(!project.exists("pivot.yaml") && !project.exists(".pivot"));
  project.write("pivot.yaml", "stages: {}\n");
  assert.match((await project.expect(2, "import-dvc")).err, /"pivot\.yaml" is there already/);
  assert.equal(project.read("pivot.yaml"), "stages: {}\n");
  await project.expect(0, "import-dvc", "--force");
  assert.match(project.read("pivot.yaml"), /prepare:/);
});

Deno.test("a folder without DVC is told so", async () => {
  using project = testProject({});
  assert.match((await project.expect(2, "import-dvc")).err, /neither dvc\.yaml nor a \.dvc file/);
});
