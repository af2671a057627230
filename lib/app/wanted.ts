// Which blobs are wanted: by the records of this workspace, and by those at the tips of branches and tags. Invariant: a record that
// cannot be read is an error here, since what it would have kept is not known and nothing is removed on a guess.

import { blobsOf } from "../cache/mod.ts";
import { type Content, type Digest, isStageName, PivotError, type StageName } from "../core/mod.ts";
import { openGit } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";
import { openRevision } from "./revisions.ts";

/** Whose records count beside the workspace's. */
export interface WantedOptions {
  /** Branches, those of git's remotes included. @default false */
  readonly branches?: boolean;
  /** Tags. @default false */
  readonly tags?: boolean;
  readonly signal?: AbortSignal;
}

/** What is wanted. */
export interface Wanted {
  readonly blobs: ReadonlySet<Digest>;
  /** Branches and tags whose records were read. */
  readonly references: number;
}

/**
 * Everything that the records name, stages that are no longer declared included.
 *
 * @throws {PivotError} `no-git` (kind `usage`) where branches or tags are asked for and there is no repository; `record-unreadable`.
 */
export async function wantedBlobs(project: Project, options: WantedOptions = {}): Promise<Wanted> {
  const wanted = new Set<Digest>();
  const want = (contents: Iterable<Content>) => {
    for (const content of contents) for (const { hash } of blobsOf(content)) wanted.add(hash);
  };
  const stages = project.locks.recorded().filter((name): name is StageName => isStageName(name));
  const [warning] = await project.locks.load(stages);
  if (warning !== undefined) throw unreadable(warning.message);
  for (const stage of stages) want(project.locks.get(stage)?.outs.map(({ content }) => content) ?? []);
  want((await project.tracked.load()).values());
  if (options.branches !== true && options.tags !== true) return { blobs: wanted, references: 0 };
  const references = await chosenReferences(project, options);
  const seen = new Set<string>();
  const git = await openGit(project.root);
  for (const reference of references) {
    options.signal?.throwIfAborted();
    const commit = await commitOf(git, reference);
    if (commit === undefined || seen.has(commit)) continue;
    seen.add(commit);
    const revision = await openRevision(project, commit);
    const [problem] = revision.warnings;
    if (problem !== undefined) throw unreadable(`${reference}: ${problem}`);
    for (const lock of revision.locks.values()) want(lock.outs.map(({ content }) => content));
    want(revision.tracked.values());
  }
  return { blobs: wanted, references: references.length };
}

async function chosenReferences(project: Project, options: WantedOptions): Promise<string[]> {
  const all = await (await openGit(project.root)).references();
  return all.filter((name) => name.startsWith("refs/tags/") ? options.tags === true : options.branches === true);
}

/** Undefined for a tag on something that is no commit, and for a branch that has none yet. */
async function commitOf(git: Awaited<ReturnType<typeof openGit>>, reference: string): Promise<string | undefined> {
  try {
    return await git.commit(reference);
  } catch (error) {
    if (error instanceof PivotError && error.code === "unknown-revision") return undefined;
    throw error;
  }
}

function unreadable(what: string): PivotError {
  return new PivotError(`cannot tell what is still needed: ${what}`, {
    code: "record-unreadable",
    kind: "invalid",
    hint: "repair or remove that record first; nothing was removed",
  });
}
