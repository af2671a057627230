// `pivot track` and `pivot untrack`, the ignore file, and stages that read tracked data.

import assert from "node:assert/strict";
import { git } from "../support/git.ts";
import { REPOSITORY, testProject } from "../support/project.ts";

const READS = `import { dep, out, stage, text } from "@pivot/pivot";
export const copy = stage({
  deps: { raw: dep("data/raw.txt", text()) },
  outs: out("copy.txt", text()),
  run: ({ raw }) => raw,
});
export const count = stage({
  deps: { data: dep("data/") },
  outs: out("count.txt", text()),
  run: ({ data }) => String([...Deno.readDirSync(data)].length),
});
`;

Deno.test("tracked data is cached, recorded for git and restored by checkout", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw", "data/more.txt": "more" });
  const { out, err } = await project.expect(0, "track", "data/raw.txt");
  assert.equal(out, "data/raw.txt  tracked, 3 B\n");
  assert.match(err, /\.pivot\/tracked\/data\/raw\.txt\.lock/);
  assert.match(
    project.read(".pivot/tracked/data/raw.txt.lock"),
    /version: 1\npath: "data\/raw\.txt"\nhash: "[0-9a-f]{16}"\nsize: 3\n/,
  );
  Deno.removeSync(`${project.root}/data/raw.txt`);
  const status = await project.expect(0, "status");
  assert.match(status.out, /data\/raw\.txt +missing/);
  await project.expect(0, "checkout", "data/raw.txt");
  assert.equal(project.read("data/raw.txt"), "raw");
});

Deno.test("a changed file is told, and tracking it again records it", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw" });
  await project.expect(0, "track", "data/raw.txt");
  Deno.removeSync(`${project.root}/data/raw.txt`);
  project.write("data/raw.txt", "changed");
  assert.match((await project.expect(0, "status")).out, /data\/raw\.txt +modified/);
  const { tracked } = JSON.parse((await project.expect(0, "status", "--json")).out);
  assert.deepEqual(tracked, [{ path: "data/raw.txt", state: "modified" }]);
  assert.match((await project.expect(1, "checkout", "data/raw.txt")).err, /changed by hand: data\/raw\.txt/);
  assert.equal((await project.expect(0, "track", "data/raw.txt")).out, "data/raw.txt  recorded again, 7 B\n");
  assert.equal((await project.expect(0, "track", "data/raw.txt")).out, "data/raw.txt  unchanged, 7 B\n");
});

Deno.test("stages whose tracked inputs are not here skip; those that must run bring them", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw", "data/more.txt": "more" });
  await project.expect(0, "track", "data/raw.txt", "data/more.txt");
  assert.deepEqual(await project.run(), { copy: "ran", count: "ran" });
  Deno.removeSync(`${project.root}/data`, { recursive: true });
  assert.deepEqual(await project.run(), { copy: "skipped", count: "skipped" });
  assert.equal(project.exists("data"), false);
  project.edit("pivot.ts", "=> raw", '=> raw + "!"');
  assert.deepEqual(await project.run(), { copy: "ran", count: "skipped" });
  assert.equal(project.read("copy.txt"), "raw!");
  assert.equal(project.exists("data/more.txt"), false);
});

Deno.test("a stage that needs tracked data that nobody has fails by name", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw" });
  await project.expect(0, "track", "data/raw.txt");
  Deno.removeSync(`${project.root}/data`, { recursive: true });
  Deno.removeSync(`${project.root}/.pivot/cache`, { recursive: true });
  const { err } = await project.expect(1, "run", "copy");
  assert.match(err, /dependency "data\/raw\.txt" is tracked, but its content is neither here nor in the cache/);
  assert.match(err, /pivot pull data\/raw\.txt/);
});

Deno.test("tracked data is part of push, pull and gc", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw", "data/more.txt": "more" });
  const remote = Deno.makeTempDirSync();
  try {
    await project.expect(0, "track", "data");
    await project.expect(0, "remote", "add", "origin", `file://${remote}`);
    assert.match((await project.expect(0, "gc")).out, /removed 0 blobs/);
    await project.expect(0, "push");
    Deno.removeSync(`${project.root}/data`, { recursive: true });
    Deno.removeSync(`${project.root}/.pivot/cache`, { recursive: true });
    await project.expect(0, "pull", "data");
    assert.equal(project.read("data/more.txt"), "more");
  } finally {
    Deno.removeSync(remote, { recursive: true });
  }
});

