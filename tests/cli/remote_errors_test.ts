// What a person sees when a remote does not work: which one, why, what to do, and an exit code that scripts can tell apart.

import assert from "node:assert/strict";
import { type TestProject, testProject, TWO_STAGES } from "../support/project.ts";
import { startS3 } from "../support/s3.ts";

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs with these variables and no others that a provider's library would find. */
async function withEnv(
  project: TestProject,
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<Ended> {
  const none = {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: `${project.root}/none`,
    AWS_SHARED_CREDENTIALS_FILE: `${project.root}/none`,
    AWS_ACCESS_KEY_ID: "",
    AWS_SECRET_ACCESS_KEY: "",
  };
  const { code, stdout, stderr } = await project.start(args, { ...none, ...env }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

const KEYS = { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" };
const WRONG = { AWS_ACCESS_KEY_ID: "AKIANOBODY", AWS_SECRET_ACCESS_KEY: "S3RVER" };
const SECRET = "wJalrXUtnFEMI-K7MDENG-bPxRfiCY";

async function ran(url: string, ...options: string[]): Promise<TestProject> {
  const project = testProject(TWO_STAGES);
  await project.run();
  await project.expect(0, "remote", "add", "origin", url, ...options);
  return project;
}

Deno.test("no remote at all and a wrong name are usage errors with a hint", async () => {
  using project = testProject(TWO_STAGES);
  for (
    const args of [["push"], ["pull"], ["fetch"], ["sync"], ["remote", "status"], ["run", "--pull"], ["run", "--push"]]
  ) {
    const { err } = await project.expect(2, ...args);
    assert.match(err, /no remote is chosen[^]*pivot remote add origin/, args.join(" "));
  }
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  assert.match(
    (await project.expect(2, "push", "--remote", "orgin")).err,
    /no remote "orgin"[^]*did you mean "origin"/,
  );
  assert.match((await project.expect(2, "remote", "default", "nas")).err, /remotes are: origin/);
  assert.match((await project.expect(2, "push", "nobody")).err, /nobody/);
});

Deno.test("offline is exit 13 with the place and a hint, and costs a run its help and not its success", async () => {
  using project = await ran("s3://bucket/x", "--endpoint", "http://127.0.0.1:1", "--region", "us-east-1");
  const pushed = await withEnv(project, KEYS, "push");
  assert.equal(pushed.code, 13, pushed.err);
  assert.match(pushed.err, /s3:\/\/bucket\/x[^]*hint: check the network and the remote's endpoint/);
  project.write("a.txt", "changed");
  const run = await withEnv(project, KEYS, "run", "--pull");
  assert.equal(run.code, 0, run.err);
  assert.equal(run.err.match(/warning: cannot/g)?.length, 1, run.err);
});

Deno.test({
  name: "a missing bucket, wrong keys and no keys at all are told apart",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using server = await startS3();
    const way = ["--endpoint", server.endpoint, "--region", "us-east-1"];
    using project = await ran("s3://no-such-bucket/x", ...way);
    const missing = await withEnv(project, server.env, "push");
    assert.equal(missing.code, 13, missing.err);
    assert.match(missing.err, /no-such-bucket[^]*make the bucket, or correct the remote's URL/);
    await project.expect(0, "remote", "add", "real", `s3://${server.bucket}/${crypto.randomUUID()}`, ...way);
    const none = await withEnv(project, {}, "push", "--remote", "real");
    assert.equal(none.code, 13, none.err);
    assert.match(none.err, /hint: set the provider's environment variables, or name a profile/);
    const wrong = await withEnv(project, WRONG, "push", "--remote", "real");
    assert.equal(wrong.code, 13, wrong.err);
    // versitygw answers an unknown key with "not found", which tells nobody anything.
    if (!server.weak) return;
    assert.match(wrong.err, /check the access key and its secret|ask for the permission/);
    const checked = await withEnv(project, WRONG, "remote", "check", "real");
    assert.equal(checked.code, 13);
    assert.match(checked.out, /^problem credentials /m);
  },
});

Deno.test("a remote that may only be read is pulled from; a push names each file and why, with exit 13", async () => {
  if (Deno.uid() === 0) {
    // Modes do not hold root back: a file where a folder must be does.
    using project = await ran("file:///proc/pivot-remote");
    const { code, err } = await project.pivot("push");
    assert.equal(code, 13, err);
    assert.match(err, /failed out\/(upper|twice)\.txt|cannot .*\/proc\/pivot-remote/);
    return;
  }
  using project = testProject(TWO_STAGES);
  await project.run();
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.expect(0, "push");
  project.write("a.txt", "more");
  await project.run();
  for (const { name } of Deno.readDirSync(`${project.root}/shared/files`)) {
    Deno.chmodSync(`${project.root}/shared/files/${name}`, 0o555);
  }
  Deno.chmodSync(`${project.root}/shared/files`, 0o555);
  const { code, err } = await project.pivot("push");
  assert.equal(code, 13, err);
  assert.match(err, /failed out\/twice\.txt/);
});

Deno.test("a partial failure names what failed and moves the rest; the next one finishes it", async () => {
  using project = await ran("file:///nowhere");
  await project.expect(0, "remote", "add", "disk", `file://${project.root}/shared`);
  await project.expect(0, "push", "--remote", "disk");
  const lock = project.read(".pivot/stages/upper.lock");
  const [, first, rest] = /path: "out\/upper\.txt"[^]*?hash: "(..)([0-9a-f]+)"/.exec(lock) ?? [];
  const blob = `${project.root}/shared/files/${first}/${rest}`;
  const bytes = Deno.readFileSync(blob);
  Deno.removeSync(blob);
  Deno.removeSync(`${project.root}/.pivot/cache`, { recursive: true });
  Deno.removeSync(`${project.root}/out`, { recursive: true });
  const { code, err, out } = await project.pivot("pull", "--remote", "disk");
  assert.equal(code, 13, err);
  assert.match(err, /failed out\/upper\.txt/);
  assert.match(out, /^Pulled 1 file \(12 B\) from file:.* in .*, 1 failed$/m);
  assert.equal(project.read("out/twice.txt"), "HELLO!HELLO!");
  Deno.writeFileSync(blob, bytes);
  assert.match((await project.expect(0, "pull", "--remote", "disk")).out, /^Pulled 1 file \(6 B\)/m);
});

Deno.test({
  name: "credentials are in no output, no settings and no state, whatever is asked with them",
  sanitizeOps: false,
  sanitizeResources: false,
  fn: async () => {
    await using server = await startS3();
    using project = await ran(`s3://${server.bucket}/secret`, "--endpoint", server.endpoint, "--region", "us-east-1");
    const env = {
      AWS_ACCESS_KEY_ID: "AKIAPIVOTTEST",
      AWS_SECRET_ACCESS_KEY: SECRET,
      AWS_SESSION_TOKEN: `token-${SECRET}`,
    };
    const said: string[] = [];
    for (
      const args of [
        ["push"],
        ["push", "--json"],
        ["remote", "check"],
        ["remote", "check", "--json"],
        ["run", "--pull", "--force", "--jsonl"],
        ["config", "list"],
        ["doctor", "--json"],
      ]
    ) {
      const { out, err } = await withEnv(project, env, ...args);
      said.push(out, err);
    }
    const refused = await project.expect(2, "remote", "add", "bad", `s3://key:${SECRET}@bucket/x`);
    said.push(refused.out, refused.err);
    assert.match(refused.err, /holds a credential[^]*environment variables, a profile or a role/);
    const query = await project.expect(2, "remote", "add", "bad", `azure://box/x?sig=${SECRET}`);
    said.push(query.out, query.err);
    assert.ok(!said.join("\n").includes(SECRET));
    assert.deepEqual(filesWith(`${project.root}/.pivot`, SECRET), []);
  },
});

function filesWith(folder: string, text: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory, isFile }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return filesWith(path, text);
    return isFile && new TextDecoder("latin1").decode(Deno.readFileSync(path)).includes(text) ? [path] : [];
  });
}
