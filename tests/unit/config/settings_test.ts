// Settings: where they come from, what is refused, what editing keeps.

import assert from "node:assert/strict";
import { PivotError, PivotFindings } from "../../../lib/core/mod.ts";
import { CONFIG_FILE, findProject, loadSettings, setSetting, unsetSetting } from "../../../lib/config/mod.ts";

async function inProject(config: string | undefined, act: (root: string) => Promise<void> | void): Promise<void> {
  const root = Deno.makeTempDirSync({ prefix: "pivot config, " });
  try {
    Deno.mkdirSync(`${root}/.pivot`);
    if (config !== undefined) Deno.writeTextFileSync(`${root}/${CONFIG_FILE}`, config);
    await act(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

const read = (root: string) => Deno.readTextFileSync(`${root}/${CONFIG_FILE}`);

async function findingsOf(config: string): Promise<readonly PivotError[]> {
  let findings: readonly PivotError[] = [];
  await inProject(config, async (root) => {
    try {
      await loadSettings(root, { variables: {} });
    } catch (error) {
      if (!(error instanceof PivotFindings)) throw error;
      findings = error.findings;
    }
  });
  return findings;
}

Deno.test("the project is found from any folder below it, and nowhere else", async () => {
  await inProject(undefined, (root) => {
    Deno.mkdirSync(`${root}/a/b`, { recursive: true });
    assert.equal(findProject(`${root}/a/b`), root);
    assert.equal(findProject(root), root);
  });
  const lone = Deno.makeTempDirSync();
  try {
    assert.throws(() => findProject(lone), (error) => error instanceof PivotError && error.exitCode === 10);
  } finally {
    Deno.removeSync(lone);
  }
});

Deno.test("a file called .pivot is no project", () => {
  const lone = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${lone}/.pivot`, "");
    assert.throws(() => findProject(lone), { code: "no-project" });
  } finally {
    Deno.removeSync(lone, { recursive: true });
  }
});

Deno.test("without a file the defaults hold; the file wins over them, the environment over the file", async () => {
  await inProject(undefined, async (root) => {
    const settings = await loadSettings(root, { variables: {} });
    assert.equal(settings.cacheDir, ".pivot/cache");
    assert.equal(settings.jobs, 0);
    assert.ok(settings.all.every((each) => each.source === "default"));
  });
  await inProject("cache:\n  dir: /big/cache\n  modes: [copy]\njobs: 3\n", async (root) => {
    const settings = await loadSettings(root, { variables: { PIVOT_JOBS: "5", PIVOT_CACHE_DIR: "" } });
    assert.equal(settings.cacheDir, "/big/cache");
    assert.deepEqual(settings.cacheModes, ["copy"]);
    assert.equal(settings.jobs, 5);
    const sources = Object.fromEntries(settings.all.map((each) => [each.setting.key, each.source]));
    assert.deepEqual([sources["jobs"], sources["cache.dir"], sources["history.keep"]], [
      "environment",
      "file",
      "default",
    ]);
    await assert.rejects(() => loadSettings(root, { variables: { PIVOT_JOBS: "many" } }), /PIVOT_JOBS is "many"/);
  });
});

Deno.test("an empty file and one of comments alone are no settings", async () => {
  for (const text of ["", "# nothing\n", "{}\n"]) assert.deepEqual(await findingsOf(text), []);
});

for (
  const [what, config, code, line, hint] of [
    ["an unknown key", "# x\njbos: 3\n", "unknown-setting", 2, 'did you mean "jobs"?'],
    ["an unknown nested key", "cache:\n  dri: x\n", "unknown-setting", 2, 'did you mean "cache.dir"?'],
    ["a wrong type", "jobs: four\n", "bad-setting", 1, undefined],
    ["zero jobs", "jobs: 0\n", "bad-setting", 1, undefined],
    ["an unknown mode", "cache: { modes: [reflnk] }\n", "bad-setting", 1, undefined],
    ["a scalar where a mapping belongs", "cache: yes\n", "bad-setting", 1, undefined],
    ["a list", "- jobs\n", "bad-setting", 1, undefined],
    ["a scalar", "jobs\n", "bad-setting", 1, undefined],
    ["broken YAML", "jobs: [1\n", "bad-setting", 2, undefined],
    ["a key given twice", "jobs: 1\njobs: 2\n", "bad-setting", 2, undefined],
  ] as const
) {
  Deno.test(`${what} in the settings is an error with its line`, async () => {
    const [finding] = await findingsOf(config);
    assert.equal(finding?.code, code);
    assert.equal(finding?.spot?.line, line);
    assert.equal(finding?.spot?.file, CONFIG_FILE);
    if (hint !== undefined) assert.equal(finding?.hint, hint);
  });
}

Deno.test("all that is wrong is told at once", async () => {
  assert.equal((await findingsOf("jobs: 0\nhistory: { keep: x }\nnonsense: 1\n")).length, 3);
});

Deno.test("setting and unsetting keep comments and order", async () => {
  await inProject("# ours\njobs: 2 # two cores\n\n# disk\ncache:\n  dir: x\n", async (root) => {
    assert.equal(await setSetting(root, "jobs", "4"), 4);
    assert.deepEqual(await setSetting(root, "cache.modes", "copy, symlink"), ["copy", "symlink"]);
    const text = read(root);
    for (const kept of ["# ours", "jobs: 4 # two cores", "# disk", "  dir: x"]) assert.ok(text.includes(kept), text);
    assert.deepEqual((await loadSettings(root, { variables: {} })).cacheModes, ["copy", "symlink"]);
    assert.equal(await unsetSetting(root, "cache.modes"), true);
    assert.equal(await unsetSetting(root, "cache.modes"), false);
    assert.ok(read(root).includes("# disk"));
  });
});

Deno.test("setting works without a file; unsetting then makes none", async () => {
  await inProject(undefined, async (root) => {
    assert.equal(await unsetSetting(root, "jobs"), false);
    assert.throws(() => read(root), Deno.errors.NotFound);
    await setSetting(root, "fingerprint.runtime", "true");
    assert.equal((await loadSettings(root, { variables: {} })).fingerprintRuntime, true);
  });
});

Deno.test("the last key can be unset and set again; comments stay", async () => {
  await inProject("# ours\njobs: 2\n", async (root) => {
    assert.equal(await unsetSetting(root, "jobs"), true);
    assert.equal((await loadSettings(root, { variables: {} })).jobs, 0);
    await setSetting(root, "jobs", "5");
    assert.equal((await loadSettings(root, { variables: {} })).jobs, 5);
  });
  await inProject("# only a comment\n", async (root) => {
    await setSetting(root, "cache.dir", "/x y");
    assert.equal((await loadSettings(root, { variables: {} })).cacheDir, "/x y");
    assert.ok(read(root).includes("# only a comment"));
  });
});

Deno.test("a value that does not fit or an unknown key is a usage error and changes nothing", async () => {
  await inProject("jobs: 2\n", async (root) => {
    for (
      const [key, value] of [["jobs", "four"], ["jobs", ""], ["jobs", "1.5"], ["cache.modes", "reflink"], ["jbos", "1"]]
    ) {
      await assert.rejects(
        () => setSetting(root, key ?? "", value ?? ""),
        (error) => error instanceof PivotError && error.exitCode === 2,
      );
    }
    assert.equal(read(root), "jobs: 2\n");
  });
});

Deno.test("a broken file is not edited", async () => {
  await inProject("jobs: [1\n", async (root) => {
    await assert.rejects(() => setSetting(root, "jobs", "3"), PivotFindings);
    assert.equal(read(root), "jobs: [1\n");
  });
});

Deno.test("the file is parsed once per state", async () => {
  await inProject("jobs: 3\n", async (root) => {
    const kept = new Map<string, unknown>();
    const cache = {
      get: <Value>(path: string) => kept.get(path) as Value | undefined,
      put: (path: string, value: unknown) => void kept.set(path, value),
    };
    await loadSettings(root, { variables: {}, cache });
    assert.equal(kept.size, 1);
    kept.set(CONFIG_FILE, { jobs: 9 });
    assert.equal((await loadSettings(root, { variables: {}, cache })).jobs, 9);
  });
});

Deno.test("remotes: a URL, or a mapping; a field turns one into the other", async () => {
  await inProject(
    "remotes:\n  a: s3://b/p # main\n  c: { url: file:///x, auto_push: true }\ndefault_remote: a\n",
    async (root) => {
      const settings = await loadSettings(root, { variables: {} });
      assert.deepEqual(settings.remotes, { a: "s3://b/p", c: { url: "file:///x", auto_push: true } });
      assert.equal(settings.defaultRemote, "a");
      assert.equal(settings.get("remotes.c.auto_push"), true);
      await setSetting(root, "remotes.a.region", "eu-west-1");
      await setSetting(root, "remotes.new", "minio://h:9000/b");
      const after = await loadSettings(root, { variables: { PIVOT_REMOTE: "c" } });
      assert.deepEqual(after.remotes.a, { url: "s3://b/p", region: "eu-west-1" });
      assert.equal(after.remotes.new, "minio://h:9000/b");
      assert.equal(after.defaultRemote, "c");
      assert.equal(await unsetSetting(root, "remotes.a"), true);
      assert.equal((await loadSettings(root, { variables: {} })).remotes.a, undefined);
    },
  );
  const [finding] = await findingsOf("remotes:\n  a: { url: s3://b, regoin: x }\n");
  assert.equal(finding?.hint, 'did you mean "remotes.a.region"?');
});

Deno.test("a URL with a password is refused, and the password is not repeated", async () => {
  await inProject(undefined, async (root) => {
    await assert.rejects(
      () => setSetting(root, "remotes.a", "minio://me:hunter2@h/b"),
      (error) => error instanceof PivotError && /password/.test(error.message) && !error.message.includes("hunter2"),
    );
  });
  const [finding] = await findingsOf("remotes: { a: 'https://me:hunter2@h/b' }\n");
  assert.match(finding?.message ?? "", /password/);
  assert.ok(!finding?.message.includes("hunter2"));
});