Deno.test("untracked data stays, as a file that may be written to and that gc does not care for", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw" });
  await project.expect(0, "track", "data/raw.txt");
  await project.expect(0, "untrack", "data/raw.txt");
  assert.equal(project.exists(".pivot/tracked/data"), false);
  assert.equal(project.read("data/raw.txt"), "raw");
  const { mode, nlink } = Deno.statSync(`${project.root}/data/raw.txt`);
  assert.equal((mode ?? 0) & 0o200, 0o200);
  assert.equal(nlink, 1);
  assert.match((await project.expect(0, "gc")).out, /removed 1 blob/);
  assert.match((await project.expect(2, "untrack", "data/raw.txt")).err, /"data\/raw\.txt" is not tracked/);
});

Deno.test("what cannot be tracked is refused with a reason, and nothing is recorded", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw", "data/sub/a.txt": "a" });
  const refused = async (path: string, why: RegExp) => {
    const { err } = await project.expect(2, "track", "data/raw.txt", path);
    assert.match(err, why);
    assert.equal(project.exists(".pivot/tracked"), false);
  };
  await refused("nothing.txt", /there is nothing at "nothing\.txt"/);
  await refused("copy.txt", /there is nothing/);
  project.write("copy.txt", "x");
  await refused("copy.txt", /which stage "copy" makes/);
  await refused("..", /lies outside of the project/);
  await refused(".pivot/stages", /kept by pivot or git/);
  await refused("data", /overlaps "data/);
});

Deno.test("paths are taken from where they are typed; odd names come back", async () => {
  using project = testProject({ "pivot.ts": READS, "data/a b \u{1f600}\n.txt": "odd" });
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", `${REPOSITORY}/cli.ts`, "track", "a b \u{1f600}\n.txt"],
    cwd: `${project.root}/data`,
    stdout: "null",
    stderr: "null",
  }).output();
  assert.equal(code, 0);
  Deno.removeSync(`${project.root}/data`, { recursive: true });
  await project.expect(0, "checkout");
  assert.equal(project.read("data/a b \u{1f600}\n.txt"), "odd");
});

Deno.test("a damaged record is an error with its place, and gc removes nothing", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw" });
  await project.expect(0, "track", "data/raw.txt");
  project.write(".pivot/tracked/data/raw.txt.lock", 'version: 1\npath: "../x"\n');
  const { err } = await project.expect(3, "gc");
  assert.match(err, /"\.pivot\/tracked\/data\/raw\.txt\.lock" is not a usable record/);
  project.write(".pivot/tracked/data/raw.txt.lock", "version: 9\n");
  assert.match((await project.expect(3, "status")).err, /this pivot reads up to 1/);
});

Deno.test("outputs and tracked data stay out of git, by one block of .gitignore", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw", ".gitignore": "*.tmp\n" });
  project.write("data/x [1]*.bin", "odd");
  git(project, "init", "-q");
  await project.expect(0, "run");
  await project.expect(0, "track", "data/x [1]*.bin");
  const ignored = git(project, "ls-files", "--others", "--ignored", "--exclude-standard", "-z").split("\0");
  for (const path of ["copy.txt", "count.txt", "data/x [1]*.bin"]) assert.ok(ignored.includes(path), path);
  assert.ok(!ignored.includes("data/raw.txt"));
  assert.match(
    project.read(".gitignore"),
    /^\*\.tmp\n\n# pivot: .*\n\/copy\.txt\n\/count\.txt\n\/data\/x \\\[1\\\]\\\*\.bin\n# pivot: end\n$/,
  );
  project.write("pivot.ts", READS.replace('"count.txt"', '"amount.txt"'));
  project.write(".gitignore", `${project.read(".gitignore")}after\n`);
  await project.expect(0, "run");
  assert.match(project.read(".gitignore"), /\/amount\.txt\n\/copy\.txt\n[^]*# pivot: end\nafter\n$/);
});

Deno.test("the ignore file is left alone when told so, and outside of git", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw" });
  await project.expect(0, "run");
  assert.equal(project.exists(".gitignore"), false);
  git(project, "init", "-q");
  await project.expect(0, "run", "--no-gitignore");
  await project.expect(0, "track", "data/raw.txt", "--no-gitignore");
  assert.equal(project.exists(".gitignore"), false);
  await project.expect(0, "config", "set", "git.ignore", "false");
  await project.expect(0, "run");
  assert.equal(project.exists(".gitignore"), false);
});

Deno.test("data that git has too is told", async () => {
  using project = testProject({ "pivot.ts": READS, "data/raw.txt": "raw" });
  git(project, "init", "-q");
  git(project, "add", "-A");
  const { err } = await project.expect(0, "track", "data/raw.txt");
  assert.match(err, /git keeps "data\/raw\.txt" too; `git rm -r --cached data\/raw\.txt`/);
});
