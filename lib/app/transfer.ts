// push, pull, fetch and sync: which blobs go which way. Invariant: a dry run returns the very plan that would be carried out.

import {
  type BlobRequest,
  digestOfKey,
  type Remote,
  type SyncEvent,
  type SyncPlan,
  type SyncResult,
} from "../remote/mod.ts";
import { checkout, type CheckoutResult } from "./checkout.ts";
import type { Project } from "./open_project.ts";
import { blobRequests, recordedItems, selectRecorded } from "./recorded.ts";
import { type SharedRunsResult, shareRuns } from "./share_runs.ts";

/** Blobs that the records of these stages name; no targets = every record. */
export async function recordedBlobs(project: Project, targets: readonly string[]): Promise<BlobRequest[]> {
  const { pipeline } = await project.load({ inputsMayMiss: true });
  const items = await recordedItems(project, await selectRecorded(project, pipeline, targets));
  return items.flatMap(({ path, content }) => blobRequests(path, content));
}

/** Every blob in the cache. */
function allBlobs(project: Project): BlobRequest[] {
  return [...project.cache.list()].map(({ hash, size }) => ({ digest: hash, size, label: hash }));
}

/** Every blob that the remote has; objects that are not ours are passed over. */
async function allRemoteBlobs(remote: Remote, signal: AbortSignal): Promise<BlobRequest[]> {
  const found: BlobRequest[] = [];
  for await (const { key, size } of remote.list({ signal })) {
    const digest = digestOfKey(key);
    if (digest !== undefined) found.push({ digest, size, label: digest });
  }
  return found;
}

/** Options of a transfer. */
export interface TransferOptions {
  readonly targets: readonly string[];
  /** The whole cache or remote, not only what records name. @default false */
  readonly all?: boolean;
  /**
   * Push: compare each SHA-256. Fetch: download again what is here. Pull: overwrite files changed by hand.
   *
   * @default false
   */
  readonly force?: boolean;
  /** Only plan. @default false */
  readonly dryRun?: boolean;
  /** Push: also share what inputs led to. @default the setting `shared_run_cache` */
  readonly runCache?: boolean;
  readonly signal: AbortSignal;
  /** Push: told when somebody else's gc must end first. */
  readonly onWait?: () => void;
  readonly onPlan: (plan: SyncPlan) => void;
  readonly onEvent: (event: SyncEvent) => void;
}

/** What a transfer did. */
export interface TransferResult {
  readonly plan: SyncPlan;
  /** Absent for a dry run. */
  readonly result?: SyncResult;
  /** What a pull checked out. */
  readonly checkout?: CheckoutResult;
  /** Runs that a push shared. */
  readonly runs?: SharedRunsResult;
}

/** Sends the blobs that the remote lacks. */
export async function push(project: Project, remote: Remote, options: TransferOptions): Promise<TransferResult> {
  const blobs = options.all === true ? allBlobs(project) : await recordedBlobs(project, options.targets);
  const { signal } = options;
  const plan = await remote.planPush(blobs, {
    signal,
    force: options.force ?? false,
    dryRun: options.dryRun ?? false,
    ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
  });
  const done = await carryOut(project, remote, { ...options, plan });
  if (done.result === undefined || !(options.runCache ?? project.settings.sharedRunCache === true)) return done;
  const there = new Set([...done.result.skipped, ...done.result.pushed].map(({ digest }) => digest));
  const runs = await shareRuns(project, remote, { there, everything: options.targets.length === 0, signal });
  return { ...done, runs };
}

/** Fetches the blobs that the cache lacks. */
export async function fetch(project: Project, remote: Remote, options: TransferOptions): Promise<TransferResult> {
  const blobs = options.all === true
    ? await allRemoteBlobs(remote, options.signal)
    : await recordedBlobs(project, options.targets);
  await project.cache.audit(
    blobs.map((blob) => ({ type: "file", hash: blob.digest, size: blob.size, executable: false })),
    options.signal,
  );
  return await carryOut(project, remote, {
    ...options,
    plan: remote.planPull(blobs, { force: options.force ?? false }),
  });
}

/** Fetches these blobs, of which the cache lacks each. */
export async function fetchBlobs(
  project: Project,
  remote: Remote,
  blobs: readonly BlobRequest[],
  options: Pick<TransferOptions, "signal" | "onPlan" | "onEvent">,
): Promise<TransferResult> {
  return await carryOut(project, remote, { ...options, targets: [], plan: remote.planPull(blobs) });
}

/** Fetches, then checks out what came whole. */
export async function pull(project: Project, remote: Remote, options: TransferOptions): Promise<TransferResult> {
  const fetched = await fetch(project, remote, { ...options, force: false });
  if (options.dryRun === true) return fetched;
  const { targets, signal, force } = options;
  return { ...fetched, checkout: await checkout(project, { targets, signal, force: force ?? false }) };
}

async function carryOut(
  project: Project,
  remote: Remote,
  options: TransferOptions & { readonly plan: SyncPlan },
): Promise<TransferResult> {
  const { plan, signal, onEvent } = options;
  options.onPlan(plan);
  if (options.dryRun === true) return { plan };
  try {
    return { plan, result: await remote.execute(plan, { signal, onEvent }) };
  } finally {
    await project.state.commit();
  }
}
