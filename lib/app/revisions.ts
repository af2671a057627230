// What a commit of git records of the project, beside what the workspace holds. Invariant: old values come from the records of
// that commit, its files and the cache; what is not there is said, never guessed.

import type { PathContent, RelPath, StageName } from "../core/mod.ts";
import { isStageName, PivotError } from "../core/mod.ts";
import { lockFromYaml, lockPath, type StageLock } from "../state/mod.ts";
import { type Git, openGit } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";

/** The project as a commit has it. */
export interface Revision {
  /** As it was asked for, `HEAD` or `main~2`. */
  readonly name: string;
  /** Full id of the commit. */
  readonly commit: string;
  /** Records of stages. */
  readonly locks: ReadonlyMap<StageName, StageLock>;
  /** Files of the commit; those that it lacks are absent from the answer. */
  files(paths: readonly RelPath[]): Promise<ReadonlyMap<RelPath, Uint8Array>>;
}

/** The two sides of a comparison; an absent `now` is the workspace. */
export interface Range {
  readonly before: Revision;
  readonly now: Revision | undefined;
}

/** Content of a recorded path. */
export type RecordedBytes =
  | { readonly status: "found"; readonly bytes: Uint8Array }
  /** It is recorded, but neither the commit nor the cache has its bytes. */
  | { readonly status: "missing"; readonly why: string };

/**
 * Parses `A..B`, `A` (to the workspace) or nothing (HEAD to the workspace).
 *
 * @throws {PivotError} `no-git`, `unknown-revision` (kind `usage`).
 */
export async function openRange(project: Project, text: string | undefined): Promise<Range> {
  const git = await openGit(project.root);
  const [from, to, ...more] = (text ?? "HEAD").split("..");
  if (more.length > 0 || from?.endsWith(".") || to?.startsWith(".")) {
    throw new PivotError(`"${text}" is no range of revisions`, {
      code: "unknown-revision",
      kind: "usage",
      hint: "write A..B with two dots, or one revision to compare with the workspace",
    });
  }
  const before = await openRevision(project, git, from === "" || from === undefined ? "HEAD" : from);
  if (to === undefined) return { before, now: undefined };
  return { before, now: await openRevision(project, git, to === "" ? "HEAD" : to) };
}

async function openRevision(project: Project, git: Git, name: string): Promise<Revision> {
  const commit = await git.commit(name);
  return {
    name,
    commit,
    locks: await locksOf(project, git, commit),
    async files(paths) {
      const ids = await git.files(commit, paths);
      const contents = await git.contents([...ids.values()]);
      return new Map([...ids].flatMap(([path, id]) => {
        const bytes = contents.get(id);
        return bytes === undefined ? [] : [[path as RelPath, bytes]];
      }));
    },
  };
}

/** Records are parsed once per content: git's own id names them. */
async function locksOf(project: Project, git: Git, commit: string): Promise<ReadonlyMap<StageName, StageLock>> {
  const kept = project.state.kv("revisions");
  const files = await git.files(commit, [".pivot/stages"]);
  const decoder = new TextDecoder();
  const locks = new Map<StageName, StageLock>();
  const unknown: [stage: StageName, id: string][] = [];
  for (const [path, id] of files) {
    const stage = path.slice(".pivot/stages/".length, -".lock".length);
    if (!isStageName(stage) || path !== lockPath(stage)) continue;
    const known = kept.get(id);
    if (known === undefined) unknown.push([stage, id]);
    else locks.set(stage, JSON.parse(decoder.decode(known)));
  }
  const contents = await git.contents(unknown.map(([, id]) => id));
  const { parse } = unknown.length === 0 ? { parse: undefined } : await import("yaml");
  for (const [stage, id] of unknown) {
    const bytes = contents.get(id);
    if (bytes === undefined || parse === undefined) continue;
    const lock = readLock(decoder.decode(bytes), { parse, file: `${lockPath(stage)} at ${commit.slice(0, 8)}` });
    if (lock === undefined) continue;
    locks.set(stage, lock);
    kept.put(id, new TextEncoder().encode(JSON.stringify(lock)));
  }
  if (unknown.length > 0) await project.state.commit();
  return locks;
}

/** A record that cannot be read counts as none, here as in the workspace; one that is too new is an error. */
function readLock(
  text: string,
  use: { readonly parse: (text: string, options: { maxAliasCount: number }) => unknown; readonly file: string },
): StageLock | undefined {
  try {
    return lockFromYaml(use.parse(text, { maxAliasCount: 0 }), use.file);
  } catch (error) {
    if (error instanceof PivotError && error.code === "lock-too-new") throw error;
    return undefined;
  }
}

/** Reads recorded files: as the commit has them, else from the cache. */
export async function readRecorded(
  project: Project,
  revision: Revision,
  items: readonly (PathContent & { readonly cache: boolean })[],
): Promise<ReadonlyMap<RelPath, RecordedBytes>> {
  const inGit = await revision.files(items.filter((item) => !item.cache).map(({ path }) => path));
  const cached = items.filter(({ path }) => !inGit.has(path));
  await project.cache.audit(cached.map(({ content }) => content));
  return new Map(items.map(({ path, content }): [RelPath, RecordedBytes] => {
    const bytes = inGit.get(path);
    if (bytes !== undefined) return [path, { status: "found", bytes }];
    if (content.type === "directory") return [path, { status: "missing", why: "it is a folder" }];
    if (project.cache.has(content)) {
      const key = { hash: content.hash, executable: content.executable };
      return [path, { status: "found", bytes: Deno.readFileSync(project.cache.blobs.path(key)) }];
    }
    const where = `${content.hash} is neither in ${revision.name} nor in the cache`;
    return [path, { status: "missing", why: `${where}; \`pivot fetch --all\` may bring it` }];
  }));
}
