// Stories with several machines: continuous integration's pull, run, push; the example project; remotes that act by themselves; an S3
// bucket that changed behind everybody's back.

import assert from "node:assert/strict";
import { type TestProject, testProject, TWO_STAGES } from "../support/project.ts";
import { startS3 } from "../support/s3.ts";

/** What git would bring to another machine: everything but outputs, cache and state. */
function machine(from: TestProject): TestProject {
  const files: Record<string, string> = {};
  const collect = (folder: string): void => {
    for (const { name, isDirectory, isFile } of Deno.readDirSync(`${from.root}/${folder}`)) {
      const path = folder === "" ? name : `${folder}/${name}`;
      if (/^(shared|out|models|\.git|\.pivot\/(cache|state\.lmdb|tmp|logs))$/.test(path)) continue;
      if (isDirectory) collect(path);
      else if (isFile) files[path] = from.read(path);
    }
  };
  collect("");
  return testProject(files);
}

/** Records travel by git: what a machine committed, another has. */
function commitTo(from: TestProject, to: TestProject): void {
  for (const { name } of Deno.readDirSync(`${from.root}/.pivot/stages`)) {
    to.write(`.pivot/stages/${name}`, from.read(`.pivot/stages/${name}`));
  }
}

Deno.test("continuous integration: pull, run, push on three machines, and each stage runs once", async () => {
  using first = testProject(TWO_STAGES);
  await first.expect(0, "remote", "add", "origin", `file://${first.root}/shared`);
  assert.match((await first.expect(0, "pull")).out, /^Pulled 0 files/m);
  assert.deepEqual(await first.run(), { upper: "ran", twice: "ran" });
  await first.expect(0, "push");

  using second = machine(first);
  assert.match((await second.expect(0, "pull")).out, /^Pulled 2 files/m);
  assert.deepEqual(await second.run(), { upper: "skipped", twice: "skipped" });
  second.edit("pivot.ts", "upper + upper", 'upper + "/" + upper');
  assert.deepEqual(await second.run(), { upper: "skipped", twice: "ran" });
  assert.match((await second.expect(0, "push")).out, /^Pushed 1 file \(13 B\)/m);

  using third = machine(second);
  const { err } = await third.expect(0, "run", "--pull", "--push");
  assert.match(err, /2 restored/);
  assert.equal(third.read("out/twice.txt"), "HELLO!/HELLO!");
  commitTo(second, first);
  first.write("pivot.ts", second.read("pivot.ts"));
  await first.expect(0, "pull");
  assert.deepEqual(await first.run(), { upper: "skipped", twice: "skipped" });
});

Deno.test("run --pull fetches only what it needs: not the outputs of stages whose inputs changed", async () => {
  using project = testProject(TWO_STAGES);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.run();
  await project.expect(0, "push");
  using other = machine(project);
  other.edit("pivot.ts", "upper + upper", 'upper + "/" + upper');
  const { err } = await other.expect(0, "run", "--pull");
  assert.match(err, /^Pulling 1 file \(6 B\) from /m);
  assert.match(err, /1 ran, 1 restored/);
  using none = machine(project);
  await none.expect(0, "pull");
  const idle = await none.expect(0, "run", "--pull");
  assert.doesNotMatch(idle.err, /Pull/i);
});

Deno.test("auto_push and auto_pull act: for the default remote by a setting, for any remote by its own", async () => {
  using project = testProject(TWO_STAGES);
  const count = (name: string): number => {
    if (!project.exists(`${name}/files`)) return 0;
    return [...Deno.readDirSync(`${project.root}/${name}/files`)].length;
  };
  await project.expect(0, "remote", "add", "shared", `file://${project.root}/shared`);
  await project.expect(0, "remote", "add", "second", `file://${project.root}/second`, "--auto-push");
  await project.expect(0, "run");
  assert.deepEqual([count("shared"), count("second")], [0, 2]);
  await project.expect(0, "config", "set", "auto_push", "true");
  project.write("a.txt", "more");
  await project.expect(0, "run");
  assert.deepEqual([count("shared"), count("second")], [2, 4]);
  await project.expect(0, "config", "set", "remotes.shared.auto_push", "false");
  project.write("a.txt", "again");
  await project.expect(0, "run");
  assert.deepEqual([count("shared"), count("second")], [2, 6]);
  using other = machine(project);
  await other.expect(0, "config", "set", "remotes.second.auto_pull", "true");
  assert.match((await other.expect(0, "run")).err, /2 restored/);
});

