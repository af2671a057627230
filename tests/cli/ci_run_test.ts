// `pivot ci run` on this machine: exit codes, output, volumes that are whole whatever happens.

import assert from "node:assert/strict";
import { ciFolder, oneJob, shTask, volumesOf } from "../support/ci.ts";

const STORE = "cache=file://";

Deno.test("a second run finds the caches of the first, and stores nothing that did not change", async () => {
  using at = ciFolder({
    "pipeline.yml": oneJob(
      shTask(
        "install",
        "test -e node_modules/a || { mkdir -p node_modules; echo 1 > node_modules/a; echo n > .npm/b; }; cat node_modules/a",
        ", caches: [{ path: node_modules }, { path: .npm }]",
      ),
    ),
  });
  const driver = `native://?${STORE}${encodeURIComponent(`${at.root}/store`)}&cache_prefix=project-a`;
  const first = await at.expect(0, "run", "pipeline.yml", "--driver", driver, "--json");
  assert.deepEqual(volumesOf(first.out), {
    "cache-node_modules": { status: "persisted", restore: "miss" },
    "cache-.npm": { status: "persisted", restore: "miss" },
  });
  assert.ok(at.exists("store/project-a/cache-node_modules.tar.zst"));
  const second = await at.expect(0, "run", "pipeline.yml", "--driver", driver);
  assert.match(second.out, /cache-node_modules +hit +unchanged/);
  assert.match(
    second.err,
    /restoring volume from cache volume=cache-node_modules key=project-a\/cache-node_modules\.tar\.zst/,
  );
  assert.match(second.err, /install \| 1\n/);
});

Deno.test("compressions name and write what they say; a time to live makes a miss", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob(shTask("t", "echo x > c/f", ", caches: [{ path: c }]")) });
  const url = encodeURIComponent(`${at.root}/store`);
  const run = (more: string) =>
    at.expect(0, "run", "pipeline.yml", "--driver", `native://?${STORE}${url}${more}`, "--json");
  await run("&cache_compression=gzip");
  await run("&cache_compression=none");
  const magic = [...Deno.readFileSync(`${at.root}/store/cache-c.tar.gzip`).subarray(0, 2)];
  assert.deepEqual(magic, [0x1f, 0x8b]);
  const tar = new Deno.Command("tar", { args: ["-tf", `${at.root}/store/cache-c.tar`] }).outputSync();
  assert.equal(new TextDecoder().decode(tar.stdout), "f\n");
  assert.equal(volumesOf((await run("&cache_compression=none&ttl=7d")).out)["cache-c"]?.restore, "hit");
});

Deno.test("what is wrong is told before anything runs, with the documented exit code", async (test) => {
  using at = ciFolder({
    "pipeline.yml": oneJob(shTask("t", 'touch "$ROOT/ran"')),
    "bad.yml": "jobs:\n- name: a\n  plann: []\n",
  });
  const refused = (code: number, why: RegExp, ...args: string[]) =>
    test.step(String(why), async () => {
      assert.match((await at.expect(code, "run", ...args)).err, why);
      assert.ok(!at.exists("ran"));
    });
  await refused(3, /bad\.yml:3:3: error: unknown key "plann"/, "bad.yml");
  await refused(2, /there is no pipeline at/, "nothing.yml");
  await refused(2, /"nativ" is no driver/, "pipeline.yml", "--driver", "nativ");
  await refused(2, /cache_compresion/, "pipeline.yml", "--driver", "native://?cache=file:///x&cache_compresion=gzip");
  await refused(2, /"7x"/, "pipeline.yml", "--driver", "native://?cache=file:///x&ttl=7x");
  await refused(2, /there is no job "twoo"/, "pipeline.yml", "--job", "twoo");
  await refused(2, /write --param name=value/, "pipeline.yml", "--param", "x");
  await refused(2, /"PIVOT_NOT_SET" of --secret-env is not set/, "pipeline.yml", "--secret-env", "PIVOT_NOT_SET");
  await refused(2, /--persist and --on-conflict need a cache/, "pipeline.yml", "--persist", "always");
  await refused(
    2,
    /the URL of the remote .* holds a credential/,
    "pipeline.yml",
    "--driver",
    "native://?cache=s3://key:secret@bucket",
  );
});

