// What a commit of git records of the project, beside what the workspace holds. Invariant: old values come from the records of
// that commit, its files and the cache; what is not there is said, never guessed.

import type { Content, Digest, PathContent, RelPath, StageName } from "../core/mod.ts";
import { isStageName, messageOf, parseRelPath, PivotError } from "../core/mod.ts";
import { lockFromYaml, lockPath, type StageLock, TRACKED_FOLDER, trackedFromText } from "../state/mod.ts";
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
  /** Records of data that no stage makes. */
  readonly tracked: ReadonlyMap<RelPath, Content>;
  /** Records that could not be read, each with its file. */
  readonly warnings: readonly string[];
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
  const [from, to, ...more] = text?.startsWith("../") ? [text] : (text ?? "HEAD").split("..");
  if (more.length > 0 || from?.endsWith(".") || to?.startsWith(".")) {
    throw new PivotError(`"${text}" is no range of revisions`, {
      code: "unknown-revision",
      kind: "usage",
      hint: "write A..B with two dots, or one revision to compare with the workspace",
    });
  }
  const before = await openRevision(project, from === "" || from === undefined ? "HEAD" : from);
  if (to === undefined) return { before, now: undefined };
  return { before, now: await openRevision(project, to === "" ? "HEAD" : to) };
}

/**
 * Opens one revision.
 *
 * @throws {PivotError} `no-git`, `unknown-revision` (kind `usage`).
 */
export async function openRevision(project: Project, name: string): Promise<Revision> {
  const git = await openGit(project.root);
  const commit = await git.commit(name);
  return {
    name,
    commit,
    ...await recordsOf(project, git, { commit, name }),
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

type Records = Pick<Revision, "locks" | "tracked" | "warnings">;

const STAGES_FOLDER = ".pivot/stages";

/** Records are parsed once per content: git's own id names them. One that cannot be read counts as none, and is told. */
async function recordsOf(project: Project, git: Git, at: { commit: string; name: string }): Promise<Records> {
  const kept = project.state.kv("revisions");
  const files = await git.files(at.commit, [STAGES_FOLDER, TRACKED_FOLDER]);
  const unknown = [...files].filter(([path, id]) => path.endsWith(".lock") && kept.get(`${path}:${id}`) === undefined);
  const contents = await git.contents(unknown.map(([, id]) => id));
  const read = new Map<string, StageLock | Content>();
  const warnings: string[] = [];
  for (const [path, id] of unknown) {
    const text = new TextDecoder().decode(contents.get(id));
    try {
      read.set(path, await parseRecord(path, text, at.name));
    } catch (error) {
      if (error instanceof PivotError && error.code === "lock-too-new") throw error;
      warnings.push(`${path} at ${at.name} cannot be read: ${messageOf(error).split("\n")[0]}`);
    }
  }
  remember(kept, unknown, read);
  if (unknown.length > 0) await project.state.commit();
  const [locks, tracked] = [new Map<StageName, StageLock>(), new Map<RelPath, Content>()];
  for (const [path, id] of files) {
    const record = read.get(path) ?? known(kept.get(`${path}:${id}`));
    const name = path.slice(path.indexOf("/", ".pivot/".length) + 1, -".lock".length);
    if (record === undefined) continue;
    if (path.startsWith(`${TRACKED_FOLDER}/`)) tracked.set(parseRelPath(name), record as Content);
    else if (isStageName(name) && path === lockPath(name)) locks.set(name, record as StageLock);
  }
  return { locks, tracked, warnings };
}

function known(bytes: Uint8Array | undefined): StageLock | Content | undefined {
  return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
}

async function parseRecord(path: string, text: string, revision: string): Promise<StageLock | Content> {
  const file = `${path} at ${revision}`;
  if (path.startsWith(`${TRACKED_FOLDER}/`)) {
    return await trackedFromText(text, { file, path: path.slice(TRACKED_FOLDER.length + 1, -".lock".length) });
  }
  const { parse } = await import("yaml");
  return lockFromYaml(parse(text, { maxAliasCount: 0 }), file);
}

/** Parsed records that are kept between commands; beyond that all are forgotten and read again. */
const MAX_KEPT_RECORDS = 50_000;

function remember(
  kept: ReturnType<Project["state"]["kv"]>,
  files: readonly (readonly [path: string, id: string])[],
  read: ReadonlyMap<string, StageLock | Content>,
): void {
  if (files.length === 0) return;
  const old = kept.keys();
  if (old.length + files.length > MAX_KEPT_RECORDS) { for (const key of old) kept.delete(key); }
  for (const [path, id] of files) {
    const record = read.get(path);
    if (record !== undefined) kept.put(`${path}:${id}`, new TextEncoder().encode(JSON.stringify(record)));
  }
}

/** Recorded content, and whether the cache has it. */
export type RecordedPath = PathContent & { readonly cache: boolean };

/** Options of {@linkcode readRecorded}. */
export interface ReadRecordedOptions {
  /** Fetch from the default remote what the cache lacks. @default false */
  readonly pull?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads recorded files: as the commit has them, else from the cache, else if asked from the default remote.
 *
 * @throws {PivotError} `no-remote` (kind `usage`) if there is nothing to pull from.
 */
export async function readRecorded(
  project: Project,
  revision: Revision,
  items: readonly RecordedPath[],
  options: ReadRecordedOptions = {},
): Promise<ReadonlyMap<RelPath, RecordedBytes>> {
  const inGit = await revision.files(items.filter((item) => !item.cache).map(({ path }) => path));
  const cached = items.filter(({ path, content }) => !inGit.has(path) && content.type === "file");
  await project.cache.audit(cached.map(({ content }) => content));
  const failures = options.pull === true ? await pullBlobs(project, cached, options.signal) : new Map<Digest, string>();
  return new Map(items.map(({ path, content, cache }): [RelPath, RecordedBytes] => {
    const bytes = inGit.get(path);
    if (bytes !== undefined) return [path, { status: "found", bytes }];
    if (content.type === "directory") return [path, { status: "missing", why: "it is a folder" }];
    if (project.cache.has(content)) {
      const key = { hash: content.hash, executable: content.executable };
      return [path, { status: "found", bytes: Deno.readFileSync(project.cache.blobs.path(key)) }];
    }
    if (!cache) {
      return [path, { status: "missing", why: `${content.hash} is recorded, but ${revision.name} has no such file` }];
    }
    const where = `${content.hash} is neither in ${revision.name} nor in the cache`;
    const failure = failures.get(content.hash);
    const why = failure === undefined ? `${where}; --pull fetches it` : `${where}, and was not fetched: ${failure}`;
    return [path, { status: "missing", why }];
  }));
}

/** What cannot be fetched stays missing. @returns Why, by digest. */
async function pullBlobs(
  project: Project,
  items: readonly RecordedPath[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<Digest, string>> {
  const blobs = items.filter(({ content, cache }) => cache && !project.cache.has(content))
    .map(({ path, content }) => ({ digest: content.hash, size: content.size, label: path }));
  if (blobs.length === 0) return new Map();
  const { openRemote } = await import("./remotes.ts");
  await using remote = await openRemote(project);
  const { errors } = await remote.fetch(blobs, signal === undefined ? {} : { signal });
  await project.state.commit();
  return new Map(errors.map(({ blob, error }) => [blob.digest, error.message]));
}
