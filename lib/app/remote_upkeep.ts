// Looking after a remote of the project: what it holds and who needs it, whether it works, what may go.

import { byCodeUnit, type Digest, PivotError } from "../core/mod.ts";
import {
  type Amount,
  type CheckStep,
  digestOfKey,
  executeRemoteGc,
  planRemoteGc,
  type Remote,
  remoteCheck,
  type RemoteGcPlan,
} from "../remote/mod.ts";
import { openRemote } from "./remotes.ts";
import type { Project } from "./open_project.ts";
import { blobRequests, recordedItems, selectRecorded } from "./recorded.ts";
import { wantedBlobs } from "./wanted.ts";

/** One object on a remote. */
export interface RemoteObject {
  readonly key: string;
  /** Undefined for what is not named like a blob. */
  readonly digest: Digest | undefined;
  /** Bytes. */
  readonly size: number;
  /** When it was written, milliseconds since the epoch. */
  readonly modifiedMs: number;
  /** Stages of this workspace whose records name it; `tracked` for data that no stage makes. */
  readonly neededBy: readonly string[];
  /** Paths that it is known by here. */
  readonly paths: readonly string[];
}

/** Everything that the remote holds, with what this workspace's records make of it. */
export async function listRemote(project: Project, remote: Remote, signal: AbortSignal): Promise<RemoteObject[]> {
  const { pipeline } = await project.load({ inputsMayMiss: true, signal });
  const needed = new Map<Digest, { stages: Set<string>; paths: Set<string> }>();
  for (const { path, content, stage } of await recordedItems(project, await selectRecorded(project, pipeline, []))) {
    for (const { digest, label } of blobRequests(path, content)) {
      const about = needed.get(digest) ?? { stages: new Set(), paths: new Set() };
      about.stages.add(stage ?? "tracked");
      about.paths.add(label);
      needed.set(digest, about);
    }
  }
  const objects: RemoteObject[] = [];
  for await (const { key, size, modifiedMs } of remote.list({ signal })) {
    const digest = digestOfKey(key);
    const about = digest === undefined ? undefined : needed.get(digest);
    const [neededBy, paths] = [about?.stages, about?.paths].map((names) => [...names ?? []].sort(byCodeUnit));
    objects.push({ key, digest, size, modifiedMs, neededBy: neededBy ?? [], paths: paths ?? [] });
  }
  return objects;
}

/** Tries a remote out. Credentials that are missing from the start are a step like any other. */
export async function checkRemote(
  project: Project,
  options: { readonly name?: string; readonly signal: AbortSignal },
): Promise<CheckStep[]> {
  try {
    await using remote = await openRemote(project, options.name === undefined ? {} : { name: options.name });
    return await remoteCheck(remote.backend, { signal: options.signal });
  } catch (error) {
    if (!(error instanceof PivotError) || error.kind !== "remote") throw error;
    return [{ name: "credentials", durationMs: 0, error }];
  }
}

/** Options of {@linkcode collectRemote}. */
export interface CollectRemoteOptions {
  /** Younger objects stay. Days. */
  readonly olderThanDays: number;
  /** Remove; else only plan. @default false */
  readonly act?: boolean;
  /** Told when another gc must end first. */
  readonly onWait?: () => void;
  readonly signal: AbortSignal;
}

/** What a gc of a remote found and did. */
export interface CollectRemoteResult {
  readonly plan: RemoteGcPlan;
  /** Branches and tags whose records were read. */
  readonly references: number;
  /** Absent if nothing was to be done. */
  readonly removed?: Amount;
}

/**
 * Removes what no record of the workspace, of any branch or of any tag names.
 *
 * @throws {PivotError} `no-git` (kind `usage`): without branches and tags it cannot be told what others need.
 */
export async function collectRemote(
  project: Project,
  remote: Remote,
  options: CollectRemoteOptions,
): Promise<CollectRemoteResult> {
  const { signal, olderThanDays } = options;
  const { blobs, references } = await wantedBlobs(project, { branches: true, tags: true, signal });
  const { backend, known, jobs } = remote;
  const plan = await planRemoteGc({ backend, wanted: blobs, olderThanDays, nowMs: Date.now(), jobs, signal });
  if (options.act !== true) return { plan, references };
  try {
    return { plan, references, removed: await executeRemoteGc(plan, { ...options, backend, known, jobs }) };
  } finally {
    await project.state.commit();
  }
}