Deno.test("a failing task exits 1 and stores nothing; --persist always stores it", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob(shTask("t", "echo x > c/f; exit 7", ", caches: [{ path: c }]")) });
  const driver = `native://?${STORE}${encodeURIComponent(`${at.root}/store`)}`;
  const { out } = await at.expect(1, "run", "pipeline.yml", "--driver", driver);
  assert.match(out, /t +failed +7 /);
  assert.match(out, /cache-c +miss +skipped: run-failed/);
  assert.ok(!at.exists("store/cache-c.tar.zst"));
  await at.expect(1, "run", "pipeline.yml", "--driver", driver, "--persist", "always");
  assert.ok(at.exists("store/cache-c.tar.zst"));
});

Deno.test("a task that cannot be run exits 14 and says why", async () => {
  using at = ciFolder({
    "pipeline.yml": oneJob("{ task: t, config: { platform: linux, run: { path: no-such-program } } }"),
  });
  assert.match((await at.expect(14, "run", "pipeline.yml")).err, /no-such-program/);
});

Deno.test("a store that cannot be written is a warning, and exit 13 for who asked by name", async () => {
  using at = ciFolder({
    "pipeline.yml": oneJob(shTask("t", "echo x > c/f", ", caches: [{ path: c }]")),
    blocked: "a file",
  });
  const driver = `native://?${STORE}${encodeURIComponent(`${at.root}/blocked`)}`;
  const { err } = await at.expect(0, "run", "pipeline.yml", "--driver", driver);
  assert.match(err, /warning: cannot persist volume to cache volume=cache-c/);
  await at.expect(13, "run", "pipeline.yml", "--driver", driver, "--persist", "success");
  const nowhere = `native://?cache=${encodeURIComponent("s3://bucket?endpoint=http://localhost:1&region=us-east-1")}`;
  assert.match((await at.expect(0, "run", "pipeline.yml", "--driver", nowhere)).out, /failed +skipped: restore-failed/);
  await at.expect(13, "run", "pipeline.yml", "--driver", nowhere, "--persist", "success");
});

Deno.test("what only YAML pipelines use is refused for a module, before it is loaded", async () => {
  using at = ciFolder({ "pipeline.ts": 'Deno.writeTextFileSync("ran", "");\nexport const pipeline = () => {};\n' });
  for (const more of [["--plan"], ["--job", "one"], ["--param", "a=b"]]) {
    assert.match((await at.expect(2, "run", "pipeline.ts", ...more)).err, new RegExp(`error: ${more[0]} `));
  }
  assert.ok(!at.exists("ran"));
});

Deno.test("secrets are hidden in plans, findings, and whatever a module prints or throws", async () => {
  const env = { WORD: "hunter2hunter2", PEM: "-----BEGIN KEY\nline-of-the-key\n" };
  using at = ciFolder({
    "pipeline.yml": oneJob("{ task: t, config: { platform: linux, run: { path: echo, args: [((WORD))] } } }"),
    "bad.yml": oneJob("{ task: t, config: { platform: ((WORD)), run: { path: echo } } }"),
    "lines.yml": oneJob("{ task: t, config: { platform: linux, run: { path: sh, args: [-c, 'echo \"$PEM\"'] } } }"),
    "pipeline.ts": `export async function pipeline() {
  console.log("printed", Deno.env.get("WORD"));
  await 0;
  throw new Error("thrown " + Deno.env.get("WORD"));
}
`,
  }, env);
  const shown = async (code: number, ...args: string[]) => {
    const { out, err } = await at.expect(code, "run", ...args, "--secret-env", "WORD", "--secret-env", "PEM");
    assert.doesNotMatch(out + err, /hunter2|line-of/);
    return { out, err };
  };
  assert.match((await shown(0, "pipeline.yml", "--plan")).out, /task t: echo \*\*\*/);
  assert.match((await shown(0, "pipeline.yml", "--plan", "--json")).out, /"\*\*\*"/);
  assert.match((await shown(3, "bad.yml")).err, /"\*\*\*" is no platform/);
  assert.equal(JSON.parse((await shown(3, "bad.yml", "--json")).out).error.code, "findings");
  assert.match((await shown(0, "lines.yml")).err, /t \| \*\*\*\n/);
  const { out, err } = await shown(1, "pipeline.ts", "--json");
  assert.equal(JSON.parse(out).error, "thrown ***", "stdout is the result alone");
  assert.match(err, /^printed \*\*\*\n.*pipeline\.ts:4:9: error: the pipeline threw: thrown \*\*\*\n$/s);
});