Deno.test("pull is idempotent, leaves what was changed by hand and says which; --force overwrites it", async () => {
  using project = testProject(TWO_STAGES);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.run();
  await project.expect(0, "push");
  using other = machine(project);
  await other.expect(0, "pull");
  assert.match((await other.expect(0, "pull")).err, /0 outputs checked out, 2 in place already/);
  Deno.removeSync(`${other.root}/out/upper.txt`);
  other.write("out/upper.txt", "by hand");
  const { err } = await other.expect(1, "pull");
  assert.match(err, /left alone, since they were changed by hand: out\/upper\.txt[^]*--force/);
  const listed = JSON.parse((await other.expect(1, "pull", "--json")).out);
  assert.deepEqual(listed[0].checkout.modified, ["out/upper.txt"]);
  await other.expect(0, "pull", "twice");
  await other.expect(0, "pull", "--force");
  assert.equal(other.read("out/upper.txt"), "HELLO!");
});

Deno.test("--dry-run shows the plan with sizes and moves nothing; targets narrow it; sync goes both ways", async () => {
  using project = testProject(TWO_STAGES);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.run();
  const plan = await project.expect(0, "push", "--dry-run");
  assert.equal(
    plan.out,
    `out/twice.txt  12 B\nout/upper.txt  6 B\nWould push 2 files (18 B) to file://${project.root}/shared; 0 there already\n`,
  );
  assert.equal(project.exists("shared/files"), false);
  const pushed = await project.expect(0, "push", "upper", "--jobs", "1");
  assert.match(pushed.err, /^Pushing 1 file \(6 B\) to file:.*\n {2}out\/upper\.txt {2}6 B$/m);
  assert.match(pushed.out, /^Pushed 1 file \(6 B\) to file:.* in \d/m);
  const synced = JSON.parse((await project.expect(0, "sync", "--json")).out);
  assert.deepEqual(
    synced.map((
      each: { plan: { direction: string; move: unknown[] } },
    ) => [each.plan.direction, each.plan.move.length]),
    [["pull", 0], ["push", 1]],
  );
  using other = machine(project);
  assert.match((await other.expect(0, "pull", "--dry-run")).out, /^Would pull 2 files \(18 B\) from /m);
  assert.equal(other.exists("out"), false);
  await other.expect(0, "fetch", "out/upper.txt");
  assert.match((await other.expect(0, "fetch", "--force")).out, /^Pulled 2 files/m);
  assert.match((await other.expect(0, "fetch")).out, /^Pulled 0 files/m);
});

Deno.test("the example project is pushed; a second machine with nothing pulls, and has nothing to run", async () => {
  using project = testProject({});
  for (const path of [".pivot", "deno.json"]) Deno.removeSync(`${project.root}/${path}`, { recursive: true });
  await project.expect(0, "init", "--example");
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.expect(0, "run");
  const pushed = await project.expect(0, "push");
  assert.match(pushed.out, /^Pushed [1-9]\d* files? /m);
  using other = machine(project);
  await other.expect(0, "pull");
  const outcomes = Object.values(await other.run());
  assert.ok(outcomes.length > 2 && outcomes.every((each) => each === "skipped"), outcomes.join());
});

Deno.test({
  name: "an S3 bucket that was emptied or lost a blob behind our back is noticed and filled again",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using server = await startS3();
    const { DeleteObjectCommand, ListObjectsV2Command, S3Client } = await import("@aws-sdk/client-s3");
    const client = new S3Client({ endpoint: server.endpoint, forcePathStyle: true, region: "us-east-1" });
    const prefix = crypto.randomUUID();
    const keys = async (): Promise<string[]> => {
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: server.bucket, Prefix: prefix }));
      return (Contents ?? []).flatMap(({ Key }) => Key ?? []).sort();
    };
    const remove = (key: string) => client.send(new DeleteObjectCommand({ Bucket: server.bucket, Key: key }));
    using project = testProject(TWO_STAGES);
    const url = `s3://${server.bucket}/${prefix}`;
    await project.expect(0, "remote", "add", "origin", url, "--endpoint", server.endpoint, "--region", "us-east-1");
    await project.run();
    await project.expect(0, "push", "--run-cache");
    const before = await keys();
    assert.equal(before.filter((key) => key.includes("/files/")).length, 2);
    assert.equal(before.filter((key) => key.includes("/runs/")).length, 2);
    assert.ok(before.includes(`${prefix}/pivot-remote-id`));
    for (const key of before) await remove(key);
    project.write("b.txt", "something new to send");
    await project.expect(0, "track", "b.txt");
    assert.match((await project.expect(0, "push", "--run-cache")).out, /^Pushed 3 files[^]*^Shared 2 runs/m);
    const [blob] = (await keys()).filter((key) => key.includes("/files/"));
    assert.ok(blob !== undefined);
    await remove(blob);
    using other = machine(project);
    assert.equal((await other.pivot("pull")).code, 13);
    await project.expect(0, "remote", "status");
    assert.match((await project.expect(0, "push")).out, /^Pushed 1 file/m);
    await other.expect(0, "pull");
    client.destroy();
  },
});
