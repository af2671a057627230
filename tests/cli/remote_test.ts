// Sharing through a remote: what one project pushed, a fresh clone pulls, and then has nothing to run.

import assert from "node:assert/strict";
import { type TestProject, testProject, TWO_STAGES } from "../support/project.ts";
import { startS3 } from "../support/s3.ts";

function cloneOf(project: TestProject): TestProject {
  const files = [
    "a.txt",
    "lib/marks.ts",
    "pivot.ts",
    ".pivot/config.yaml",
    ".pivot/stages/upper.lock",
    ".pivot/stages/twice.lock",
  ];
  return testProject(
    Object.fromEntries(files.filter((file) => project.exists(file)).map((file) => [file, project.read(file)])),
  );
}

async function tellTheStory(project: TestProject): Promise<void> {
  await project.run();
  const pushed = await project.expect(0, "push");
  assert.match(pushed.out, /^Pushed 2 files \(\d+ B\) to /m);
  assert.match((await project.expect(0, "push")).out, /^Pushed 0 files/m);
  using clone = cloneOf(project);
  assert.match((await clone.expect(0, "pull")).out, /^Pulled 2 files/m);
  assert.equal(clone.read("out/twice.txt"), "HELLO!HELLO!");
  assert.deepEqual(await clone.run(), { upper: "skipped", twice: "skipped" });
  using lazy = cloneOf(project);
  assert.deepEqual(await lazy.run("--pull"), { upper: "restored", twice: "restored" });
  const status = JSON.parse((await lazy.expect(0, "remote", "status", "--json")).out);
  assert.deepEqual([status.same.files, status.ahead.files, status.behind.files], [2, 0, 0]);
  await lazy.expect(0, "remote", "check");
}

Deno.test("push, then pull and run in a clone: a folder", async () => {
  using project = testProject(TWO_STAGES);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await tellTheStory(project);
});

Deno.test({
  name: "push, then pull and run in a clone: a real S3 server",
  // The server's sockets live as long as it does.
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using server = await startS3();
    for (const [name, value] of Object.entries({ AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" })) {
      if (Deno.env.get(name) === undefined) Deno.env.set(name, value);
    }
    using project = testProject(TWO_STAGES);
    const url = `s3://${server.bucket}/${crypto.randomUUID()}`;
    await project.expect(0, "remote", "add", "origin", url, "--endpoint", server.endpoint, "--region", "us-east-1");
    await tellTheStory(project);
  },
});

Deno.test("run --push shares what was made; a blob that is nowhere is a named failure with exit 12 or 13", async () => {
  using project = testProject(TWO_STAGES);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.expect(0, "run", "--push");
  using clone = cloneOf(project);
  Deno.removeSync(`${project.root}/shared/files`, { recursive: true });
  const { err, code } = await clone.pivot("pull");
  assert.ok(code === 12 || code === 13);
  assert.match(err, /failed out\/upper\.txt/);
  assert.match(err, /failed out\/twice\.txt/);
});

Deno.test("--all moves the whole cache and the whole remote, records or not", async () => {
  using project = testProject(TWO_STAGES);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.run();
  project.write("a.txt", "other");
  await project.run();
  assert.match((await project.expect(0, "push", "--all")).out, /^Pushed 4 files/m);
  using clone = cloneOf(project);
  assert.match((await clone.expect(0, "fetch", "--all")).out, /^Pulled 4 files/m);
  assert.match((await clone.expect(0, "fetch", "--all")).out, /^Pulled 0 files/m);
});

Deno.test("an altered local blob is refused by name, the rest is pushed", async () => {
  using project = testProject(TWO_STAGES);
  await project.run();
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  const path = `${project.root}/out/upper.txt`;
  Deno.chmodSync(path, 0o644);
  Deno.writeTextFileSync(path, "HELLO?");
  const { err, out, code } = await project.pivot("push");
  assert.equal(code, 12, err);
  assert.match(err, /failed out\/upper\.txt/);
  assert.match(out, /Pushed 1 file/);
});

Deno.test("remotes are added, listed, chosen and removed; a password in a URL is refused and not repeated", async () => {
  using project = testProject(TWO_STAGES);
  const none = await project.expect(2, "push");
  assert.match(none.err, /pivot remote add/);
  await project.expect(0, "remote", "add", "one", "s3://bucket/prefix");
  await project.expect(0, "remote", "add", "two", `file://${project.root}/two`);
  await project.expect(0, "remote", "default", "two");
  const list = JSON.parse((await project.expect(0, "remote", "list", "--json")).out);
  assert.deepEqual(list.map((each: { name: string; default: boolean }) => [each.name, each.default]), [["one", false], [
    "two",
    true,
  ]]);
  await project.expect(0, "remote", "remove", "one");
  const refused = await project.expect(2, "remote", "add", "bad", "s3://user:hunter2@bucket/x");
  assert.ok(!refused.err.includes("hunter2"));
  assert.ok(!project.read(".pivot/config.yaml").includes("hunter2"));
});