Deno.test("a module may import the runtime; what it does wrong is told with its place", async () => {
  using at = ciFolder({
    "pipeline.ts": `import { runtime } from "@pivot/pivot/ci";
export const pipeline = async () => {
  await runtime.run({ name: "x", image: "i", command: { path: "true" }, mounts: [{ name: "nope", path: "d" }] });
};
`,
  });
  assert.match(
    (await at.expect(1, "run", "pipeline.ts")).err,
    /pipeline\.ts:3:17: error: the pipeline threw: there is no volume "nope"\n {2}hint: make it/,
  );
});

Deno.test("secrets are hidden wherever a task prints them", async () => {
  using at = ciFolder(
    {
      "pipeline.yml": oneJob(
        "{ task: t, config: { platform: linux, params: { T: ((MY_WORD)) }, run: { path: sh, args: [-c, 'echo $T $DEPLOY_TOKEN >&2; echo $T'] } } }",
      ),
    },
    { MY_WORD: "hunter2hunter2", DEPLOY_TOKEN: "tok-1234567" },
  );
  const { out, err } = await at.expect(0, "run", "pipeline.yml", "--secret-env", "MY_WORD", "--jsonl");
  assert.doesNotMatch(out + err, /hunter2|tok-123/);
  assert.match(out, /\*\*\* \*\*\*/);
});

Deno.test("Ctrl-C kills the task, keeps the old entry and leaves nothing behind", async () => {
  using at = ciFolder({
    "pipeline.yml": oneJob(
      shTask(
        "t",
        "echo 1 > c/f; if test -e \"$ROOT/wait\"; then echo 2 > c/f; echo ready; trap '' TERM; sleep 600; fi",
        ", caches: [{ path: c }]",
      ),
    ),
  });
  const driver = `native://?${STORE}${encodeURIComponent(`${at.root}/store`)}`;
  await at.expect(0, "run", "pipeline.yml", "--driver", driver);
  const before = Deno.readFileSync(`${at.root}/store/cache-c.tar.zst`);
  at.write("wait", "");
  const child = at.start(["run", "pipeline.yml", "--driver", driver, "--jsonl"]);
  const errors = new Response(child.stderr).text();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; !text.includes("ready");) text += (await reader.read()).value ?? "ready";
  child.kill("SIGINT");
  while (!(await reader.read()).done);
  assert.equal((await child.status).code, 130, await errors);
  assert.match(await errors, /^stopping: hooks .* interrupt again to leave at once\n$/);
  assert.deepEqual(Deno.readFileSync(`${at.root}/store/cache-c.tar.zst`), before);
  const left = [...Deno.readDirSync(`${at.root}/scratch`)].flatMap(({ name }) =>
    filesBelow(`${at.root}/scratch/${name}`)
  );
  assert.deepEqual(left.filter((path) => !/lock|run\.json|owner/.test(path)), []);
});

function filesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap((entry) =>
    entry.isDirectory ? filesBelow(`${folder}/${entry.name}`) : [`${folder}/${entry.name}`]
  );
}

Deno.test("two jobs and two parallel tasks with one cache path restore it once, share it, persist it once", async () => {
  const cached = ", caches: [{ path: c }]";
  using at = ciFolder({
    "pipeline.yml": `jobs:
- name: one
  plan:
  - in_parallel: [${shTask("a", "test -e c/a || echo a > c/a", cached)}, ${
      shTask("b", "test -e c/b || echo b > c/b", cached)
    }]
- name: two
  plan:
  - ${shTask("c", "cat c/a c/b", cached)}
`,
  });
  const driver = `native://?${STORE}${encodeURIComponent(`${at.root}/store`)}`;
  await at.expect(0, "run", "pipeline.yml", "--driver", driver);
  const { out } = await at.expect(0, "run", "pipeline.yml", "--driver", driver, "--jsonl");
  const events = out.trim().split("\n").map((line) => JSON.parse(line).type);
  assert.equal(events.filter((type) => type === "volume-restored").length, 1);
  assert.equal(events.filter((type) => type === "volume-unchanged").length, 1);
});

