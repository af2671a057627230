// Reading commits with real git: folders of a repository, worktrees, shallow clones, names that git reads in its own way.

import assert from "node:assert/strict";
import { openGit } from "../../../lib/sys/mod.ts";
import { commitAll, git } from "../../support/git.ts";
import { REPOSITORY } from "../../support/project.ts";
import { temporaryFolder } from "../../support/remote.ts";

function write(root: string, path: string, text: string): void {
  const full = `${root}/${path}`;
  Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
  Deno.writeTextFileSync(full, text);
}

/** A repository with two commits whose project is in `ml/`. */
function repository(): ReturnType<typeof temporaryFolder> & { readonly root: string } {
  const folder = temporaryFolder();
  const root = `${folder.path}/repository`;
  Deno.mkdirSync(root);
  git({ root }, "init", "-q", "-b", "main");
  write(root, "m.json", "outside");
  write(root, "ml/m.json", "one");
  write(root, "ml/deep/er/[a]*.json", "brackets");
  write(root, "ml/:!x.json", "magic");
  Deno.symlinkSync("m.json", `${root}/ml/link.json`);
  commitAll({ root }, "one");
  write(root, "ml/m.json", "two");
  commitAll({ root }, "two");
  return { ...folder, root };
}

async function read(folder: string, revision: string, paths: readonly string[]): Promise<Record<string, string>> {
  const repository = await openGit(folder);
  const ids = await repository.files(await repository.commit(revision), paths);
  const contents = await repository.contents([...ids.values()]);
  return Object.fromEntries([...ids].map(([path, id]) => [path, new TextDecoder().decode(contents.get(id))]));
}

Deno.test("files() reads relative to the folder, folders whole, names literally, links not at all", async () => {
  using folder = repository();
  const ml = `${folder.root}/ml`;
  assert.deepEqual(await read(ml, "HEAD~1", ["m.json"]), { "m.json": "one" });
  assert.deepEqual(await read(ml, "main", ["m.json", "deep"]), { "m.json": "two", "deep/er/[a]*.json": "brackets" });
  assert.deepEqual(await read(ml, "main", [":!x.json", "deep/er/[a]*.json", "[m].json", "*.json", "link.json"]), {
    ":!x.json": "magic",
    "deep/er/[a]*.json": "brackets",
  });
  assert.deepEqual(await read(ml, "main", []), {});
});

Deno.test("files() takes more paths than a command line holds", async () => {
  using folder = repository();
  const many = Array.from({ length: 40_000 }, (_, at) => `some/folder/with/a/long/name/to/fill/the/line/${at}.json`);
  assert.deepEqual(await read(`${folder.root}/ml`, "main", [...many, "m.json", "deep"]), {
    "m.json": "two",
    "deep/er/[a]*.json": "brackets",
  });
});

Deno.test("a worktree has its own HEAD", async () => {
  using folder = repository();
  const worktree = `${folder.path}/worktree`;
  git(folder, "worktree", "add", "-q", worktree, "main~1");
  assert.deepEqual(await read(`${worktree}/ml`, "HEAD", ["m.json"]), { "m.json": "one" });
  assert.deepEqual(await read(`${worktree}/ml`, "main", ["m.json"]), { "m.json": "two" });
});

Deno.test("a shallow clone says how to get the rest", async () => {
  using folder = repository();
  const clone = `${folder.path}/shallow`;
  git(folder, "clone", "-q", "--depth", "1", `file://${folder.root}`, clone);
  assert.deepEqual(await read(`${clone}/ml`, "HEAD", ["m.json"]), { "m.json": "two" });
  const repositoryOf = await openGit(clone);
  await assert.rejects(repositoryOf.commit("HEAD~1"), (error: Error & { hint?: string }) => {
    assert.match(error.message, /no revision "HEAD~1"/);
    assert.match(error.hint ?? "", /git fetch --unshallow/);
    return true;
  });
});

Deno.test("what looks like an option or a path of a commit is no revision", async () => {
  using folder = repository();
  const repositoryOf = await openGit(folder.root);
  for (const word of ["--all", "-h", "HEAD:m.json", "", "main^{tree}"]) {
    await assert.rejects(repositoryOf.commit(word), /git knows no revision/, word);
  }
});

Deno.test("in a hook, where git sets GIT_DIR, files are still relative to the folder", async () => {
  using folder = repository();
  // In a process of its own: variables belong to the whole of this one.
  const program = `
    import { openGit } from ${JSON.stringify(`${REPOSITORY}/lib/sys/mod.ts`)};
    const git = await openGit(${JSON.stringify(`${folder.root}/ml`)});
    const ids = await git.files(await git.commit("HEAD~1"), ["m.json"]);
    const [bytes] = (await git.contents([...ids.values()])).values();
    console.log([...ids.keys()].join(), new TextDecoder().decode(bytes));`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    cwd: REPOSITORY,
    env: { GIT_DIR: `${folder.root}/.git` },
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "m.json one\n");
});
