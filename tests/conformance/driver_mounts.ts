// The contract of a driver: volumes in tasks.

import assert from "node:assert/strict";
import { fails } from "./driver_support.ts";
import { type Bench, type DriverTest, type DriverUnderTest } from "./driver_suite.ts";

/** Tests of mounts. */
export function mountTests(under: DriverUnderTest): Readonly<Record<string, DriverTest>> {
  return { ...volumes, ...relative(under), ...(under.absolute === undefined ? noAbsolute : absolute(under.absolute)) };
}

const volumes: Readonly<Record<string, DriverTest>> = {
  "a volume is empty, keeps what tasks put there, and is gone when it is removed": async ({ driver, sh, volume }) => {
    const data = await volume();
    assert.equal((await sh("ls -A d; echo one > d/file", { mounts: { d: data } })).stdout, "");
    assert.equal((await sh("cat other/file", { mounts: { other: data } })).stdout, "one\n");
    await driver.removeVolume(data);
    await driver.removeVolume(data);
    await fails(sh("ls d", { mounts: { d: data } }), "volume-failed", /"data"/);
  },
  "volumes of one name, and of names that look alike once escaped, are volumes of their own": async (
    { sh, volume },
  ) => {
    const names = [
      "same",
      "same",
      "a/b",
      "a-b",
      "a_b",
      "a%2Fb",
      "A/B",
      "ä",
      "a\u0308",
      "",
      " ",
      ".",
      "..",
      "x".repeat(300),
      "🎉",
      "🎊",
    ];
    const made = await Promise.all(names.map((name) => volume(name)));
    assert.deepEqual(made.map(({ name }) => name), names);
    const mounts = Object.fromEntries(made.map((each, index) => [`v${index}`, each]));
    const { stdout } = await sh("for v in v*; do echo $v > $v/own; done; cat v*/own | sort | uniq | wc -l; ls v0", {
      mounts,
    });
    assert.equal(stdout.replaceAll(" ", ""), `${names.length}\nown\n`);
  },
  "tasks that run at the same time share a volume": async ({ sh, volume }) => {
    const data = await volume();
    const tasks = Array.from({ length: 4 }, (_, index) => sh(`echo ${index} > d/${index}`, { mounts: { d: data } }));
    assert.ok((await Promise.all(tasks)).every(({ code }) => code === 0));
    assert.equal((await sh("cat d/*", { mounts: { d: data } })).stdout, "0\n1\n2\n3\n");
  },
  "a volume is cancelled before it is made": async ({ driver }) => {
    const signal = AbortSignal.abort(new Error("too early"));
    await assert.rejects(driver.createVolume({ name: "x", signal }), /too early/);
  },
};