Deno.test("caches nested in an output and in another cache work", async () => {
  using at = ciFolder({
    "pipeline.yml": oneJob(
      shTask(
        "t",
        "ls -a repo/.git .cache/go-build; echo o > repo/file; echo g > repo/.git/HEAD; echo m > .cache/mod; echo b > .cache/go-build/obj",
        ", outputs: [{ name: repo }], caches: [{ path: repo/.git }, { path: .cache }, { path: .cache/go-build }]",
      ),
      shTask("read", "cat repo/file; test ! -e repo/.git/HEAD", ", inputs: [{ name: repo }]"),
    ),
  });
  const driver = `native://?${STORE}${encodeURIComponent(`${at.root}/store`)}`;
  await at.expect(0, "run", "pipeline.yml", "--driver", driver);
  const { err } = await at.expect(0, "run", "pipeline.yml", "--driver", driver);
  assert.match(err, /t \| HEAD\n/);
  assert.match(err, /t \| obj\n/);
  const store = `file://${at.root}/store`;
  const { volumes } = JSON.parse((await at.expect(0, "cache", "ls", "--store", store, "--json")).out);
  assert.deepEqual(volumes.map(({ volume }: { volume: string }) => volume).sort(), [
    "cache-.cache",
    "cache-.cache/go-build",
    "cache-repo/.git",
  ]);
  const { members } = JSON.parse((await at.expect(0, "cache", "stat", "cache-.cache", "--store", store, "--json")).out);
  assert.ok(!members.some(({ path }: { path: string }) => path === "go-build/obj"));
});

Deno.test("two runs that persist at once: one wins whole, the other says so", async () => {
  using at = ciFolder({
    "pipeline.yml": oneJob(
      shTask(
        "t",
        'echo $WHO > c/who; touch "$ROOT/here-$WHO"; until test -e "$ROOT/go"; do sleep 0.02; done',
        ", caches: [{ path: c }]",
      ),
    ),
  });
  const driver = `native://?${STORE}${encodeURIComponent(`${at.root}/store`)}`;
  const run = (who: string) =>
    at.start(["run", "pipeline.yml", "--driver", driver, "--on-conflict", "keep", "--json"], { WHO: who }).output();
  const runs = [run("a"), run("b")];
  while (!at.exists("here-a") || !at.exists("here-b")) await new Promise((resolve) => setTimeout(resolve, 20));
  at.write("go", "");
  const ended = await Promise.all(runs);
  const statuses = ended.map(({ stdout }) => volumesOf(new TextDecoder().decode(stdout))["cache-c"]?.status);
  assert.deepEqual(statuses.sort(), ["conflict", "persisted"]);
  const who = (await at.expect(0, "cache", "cat", "cache-c", "who", "--store", `file://${at.root}/store`)).out;
  assert.match(who, /^[ab]\n$/);
});

Deno.test("a plan is shown as text and as JSON, and runs nothing", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob(shTask("t", 'touch "$ROOT/ran"', ", caches: [{ path: c }]")) });
  assert.match(
    (await at.expect(0, "run", "pipeline.yml", "--plan")).out,
    /^job one\n {2}task t: sh -c touch "\$ROOT\/ran"\n {4}cache c\n/,
  );
  assert.equal(JSON.parse((await at.expect(0, "run", "pipeline.yml", "--plan", "--json")).out).jobs[0].name, "one");
  assert.ok(!at.exists("ran"));
});

