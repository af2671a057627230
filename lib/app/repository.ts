// A project as programs use it: push, pull, fetch, sync, status. Invariant: loading this file loads nothing else, since every stage
// process does; hence names of modules that Deno cannot see in advance (what it sees costs each process 12 ms).

import type { BlobFailure, BlobRequest, Remote, RemoteStatus, SyncEvent, SyncResult } from "../remote/mod.ts";
import type { CheckoutResult } from "./checkout.ts";
import type { Project } from "./open_project.ts";
import type { TransferResult } from "./transfer.ts";

/** Options of every act of a {@linkcode Repository}. */
export interface RepositoryCallOptions {
  /** Stages, outputs or tracked paths. @default everything that is recorded */
  readonly targets?: readonly string[];
  /** Name of the remote. @default the default remote, or the only one */
  readonly remote?: string;
  /** Transfers at once. @default 20 */
  readonly jobs?: number;
  /** The whole cache or remote, not only what records name. @default false */
  readonly all?: boolean;
  /** Push: compare each SHA-256. Fetch: download again what is here. Pull: overwrite files changed by hand. @default false */
  readonly force?: boolean;
  /** Push: also share what inputs led to. @default the setting `shared_run_cache` */
  readonly runCache?: boolean;
  /** Cancels the act; it rejects with the signal's reason, and what was moved is kept. */
  readonly signal?: AbortSignal;
  /** Told of progress. Must not throw. */
  readonly onEvent?: (event: SyncEvent) => void;
}

/** What an act did. */
export interface RepositoryResult extends SyncResult {
  /** Outputs that a pull checked out. */
  readonly restored: readonly string[];
  /** Outputs that a pull left alone, since they were changed by hand. */
  readonly modified: readonly string[];
}

/** An open project. Dispose it to close its database and workers. */
export interface Repository extends AsyncDisposable {
  /** Absolute path of the project. */
  readonly root: string;
  /** Sends the blobs that the remote lacks. @throws {PivotError} of kind `remote` if it cannot be asked; `no-remote` */
  push(options?: RepositoryCallOptions): Promise<RepositoryResult>;
  /** Fetches what the records name and checks it out. @throws {PivotError} as `push` does */
  pull(options?: RepositoryCallOptions): Promise<RepositoryResult>;
  /** Fetches into the cache alone. @throws {PivotError} as `push` does */
  fetch(options?: RepositoryCallOptions): Promise<RepositoryResult>;
  /** Pulls, then pushes. @throws {PivotError} as `push` does */
  sync(options?: RepositoryCallOptions): Promise<RepositoryResult>;
  /** How the records and the remote stand to each other. @throws {PivotError} as `push` does */
  status(
    options?: Pick<RepositoryCallOptions, "targets" | "remote" | "jobs" | "signal">,
  ): Promise<RemoteStatus>;
}

/**
 * Opens the project that holds a folder, to push and pull from a program.
 *
 * @param folder A path, absolute or relative to the current folder.
 * @returns The project; dispose it.
 * @throws {PivotError} `no-project` if there is none at or above `folder`.
 *
 * @example
 * ```ts
 * import { openRepository } from "@pivot/pivot";
 * const folder = Deno.makeTempDirSync();
 * Deno.mkdirSync(`${folder}/.pivot`);
 * Deno.writeTextFileSync(`${folder}/.pivot/config.yaml`, `remotes: { origin: "file://${folder}/shared" }\n`);
 * {
 *   await using repository = await openRepository(folder);
 *   const result = await repository.push({ jobs: 4, onEvent: (event) => console.log(event.type) });
 *   console.assert(result.success && result.pushed.length === 0);
 *   console.assert((await repository.status()).ahead.files === 0);
 * }
 * Deno.removeSync(folder, { recursive: true });
 * ```
 */
export async function openRepository(folder: string): Promise<Repository> {
  const { openProject } = await load<typeof import("./open_project.ts")>("./open_project.ts");
  const { readEnvironment } = await load<typeof import("../config/mod.ts")>("../config/mod.ts");
  const project = await openProject({ cwd: Deno.realPathSync(folder), environment: readEnvironment() });
  const act = async (
    names: readonly ("push" | "pull" | "fetch")[],
    options: RepositoryCallOptions = {},
  ): Promise<RepositoryResult> => {
    const transfer = await load<typeof import("./transfer.ts")>("./transfer.ts");
    const done: TransferResult[] = [];
    await using remote = await remoteFor(project, options);
    for (const name of names) done.push(await transfer[name](project, remote, transferOptions(options)));
    return merged(done);
  };
  return {
    root: project.root,
    push: (options) => act(["push"], options),
    pull: (options) => act(["pull"], options),
    fetch: (options) => act(["fetch"], options),
    sync: (options) => act(["pull", "push"], options),
    async status(options = {}) {
      const { recordedBlobs } = await load<typeof import("./transfer.ts")>("./transfer.ts");
      await using remote = await remoteFor(project, options);
      const blobs = await recordedBlobs(project, options.targets ?? []);
      return await remote.status(blobs, options.signal === undefined ? {} : { signal: options.signal });
    },
    [Symbol.asyncDispose]: () => project[Symbol.asyncDispose](),
  };
}

async function load<Module>(file: string): Promise<Module> {
  return await import(new URL(file, import.meta.url).href);
}

async function remoteFor(project: Project, options: RepositoryCallOptions): Promise<Remote> {
  options.signal?.throwIfAborted();
  const { openRemote } = await load<typeof import("./remotes.ts")>("./remotes.ts");
  return await openRemote(project, {
    ...(options.remote === undefined ? {} : { name: options.remote }),
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
  });
}

function transferOptions(options: RepositoryCallOptions) {
  const { targets, all, force, runCache, signal, onEvent } = options;
  return {
    targets: targets ?? [],
    all: all ?? false,
    force: force ?? false,
    ...(runCache === undefined ? {} : { runCache }),
    signal: signal ?? new AbortController().signal,
    onPlan: () => {},
    onEvent: onEvent ?? (() => {}),
  };
}

function merged(done: readonly TransferResult[]): RepositoryResult {
  const results = done.flatMap(({ result }) => result ?? []);
  const checkouts: CheckoutResult[] = done.flatMap(({ checkout }) => checkout ?? []);
  const all = <Value>(pick: (result: SyncResult) => readonly Value[]): Value[] => results.flatMap(pick);
  const sum = (pick: (result: SyncResult) => number): number => results.reduce((total, each) => total + pick(each), 0);
  const modified = checkouts.flatMap((checkout) => [...checkout.modified]);
  const shareErrors = done.flatMap(({ runs }) => runs?.errors ?? []);
  const errors = all<BlobFailure>((result) => result.errors);
  return {
    pushed: all<BlobRequest>((result) => result.pushed),
    pulled: all<BlobRequest>((result) => result.pulled),
    skipped: all<BlobRequest>((result) => result.skipped),
    bytesTransferred: sum((result) => result.bytesTransferred),
    errors,
    success: errors.length + shareErrors.length + modified.length === 0,
    durationMs: sum((result) => result.durationMs),
    restored: checkouts.flatMap((checkout) => [...checkout.restored]),
    modified,
  };
}
