// The life of a shared bucket, with real processes on a real S3 server: stopped in the middle, pushed to twice at once or during a gc,
// objects that vanish, change or belong to somebody else.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { type Digest, parseSha256 } from "../../lib/core/mod.ts";
import {
  blobKey,
  digestOfKey,
  directoryStore,
  executeRemoteGc,
  planRemoteGc,
  Remote,
  RemoteConfig,
} from "../../lib/remote/mod.ts";
import { type Fault, type ProxiedRequest, startProxy } from "../support/fault_proxy.ts";
import { type TestProject, testProject } from "../support/project.ts";
import { type S3Server, startS3 } from "../support/s3.ts";

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const PASS: Fault = { type: "pass" };
// The library keeps sockets for later.
const unsanitized = { sanitizeOps: false, sanitizeResources: false };

/** A prefix of the server's bucket, as projects name it and as this process reaches it. */
function place(server: S3Server): { url: string; open(folder: string): Promise<Remote> } {
  const url = `s3://${server.bucket}/${crypto.randomUUID()}`;
  const config = RemoteConfig.fromUrl("test", url, { endpoint: server.endpoint });
  return { url, open: (folder) => Remote.fromConfig(config, { store: directoryStore(folder) }) };
}

/** A project that tracks these files of `data/` and has this remote. */
async function tracking(
  files: Readonly<Record<string, Uint8Array>>,
  remote: { readonly url: string; readonly endpoint: string },
): Promise<TestProject> {
  const project = testProject({ "pivot.ts": "export {};\n" });
  Deno.mkdirSync(`${project.root}/data`);
  for (const [name, bytes] of Object.entries(files)) Deno.writeFileSync(`${project.root}/data/${name}`, bytes);
  await project.expect(0, "track", "data");
  await project.expect(0, "remote", "add", "origin", remote.url, "--endpoint", remote.endpoint);
  return project;
}

/** What git brings to another machine, with another way to the remote. */
function cloneOf(project: TestProject, from: string, to: string): TestProject {
  return testProject({
    "pivot.ts": "export {};\n",
    ".pivot/tracked/data.lock": project.read(".pivot/tracked/data.lock"),
    ".pivot/config.yaml": project.read(".pivot/config.yaml").replaceAll(from, to),
  });
}

function random(size: number): Uint8Array {
  return new Uint8Array(randomBytes(size));
}

interface Stopped {
  readonly code: number;
  readonly err: string;
  /** From the signal to the end of the process. */
  readonly tookMs: number;
}

/** Sends Ctrl-C once `reached` and waits for the end. */
async function interrupt(child: Deno.ChildProcess, reached: Promise<void>): Promise<Stopped> {
  const output = child.output();
  await Promise.race([
    reached,
    output.then(({ stderr }) => assert.fail(`ended too early: ${new TextDecoder().decode(stderr)}`)),
  ]);
  const started = performance.now();
  child.kill("SIGINT");
  const { code, stderr } = await output;
  return { code, err: new TextDecoder().decode(stderr), tookMs: performance.now() - started };
}

Deno.test({
  name: "Ctrl-C ends a push within a second, without parts left behind; the next push finishes",
  ...unsanitized,
}, async () => {
  await using server = await startS3();
  const { url, open } = place(server);
  const reached = Promise.withResolvers<void>();
  let parts = 0;
  await using proxy = startProxy(server.endpoint, ({ method, url }) => {
    if (method !== "PUT" || !url.includes("partNumber=") || ++parts < 3) return PASS;
    reached.resolve();
    return { type: "stall" };
  });
  using project = await tracking({ "big.bin": random(64 * MIB) }, { url, endpoint: proxy.endpoint });
  const { code, err, tookMs } = await interrupt(project.start(["push"]), reached.promise);
  assert.equal(code, 130, err);
  assert.ok(tookMs < 1000, `it took ${tookMs.toFixed(0)} ms`);
  await using remote = await open(project.root);
  assert.deepEqual(await Array.fromAsync(remote.list()), [], "no object is visible half-written");
  if (!server.weak) assert.deepEqual(await remote.backend.parts?.list(""), []);
  project.edit(".pivot/config.yaml", proxy.endpoint, server.endpoint);
  assert.match((await project.expect(0, "push")).out, /^Pushed 1 file /m);
});