const MODULE = `
export async function pipeline() {
  const volume = await runtime.createVolume({ name: "data", size: 1024 * 1024 });
  const first = await runtime.run({
    name: "write", image: "x", command: { path: "sh", args: ["-c", "cat data/n 2>/dev/null; echo more >> data/n; echo $WORD >&2; exit 3"] },
    env: { WORD: "hello" }, mounts: [{ name: "data", path: "data" }],
  });
  if (first.code !== 3 || first.stderr !== "hello\\n" || first.status !== "complete") throw new Error("unexpected " + JSON.stringify(first));
  const second = await runtime.run({ name: "read", image: "x", command: { path: "cat", args: ["elsewhere/n"] }, mounts: { elsewhere: volume } });
  console.error("lines: " + second.stdout.trim().split("\\n").length);
}
`;

Deno.test("a TypeScript pipeline works with the global runtime, and its named volume is kept", async () => {
  using at = ciFolder({ "pipeline.ts": `declare const runtime: any;\n${MODULE}` });
  const driver = `native://?${STORE}${encodeURIComponent(`${at.root}/store`)}`;
  assert.match((await at.expect(0, "run", "pipeline.ts", "--driver", driver)).err, /lines: 1/);
  const { out, err } = await at.expect(0, "run", "pipeline.ts", "--driver", driver);
  assert.match(err, /lines: 2/);
  assert.match(out, /data +hit +persisted/);
});

Deno.test("a module that throws exits 1 with its place; one without a pipeline is told so", async () => {
  using at = ciFolder({
    "throws.ts": 'export const pipeline = async () => {\n  await 0;\n  throw new Error("asked to");\n};\n',
    "empty.ts": "export {};\n",
  });
  assert.match((await at.expect(1, "run", "throws.ts")).err, /throws\.ts:3:9: error: the pipeline threw: asked to/);
  assert.match((await at.expect(3, "run", "empty.ts")).err, /^error: ".*empty\.ts" exports no function "pipeline"/);
  assert.match((await at.expect(2, "run", "throws.ts", "--plan")).err, /--plan shows a YAML pipeline/);
});

Deno.test("stored volumes are listed, read file by file, removed, collected and verified", async () => {
  using at = ciFolder({
    "pipeline.yml": oneJob(
      shTask("t", "echo hello > c/f; head -c 100000 /dev/zero > c/big", ", caches: [{ path: c }]"),
    ),
  });
  const store = `file://${at.root}/store`;
  const cache = async (code: number, ...args: string[]) => await at.expect(code, "cache", ...args, "--store", store);
  assert.match((await cache(0, "ls")).err, /no volumes in file:/);
  await at.expect(0, "run", "pipeline.yml", "--driver", `native://?cache=${encodeURIComponent(store)}`);
  assert.match((await cache(0, "ls")).out, /cache-c +\d+ B +2 /);
  assert.equal((await cache(0, "cat", "cache-c", "f")).out, "hello\n");
  assert.equal((await cache(0, "cat", "cache-c", "./f")).out, "hello\n");
  assert.match((await cache(1, "cat", "cache-c", "nope")).err, /nope.*\n.*pivot ci cache stat/);
  assert.match((await cache(0, "verify")).out, /1 volume, 0 damaged/);
  assert.match((await cache(0, "gc", "--older-than", "7d")).err, /0 volumes/);
  assert.match((await cache(2, "gc", "--older-than", "7x")).err, /"7x" is not a duration/);
  Deno.copyFileSync(`${at.root}/store/cache-c.tar.zst`, `${at.root}/store/cache-c.tar.gzip`);
  assert.match(
    (await cache(0, "rm", "cache-c", "--dry-run")).out,
    /would remove cache-c\.tar\.zst\nwould remove cache-c\.tar\.gzip\n/,
  );
  assert.ok(at.exists("store/cache-c.tar.zst"));
  Deno.removeSync(`${at.root}/store/cache-c.tar.gzip`);
  const file = `${at.root}/store/cache-c.tar.zst`;
  const bytes = Deno.readFileSync(file);
  bytes.fill(255, bytes.length >> 1, (bytes.length >> 1) + 4);
  Deno.writeFileSync(file, bytes);
  assert.match((await cache(12, "verify")).out, /damaged cache-c\.tar\.zst/);
  assert.match((await cache(0, "rm", "cache-c")).out, /removed cache-c\.tar\.zst/);
});