function relative({ nestedLeavesFolder, realPlaces }: DriverUnderTest): Readonly<Record<string, DriverTest>> {
  return {
    "a volume may lie deep, and have odd letters in its path": async ({ sh, volume }) => {
      const data = await volume();
      const { stdout } = await sh("cd 'a b/日本/it'\"'\"'s'; echo 1 > f; cat f", {
        mounts: { "./a b//日本/x/../it's/": data },
      });
      assert.equal(stdout, "1\n");
    },
    "a volume within a volume hides what lies below, and leaves nothing in the outer one": async ({ sh, volume }) => {
      const [repo, git, deep] = [await volume("repo"), await volume("git"), await volume("deep")];
      const mounts = { "repo/.git": git, repo, "repo/.git/a/b": deep };
      const script = "echo 1 > repo/.git/HEAD; echo 2 > repo/file; echo 3 > repo/.git/a/b/x; cat repo/.git/a/b/x";
      assert.equal((await sh(script, { mounts })).stdout, "3\n");
      const left = nestedLeavesFolder ? "./.git\n./file\n" : "./file\n";
      assert.equal((await sh("cd r; find . -mindepth 1 | sort", { mounts: { r: repo } })).stdout, left);
      assert.equal((await sh("cat g/HEAD", { mounts: { g: git } })).stdout, "1\n");
      assert.equal((await sh("ls d", { mounts: { d: deep } })).stdout, "x\n");
      assert.equal((await sh("cat repo/.git/HEAD repo/file", { mounts: { repo, "repo/.git": git } })).stdout, "1\n2\n");
    },
    "tasks that run at the same time share an outer and an inner volume": async ({ sh, volume }) => {
      const [repo, git] = [await volume("repo"), await volume("git")];
      const mounts = { repo, "repo/.git": git };
      const meet = (own: string, other: string) =>
        sh(`: > repo/.git/${own}; until test -e repo/.git/${other}; do sleep 0.02; done`, { mounts });
      await Promise.all([meet("a", "b"), meet("b", "a")]);
      // One that starts when another has just ended.
      await Promise.all([sh("echo 1 > repo/.git/c", { mounts }), sh("sleep 0.1; cat repo/.git/a", { mounts })]);
      assert.equal((await sh("ls g", { mounts: { g: git } })).stdout, "a\nb\nc\n");
      if (!nestedLeavesFolder) assert.equal((await sh("ls -A r", { mounts: { r: repo } })).stdout, "");
    },
    "what a mount hides in an outer volume is there again afterwards": async ({ sh, volume }) => {
      const [repo, git] = [await volume("repo"), await volume("git")];
      await sh("mkdir repo/.git; echo old > repo/.git/HEAD", { mounts: { repo } });
      assert.equal(
        (await sh("ls -A repo/.git; echo new > repo/.git/HEAD", { mounts: { repo, "repo/.git": git } })).stdout,
        "",
      );
      assert.equal((await sh("cat repo/.git/HEAD", { mounts: { repo } })).stdout, "old\n");
    },
    "one volume may be in two places": async ({ sh, volume }) => {
      const data = await volume();
      assert.equal((await sh("echo 1 > a/f; cat b/c/f", { mounts: { a: data, "b/c": data } })).stdout, "1\n");
    },
    "the task's own folder may be a volume": async ({ sh, volume }) => {
      const [data, inner] = [await volume(), await volume()];
      await sh("echo 1 > file; echo 2 > in/file; mkdir sub", { mounts: { ".": data, "in": inner } });
      assert.equal((await sh("cat ../file", { mounts: { "./": data }, dir: "sub" })).stdout, "1\n");
      assert.equal((await sh("cat file", { mounts: { "": inner } })).stdout, "2\n");
    },
    "a folder to run in may be a volume, or lie within one": async ({ sh, volume }) => {
      const data = await volume();
      await sh("mkdir -p d/x/y; echo 1 > d/x/y/f", { mounts: { d: data } });
      assert.equal((await sh("cat f", { mounts: { repo: data }, dir: "repo/x/y" })).stdout, "1\n");
      if (!realPlaces) return;
      const beside = await sh("cat ../../../other/x/y/f", { mounts: { repo: data, other: data }, dir: "repo/x/y" });
      assert.equal(beside.stdout, "1\n", "a path beside the volume");
    },
    "two volumes in one place, and a path that leaves the task's folder, are errors": async (
      { driver, sh, volume, under },
    ) => {
      const [a, b] = [await volume("a"), await volume("b")];
      await fails(sh("exit 0", { mounts: { x: a, "./x/": b } }), "bad-mount", /"x"/);
      await fails(sh("exit 0", { mounts: { "../x": a } }), "bad-mount", /\.\.\/x/);
      await fails(sh("exit 0", { mounts: { "/": a } }), "bad-mount", /"\/"/);
      assert.equal(driver.kind, under.dsn.split(":")[0]);
    },
  };
}

function absolute(path: string): Readonly<Record<string, DriverTest>> {
  return {
    "an absolute mount is there, for this task alone": async ({ sh, volume }: Bench) => {
      const [data, inner] = [await volume(), await volume()];
      const mounts = { [path]: data, [`${path}/in/ner`]: inner };
      assert.equal((await sh(`cd '${path}'; echo 1 > f; echo 2 > in/ner/g`, { mounts })).code, 0);
      assert.equal((await sh("cat d/f", { mounts: { d: data } })).stdout, "1\n");
      assert.equal((await sh("cat d/g", { mounts: { d: inner } })).stdout, "2\n");
      assert.notEqual((await sh(`cat '${path}/f'`)).code, 0);
    },
  };
}

const noAbsolute: Readonly<Record<string, DriverTest>> = {
  "an absolute mount is an error that says so": async ({ sh, volume }) => {
    await fails(sh("exit 0", { mounts: { "/opt": await volume() } }), "bad-mount", /absolute/);
  },
};