Deno.test({
  name: "Ctrl-C ends a pull within a second, with nothing half-done in the cache; the next pull finishes",
  ...unsanitized,
}, async () => {
  await using server = await startS3();
  const { url } = place(server);
  const [small, big] = [random(1000), random(40 * MIB)];
  using project = await tracking({ "small.bin": small, "big.bin": big }, { url, endpoint: server.endpoint });
  await project.expect(0, "push");
  const reached = Promise.withResolvers<void>();
  await using proxy = startProxy(server.endpoint, ({ method, url }) => {
    if (method !== "GET" || !url.includes("/files/")) return PASS;
    return { type: "hold", afterBytes: 100_000, reached: reached.resolve };
  });
  using clone = cloneOf(project, server.endpoint, proxy.endpoint);
  const { code, err, tookMs } = await interrupt(clone.start(["pull"]), reached.promise);
  assert.equal(code, 130, err);
  assert.ok(tookMs < 1000, `it took ${tookMs.toFixed(0)} ms`);
  clone.edit(".pivot/config.yaml", proxy.endpoint, server.endpoint);
  await clone.expect(0, "pull");
  await clone.expect(0, "verify");
  assert.deepEqual(Deno.readFileSync(`${clone.root}/data/big.bin`), big);
  assert.deepEqual(Deno.readFileSync(`${clone.root}/data/small.bin`), small);
});

Deno.test({
  name: "two pushes of the same blobs at once, by two processes, leave each blob once and whole",
  ...unsanitized,
}, async () => {
  await using server = await startS3();
  const { url, open } = place(server);
  const files = Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`${at}.bin`, random(at * 1000)]));
  const all = { ...files, "big.bin": random(20 * MIB) };
  using one = await tracking(all, { url, endpoint: server.endpoint });
  using two = await tracking(all, { url, endpoint: server.endpoint });
  await Promise.all([one.expect(0, "push"), two.expect(0, "push")]);
  await using remote = await open(one.root);
  assert.equal((await Array.fromAsync(remote.list())).length, 41);
  using clone = cloneOf(one, server.endpoint, server.endpoint);
  await clone.expect(0, "pull");
  for (const [name, bytes] of Object.entries(all)) {
    assert.deepEqual(Deno.readFileSync(`${clone.root}/data/${name}`), bytes, name);
  }
});

Deno.test({
  name: "a blob deleted from the bucket is named by a pull, noticed by status, and sent by the next push",
  ...unsanitized,
}, async () => {
  await using server = await startS3();
  const { url, open } = place(server);
  using project = await tracking({ "a.bin": random(1000), "b.bin": random(2000) }, { url, endpoint: server.endpoint });
  await project.expect(0, "push");
  await using remote = await open(project.root);
  const lost = (await Array.fromAsync(remote.list())).find(({ size }) => size === 2000);
  assert.ok(lost);
  await remote.backend.delete(lost.key);
  using clone = cloneOf(project, server.endpoint, server.endpoint);
  const failed = await clone.expect(13, "pull");
  assert.match(failed.err, /failed data\/b\.bin/);
  assert.doesNotMatch(failed.err, /failed data\/a\.bin/);
  const status = JSON.parse((await project.expect(0, "remote", "status", "--json")).out);
  assert.deepEqual([status.ahead.files, status.same.files], [1, 1]);
  assert.match((await project.expect(0, "push")).out, /^Pushed 1 file /m);
  await clone.expect(0, "pull");
});

Deno.test(
  { name: "a local blob that was altered is refused by name and never sent; the rest goes", ...unsanitized },
  async () => {
    await using server = await startS3();
    const { url, open } = place(server);
    // Large enough to go in parts, and small.
    const files = { "a.bin": random(1000), "b.bin": random(2000), "c.bin": random(20 * MIB) };
    using project = await tracking(files, { url, endpoint: server.endpoint });
    for (const name of ["b.bin", "c.bin"]) {
      const path = `${project.root}/data/${name}`;
      Deno.chmodSync(path, 0o644);
      using file = Deno.openSync(path, { write: true });
      file.writeSync(new TextEncoder().encode("altered"));
    }
    const { err } = await project.expect(12, "push");
    assert.match(err, /failed data\/b\.bin/);
    assert.match(err, /failed data\/c\.bin/);
    await using remote = await open(project.root);
    assert.deepEqual((await Array.fromAsync(remote.list())).map(({ size }) => size), [1000]);
  },
);

