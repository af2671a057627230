// The project's cache and its remotes: which blobs the records name, and what push, pull, fetch and sync do with them.

import type { Blobs } from "../cache/mod.ts";
import { setSetting, unsetSetting } from "../config/mod.ts";
import { isJsonObject, type Json } from "../core/mod.ts";
import {
  type BlobRequest,
  type BlobStore,
  digestOfKey,
  type KeyValue,
  Remote,
  RemoteManager,
  type SyncEvent,
  type SyncPlan,
  type SyncResult,
} from "../remote/mod.ts";
import { statPath } from "../sys/mod.ts";
import { checkout, type CheckoutResult } from "./checkout.ts";
import type { Project } from "./open_project.ts";
import { recordedItems, selectRecorded } from "./recorded.ts";

/** Options of {@linkcode openRemote}. */
export interface OpenRemoteOptions {
  /** Its name. @default the default remote, or the only one */
  readonly name?: string;
  /** Transfers at once. @default 20 */
  readonly jobs?: number;
  /** Ask it for everything, whatever is remembered of it. @default false */
  readonly distrust?: boolean;
}

/** Opens a remote of the project. @throws {PivotError} `no-remote` (kind `usage`) */
export function openRemote(project: Project, options: OpenRemoteOptions = {}): Promise<Remote> {
  const config = remotesOf(project).get(options.name);
  return Remote.fromConfig(config, {
    store: storeOver(project.cache.blobs),
    pool: project.pool,
    ...(options.distrust === true ? {} : { table: tableOver(project) }),
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
  });
}

/** The remotes of the project, for reading. */
export function remotesOf(project: Project): RemoteManager {
  const { remotes, defaultRemote } = project.settings;
  return new RemoteManager(overSettings(remotes, defaultRemote, () => {}));
}

/** Changes the remotes in the settings: what the manager does is written when it is done. */
export async function changeRemotes<Result>(
  project: Project,
  change: (manager: RemoteManager) => Result,
): Promise<Result> {
  const writes: (() => Promise<unknown>)[] = [];
  const { remotes, defaultRemote } = project.settings;
  const set = (key: string, value: Json | undefined) => {
    if (value === undefined) writes.push(() => unsetSetting(project.root, key));
    else if (isJsonObject(value)) { for (const [field, each] of Object.entries(value)) set(`${key}.${field}`, each); }
    else writes.push(() => setSetting(project.root, key, String(value)));
  };
  const result = change(new RemoteManager(overSettings(remotes, defaultRemote, set)));
  for (const write of writes) await write();
  return result;
}

function overSettings(
  remotes: Readonly<Record<string, Json>>,
  defaultRemote: string | undefined,
  set: (key: string, value: Json | undefined) => void,
): ConstructorParameters<typeof RemoteManager>[0] {
  const all: Record<string, Json> = { ...remotes };
  let chosen = defaultRemote;
  return {
    remotes: () => all,
    setRemote(name, value) {
      if (value === undefined) delete all[name];
      else all[name] = value;
      set(`remotes.${name}`, value);
    },
    defaultRemote: () => chosen,
    setDefaultRemote(name) {
      chosen = name;
      set("default_remote", name);
    },
  };
}

/** The cache as the remotes see it. Bytes are checked in flight, so that a blob need not be vouched for to be found. */
function storeOver(blobs: Blobs): BlobStore {
  return {
    find({ digest, size }) {
      for (const executable of [false, true]) {
        const path = blobs.path({ hash: digest, executable });
        if (statPath(path)?.size === size) return path;
      }
      return undefined;
    },
    temporary: () => blobs.temporary(),
    adopt: (temporary, { digest, size }) => blobs.adoptMove(temporary, { hash: digest, size, executable: false }),
    altered: (_blob, path) => void blobs.quarantine(path),
  };
}

function tableOver(project: Project): KeyValue {
  const table = project.state.kv("remote");
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  const read = (key: string) => {
    const bytes = table.get(key);
    return bytes === undefined ? undefined : decoder.decode(bytes);
  };
  return {
    get: read,
    put: (key, value) => table.put(key, encoder.encode(value)),
    delete: (key) => table.delete(key),
    *entries(prefix) {
      for (const key of table.keys(prefix)) {
        const value = read(key);
        if (value !== undefined) yield [key, value];
      }
    },
  };
}

/** Blobs that the records of these stages name; no targets = every record. */
export async function recordedBlobs(project: Project, targets: readonly string[]): Promise<BlobRequest[]> {
  const { pipeline } = await project.load({ inputsMayMiss: true });
  const items = await recordedItems(project, await selectRecorded(project, pipeline, targets));
  return items.flatMap(({ path, content }) => {
    if (content.type === "file") return [{ digest: content.hash, size: content.size, label: path }];
    return content.files.flatMap((entry) =>
      entry.type === "file" ? [{ digest: entry.hash, size: entry.size, label: `${path}/${entry.path}` }] : []
    );
  });
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
  /** Push: send everything again, so that each SHA-256 is compared. Pull: overwrite files changed by hand. @default false */
  readonly force?: boolean;
  /** Only plan. @default false */
  readonly dryRun?: boolean;
  readonly signal: AbortSignal;
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
}

/** Sends the blobs that the remote lacks. */
export async function push(project: Project, remote: Remote, options: TransferOptions): Promise<TransferResult> {
  const blobs = options.all === true ? allBlobs(project) : await recordedBlobs(project, options.targets);
  const { signal, onEvent } = options;
  const plan = await remote.planPush(blobs, { signal, force: options.force ?? false });
  return await carryOut(project, remote, { ...options, plan, signal, onEvent });
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
  return await carryOut(project, remote, { ...options, plan: remote.planPull(blobs) });
}

/** Fetches, then checks out what came whole. */
export async function pull(project: Project, remote: Remote, options: TransferOptions): Promise<TransferResult> {
  const fetched = await fetch(project, remote, options);
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
