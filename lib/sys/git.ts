// Reading from a git repository: revisions and files of commits. Invariant: nothing is ever written; file names pass through
// unchanged, whatever they hold.

import { PivotError } from "../core/mod.ts";
import { parentOf } from "./disk/durable_write.ts";
import { statPath } from "./disk/stat.ts";
import { spawnChild } from "./process.ts";

/** A git repository, seen from a folder in it. */
export interface Git {
  /**
   * The id of the commit that a revision means.
   *
   * @throws {PivotError} `unknown-revision` (kind `usage`).
   */
  commit(revision: string): Promise<string>;
  /**
   * Files of a commit, by path relative to the folder. Folders among `paths` stand for all files below them.
   *
   * @returns ids of the contents, to be read with `contents`.
   */
  files(commit: string, paths: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Contents by id, all in one process. */
  contents(ids: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  /** Names of all branches and tags, remote branches included, as full references. */
  references(): Promise<readonly string[]>;
}

/**
 * Opens the repository that holds `folder`.
 *
 * @throws {PivotError} `no-git` (kind `usage`) if there is none, or no git.
 */
export async function openGit(folder: string): Promise<Git> {
  const inside = await run(folder, ["rev-parse", "--is-inside-work-tree"]);
  if (inside.code !== 0) throw noRepository(folder, inside.err);
  return {
    commit: (revision) => resolveCommit(folder, revision),
    async files(commit, paths) {
      if (paths.length === 0) return new Map();
      const named = paths.length <= MAX_NAMED_PATHS;
      const wanted = new Set(paths);
      const { out } = await must(folder, ["ls-tree", "-r", "-z", commit, "--", ...named ? paths : []]);
      const files = splitAtNul(out).flatMap((line): [string, string][] => {
        const [, id, path] = /^100\d+ blob ([0-9a-f]+)\t([^]*)$/.exec(line) ?? [];
        return id === undefined || path === undefined ? [] : [[path, id]];
      });
      return new Map(named ? files : files.filter(([path]) => isBelowOne(wanted, path)));
    },
    async contents(ids) {
      if (ids.length === 0) return new Map();
      const stdin = new TextEncoder().encode(`${[...new Set(ids)].join("\n")}\n`);
      return splitBatch((await must(folder, ["cat-file", "--batch"], stdin)).bytes);
    },
    async references() {
      const { out } = await must(folder, [
        "for-each-ref",
        "--format=%(refname)",
        "refs/heads",
        "refs/tags",
        "refs/remotes",
      ]);
      return out.split("\n").filter((line) => line !== "");
    },
  };
}

/** A command line is bounded; more paths than this are picked from the list of all files. */
const MAX_NAMED_PATHS = 1_000;

/** Whether a path is one of these or lies in one of them. */
function isBelowOne(paths: ReadonlySet<string>, path: string): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
    if (paths.has(path.slice(0, end))) return true;
  }
  return false;
}

/** git refuses repositories of other users, as in a container: what it says then tells the way out. */
function noRepository(folder: string, said: string): PivotError {
  const refused = said.includes("safe.directory");
  return new PivotError(refused ? `git refuses to read "${folder}"` : `"${folder}" is in no git repository`, {
    code: "no-git",
    kind: "usage",
    hint: refused
      ? `it belongs to another user; to trust it, run \`git config --global --add safe.directory "${folder}"\``
      : "revisions come from git: run `git init` and commit first",
  });
}

async function resolveCommit(folder: string, revision: string): Promise<string> {
  const found = await run(folder, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]);
  if (found.code === 0) return found.out.trim();
  const empty = (await run(folder, ["rev-parse", "--verify", "--quiet", "HEAD"])).code !== 0;
  const shallow = (await run(folder, ["rev-parse", "--is-shallow-repository"])).out.trim() === "true";
  throw new PivotError(empty ? "the git repository has no commit yet" : `git knows no revision "${revision}"`, {
    code: "unknown-revision",
    kind: "usage",
    hint: empty
      ? "commit first; there is nothing to compare with"
      : shallow
      ? "this clone is shallow: `git fetch --unshallow` brings the rest"
      : "name a branch, a tag, a commit or HEAD~1",
  });
}

/**
 * The folder that `.git` is in. In a hook git sets GIT_DIR, and would then take the current folder for the top of the work tree.
 */
function topOf(folder: string): string | undefined {
  for (let at = folder;; at = parentOf(at)) {
    if (statPath(`${at}/.git`) !== undefined) return at;
    if (at === parentOf(at)) return undefined;
  }
}

interface Ended {
  readonly code: number;
  readonly bytes: Uint8Array;
  readonly out: string;
  readonly err: string;
}

async function run(folder: string, args: readonly string[], stdin?: Uint8Array): Promise<Ended> {
  const top = topOf(folder);
  const chunks: Record<"stdout" | "stderr", Uint8Array[]> = { stdout: [], stderr: [] };
  try {
    const child = spawnChild({
      command: ["git", ...(top === undefined ? [] : [`--work-tree=${top}`]), ...args],
      cwd: folder,
      env: { GIT_OPTIONAL_LOCKS: "0", GIT_LITERAL_PATHSPECS: "1", LC_ALL: "C" },
      onOutput: (chunk, stream) => void chunks[stream].push(chunk.slice()),
      ...(stdin === undefined ? {} : { stdin }),
    });
    const { code } = await child.exit;
    const bytes = joined(chunks.stdout);
    const decode = (each: Uint8Array) => new TextDecoder().decode(each);
    return { code, bytes, out: decode(bytes), err: decode(joined(chunks.stderr)) };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new PivotError("git is not installed", {
      code: "no-git",
      kind: "usage",
      hint: "install git, or leave the revision out",
      cause: error,
    });
  }
}

async function must(folder: string, args: readonly string[], stdin?: Uint8Array): Promise<Ended> {
  const ended = await run(folder, args, stdin);
  if (ended.code === 0) return ended;
  throw new PivotError(`git ${args[0]} failed: ${ended.err.trim().split("\n").at(-1) ?? ""}`, { code: "git-failed" });
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

function splitAtNul(text: string): string[] {
  return text.split("\0").filter((each) => each !== "");
}

/** Answers of `cat-file --batch`: `<id> <type> <size>\n<bytes>\n`, or `<id> missing\n`. */
function splitBatch(bytes: Uint8Array): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(10, at);
    const [id = "", , size] = decoder.decode(bytes.subarray(at, end)).split(" ");
    at = end + 1;
    if (size === undefined) continue;
    found.set(id, bytes.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return found;
}
