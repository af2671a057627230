// Looking after a remote: what it holds, whether it works, what may go; and what is remembered of it.

import assert from "node:assert/strict";
import { commitAll, git } from "../support/git.ts";
import { type TestProject, testProject, TWO_STAGES } from "../support/project.ts";

async function shared(files: Readonly<Record<string, string>> = TWO_STAGES): Promise<TestProject> {
  const project = testProject(files);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  return project;
}

/** Makes every object of the remote older by so many days. */
function age(folder: string, days: number): void {
  const past = new Date(Date.now() - days * 86_400_000);
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) age(`${folder}/${name}`, days);
    else Deno.utimeSync(`${folder}/${name}`, past, past);
  }
}

Deno.test("ls tells sizes and which stage needs what; status tells both sides by files and bytes", async () => {
  using project = await shared();
  await project.run();
  await project.expect(0, "push");
  project.write("shared/files/readme.txt", "not ours");
  const { objects } = JSON.parse((await project.expect(0, "remote", "ls", "--json")).out);
  const seen = objects.map((each: { size: number; neededBy: string[]; paths: string[] }) =>
    [each.size, each.neededBy, each.paths].flat().join(" ")
  );
  assert.deepEqual(seen.sort(), ["12 twice out/twice.txt", "6 upper out/upper.txt", "8"]);
  const table = await project.expect(0, "remote", "ls");
  assert.match(table.out, /6 B +upper +out\/upper\.txt/);
  assert.match(table.out, /not ours/);
  assert.match(table.err, /3 objects \(26 B\), 1 not needed/);
  project.write("a.txt", "other!");
  await project.run();
  assert.match((await project.expect(0, "remote", "status")).out, /^ahead +2 files \(21 B\) here, not there$/m);
});

Deno.test("check names each ability, and says plainly what does not work", async () => {
  using project = await shared();
  const good = await project.expect(0, "remote", "check");
  assert.deepEqual(
    [...good.out.matchAll(/^ok +(\w+)/gm)].map(([, name]) => name),
    ["reach", "credentials", "write", "read", "clock", "list", "delete"],
  );
  await project.expect(
    0,
    "remote",
    "add",
    "gone",
    "s3://bucket/x",
    "--endpoint",
    "http://127.0.0.1:1",
    "--region",
    "x",
  );
  const { code, out } = await withEnv(project, KEYS, "remote", "check", "gone");
  assert.equal(code, 13);
  assert.match(out, /^problem reach .*127\.0\.0\.1:1|^problem reach .*s3:\/\/bucket\/x/m);
  assert.match(out, /check the network and the remote's endpoint/);
  await project.expect(0, "remote", "add", "cloud", "gcs://bucket/x");
  const none = await project.expect(13, "remote", "check", "cloud");
  assert.match(none.out, /^problem credentials .*GCS_HMAC_ACCESS_ID/m);
});

const KEYS = { AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/hunter2" };

async function withEnv(
  project: TestProject,
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await project.start(args, env).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("gc keeps what any branch or tag names, shows first, and removes shared runs before their blobs", async () => {
  using project = await shared();
  git(project, "init", "-q");
  project.write(".gitignore", "/shared\n/out\n");
  await project.run();
  commitAll(project, "first");
  git(project, "tag", "v1");
  await project.expect(0, "push", "--run-cache");
  project.write("a.txt", "on a branch");
  git(project, "checkout", "-q", "-b", "side");
  await project.run();
  commitAll(project, "side");
  await project.expect(0, "push", "--run-cache");
  project.write("a.txt", "never committed");
  await project.run();
  await project.expect(0, "push", "--run-cache");
  project.write("a.txt", "hello");
  await project.run();
  const young = JSON.parse((await project.expect(0, "remote", "gc", "--json")).out);
  assert.deepEqual([young.plan.remove.length, young.plan.runs.length, young.plan.kept.files], [0, 0, 6]);
  age(`${project.root}/shared`, 40);
  const shown = await project.expect(0, "remote", "gc");
  assert.match(shown.out, /^would remove 2 objects \(\d+ B\), 2 shared runs and 0 abandoned uploads, kept 4/m);
  assert.match(shown.err, /--yes/);
  assert.match((await project.expect(0, "remote", "gc", "--older-than", "50")).out, /would remove 0 objects/);
  assert.match((await project.expect(0, "remote", "gc", "--yes")).out, /^removed 2 objects/m);
  assert.match((await project.expect(0, "remote", "gc", "--yes")).out, /^removed 0 objects \(0 B\), 0 shared runs/m);
  const left = JSON.parse((await project.expect(0, "remote", "ls", "--json")).out).objects;
  assert.equal(left.length, 4);
});

Deno.test("gc of a remote needs git: what other branches need cannot be guessed", async () => {
  using project = await shared();
  await project.run();
  await project.expect(0, "push");
  assert.match((await project.expect(2, "remote", "gc", "--yes")).err, /in no git repository/);
});

Deno.test("the local gc keeps what branches and tags name when asked, and stops at a record that it cannot read", async () => {
  using project = await shared();
  git(project, "init", "-q");
  project.write(".gitignore", "/shared\n/out\n");
  await project.run();
  commitAll(project, "first");
  git(project, "tag", "v1");
  project.write("a.txt", "two");
  await project.run();
  commitAll(project, "second");
  const removed = async (...args: string[]) =>
    JSON.parse((await project.expect(0, "gc", "--dry-run", "--json", ...args)).out).removed.length;
  assert.equal(await removed(), 2);
  assert.equal(await removed("--all-branches"), 2);
  assert.equal(await removed("--all-tags"), 0);
  assert.equal(await removed("--keep-days", "1"), 0);
  project.write(".pivot/stages/upper.lock", "half a re");
  const refused = await project.expect(3, "gc");
  assert.match(refused.err, /cannot tell what is still needed/);
});

Deno.test("a remote that was emptied and made again under the same URL is noticed by the next push", async () => {
  using project = await shared();
  await project.run();
  await project.expect(0, "push");
  assert.match((await project.expect(0, "push")).out, /^Pushed 0 files/m);
  const id = project.read("shared/pivot-remote-id");
  Deno.removeSync(`${project.root}/shared`, { recursive: true });
  project.write("a.txt", "more");
  await project.run();
  project.write("a.txt", "hello");
  await project.run();
  project.write("b.txt", "tracked, so that something is unknown");
  await project.expect(0, "track", "b.txt");
  assert.match((await project.expect(0, "push")).out, /^Pushed 3 files/m);
  assert.notEqual(project.read("shared/pivot-remote-id"), id);
});

Deno.test("push --force believes nothing that is remembered, and status corrects it", async () => {
  using project = await shared();
  await project.run();
  await project.expect(0, "push");
  Deno.removeSync(`${project.root}/shared/files`, { recursive: true });
  assert.match((await project.expect(0, "remote", "status")).out, /^ahead +2 files/m);
  assert.match((await project.expect(0, "push")).out, /^Pushed 2 files/m);
  Deno.removeSync(`${project.root}/shared/files`, { recursive: true });
  assert.match((await project.expect(0, "push", "--force")).out, /^Pushed 2 files/m);
});