Deno.test({
  name: "objects below the same prefix that are not ours are passed over by every command and never removed",
  ...unsanitized,
}, async () => {
  await using server = await startS3();
  const { url, open } = place(server);
  using project = await tracking({ "a.bin": random(1000) }, { url, endpoint: server.endpoint });
  await using remote = await open(project.root);
  const foreign = ["claims/car.pdf", "files/ab/notes.txt", "files/zz", "runs/ab/y.json", "readme.txt", "files/ABCDEF"];
  const bytes = new TextEncoder().encode("mine");
  const sha256 = parseSha256(createHash("sha256").update(bytes).digest("hex"));
  for (const key of foreign) await remote.backend.put(key, bytes, { sha256 });
  await project.expect(0, "push");
  assert.match((await project.expect(0, "remote", "ls")).out, /not ours/);
  const status = JSON.parse((await project.expect(0, "remote", "status", "--json")).out);
  assert.deepEqual([status.same.files, status.behind.files], [1, 0]);
  using clone = cloneOf(project, server.endpoint, server.endpoint);
  assert.match((await clone.expect(0, "pull", "--all")).out, /^Pulled 1 file /m);
  const { backend, known } = remote;
  const nowMs = Date.now() + 40 * DAY_MS;
  const plan = await planRemoteGc({ backend, wanted: new Set<Digest>(), olderThanDays: 30, nowMs });
  assert.equal((await executeRemoteGc(plan, { backend, known })).files, 1);
  for (const key of foreign) assert.equal((await backend.head(key))?.size, bytes.length, key);
});

Deno.test({
  name: "a push during a gc, begun at each of its requests, relies on nothing that the gc removes",
  ...unsanitized,
}, async () => {
  await using server = await startS3();
  const files = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`${at}.bin`, random(1000 + at)]));
  let [kept, removed] = [0, 0];
  for (let at = 1; at <= 6; at++) {
    const { url, open } = place(server);
    const now = Promise.withResolvers<void>();
    const seen = (_: ProxiedRequest, number: number): Fault => {
      if (number === at) now.resolve();
      return PASS;
    };
    await using proxy = startProxy(server.endpoint, seen);
    using project = await tracking(files, { url, endpoint: proxy.endpoint });
    await using remote = await open(`${project.root}/.pivot/cache`);
    const { backend, known } = remote;
    const found = blobsOf(project);
    assert.equal((await remote.push(found)).pushed.length, found.length);
    // Everything is forty days old but what is claimed from now on.
    for (const { key } of await Array.fromAsync(backend.list("claims/"))) await backend.delete(key);
    const nowMs = Date.now() + 40 * DAY_MS;
    const plan = await planRemoteGc({ backend, wanted: new Set<Digest>(), olderThanDays: 30, nowMs });
    assert.equal(plan.remove.length, found.length);
    const pushing = project.expect(0, "push");
    await Promise.race([now.promise, pushing]);
    const gone = await executeRemoteGc({ ...plan, beforeMs: Date.now() - DAY_MS }, { backend, known, pollMs: 20 });
    await pushing;
    if (gone.files === 0) kept++;
    else removed++;
    for (const { digest } of found) assert.ok(await backend.head(blobKey(digest)), `begun at request ${at}`);
  }
  assert.ok(kept > 0, "pushes that had claimed kept their blobs");
  assert.equal(kept + removed, 6);
});

/** The blobs of a project's cache. */
function blobsOf(project: TestProject): { digest: Digest; size: number; label: string }[] {
  const root = `${project.root}/.pivot/cache`;
  return [...Deno.readDirSync(`${root}/files`)].flatMap(({ name: folder }) =>
    [...Deno.readDirSync(`${root}/files/${folder}`)].flatMap(({ name }) => {
      const digest = digestOfKey(`files/${folder}/${name}`);
      const { size } = Deno.statSync(`${root}/files/${folder}/${name}`);
      return digest === undefined ? [] : [{ digest, size, label: name }];
    })
  );
}
