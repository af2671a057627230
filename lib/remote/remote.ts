// A remote as programs use it: a name, a place, and the acts on it.

import type { Digest } from "../core/mod.ts";
import type { WorkerPool } from "../pool/mod.ts";
import type { Backend, ObjectInfo } from "./backends/backend.ts";
import { openBackend } from "./backends/open.ts";
import { executePlan, type SyncEvent, type SyncResult } from "./execute.ts";
import { blobKey, BLOBS } from "./keys.ts";
import { claimBlobs, isFreshlyClaimed } from "./claims.ts";
import { confirmIdentity, ensureIdentity, isFreshlyKnown } from "./identity.ts";
import { type KnownBlobs, knownBlobs, memoryTable } from "./known.ts";
import { DEFAULT_JOBS, MAX_TRIES, STALL_MS } from "./limits.ts";
import { locationId, type LocationOptions, parseLocation, type RemoteLocation, showLocation } from "./location.ts";
import { planPull, planPush, type SyncPlan } from "./plan.ts";
import type { BlobRequest, BlobStore, KeyValue, Transfers } from "./ports.ts";
import { pullRun, pushRun, type SharedRun, type SharedRunOptions } from "./shared_runs.ts";
import { inlineTransfers, poolTransfers } from "./transfers.ts";
import { type RemoteStatus, remoteStatus } from "./status.ts";

/** Beside the URL: the way there, and what happens by itself. */
export interface RemoteConfigOptions extends LocationOptions {
  /** Push after each run. @default false */
  readonly autoPush?: boolean;
  /** Fetch what a skip needs while running. @default false */
  readonly autoPull?: boolean;
}

/**
 * A named remote as the settings describe it.
 *
 * @example
 * ```ts
 * import { RemoteConfig } from "@pivot/pivot/remote";
 * const config = RemoteConfig.fromUrl("origin", "s3://bucket/models?region=eu-central-1");
 * console.assert(config.url === "s3://bucket/models");
 * ```
 */
export class RemoteConfig {
  /** What people call it. */
  readonly name: string;
  /** Where it is. */
  readonly location: RemoteLocation;
  /** Push after each run. */
  readonly autoPush: boolean;
  /** Fetch what a skip needs while running. */
  readonly autoPull: boolean;

  private constructor(name: string, location: RemoteLocation, options: RemoteConfigOptions) {
    this.name = name;
    this.location = location;
    this.autoPush = options.autoPush ?? false;
    this.autoPull = options.autoPull ?? false;
  }

  /** Parses a URL. @throws {PivotError} `bad-remote-url` or `credentials-in-url` (kind `usage`) */
  static fromUrl(name: string, url: string, options: RemoteConfigOptions = {}): RemoteConfig {
    return new RemoteConfig(name, parseLocation(url, options), options);
  }

  /** The URL, without the options of the way there. */
  get url(): string {
    return showLocation(this.location);
  }
}

/** What a {@linkcode Remote} works with. */
export interface RemoteOptions {
  /** The local side. */
  readonly store: BlobStore;
  /** Has `transfer` workers. @default transfers happen in this thread */
  readonly pool?: WorkerPool;
  /** Remembers what the remote has. @default nothing is remembered */
  readonly table?: KeyValue;
  /** Transfers and requests at once. @default 20 */
  readonly jobs?: number;
  /** Use this backend instead of opening the place of the settings; transfers then happen in this thread. */
  readonly backend?: Backend;
}

/** Options of one act. */
export interface RemoteCallOptions {
  /** Cancels the act; what was moved is kept. */
  readonly signal?: AbortSignal;
  /** Told of progress. */
  readonly onEvent?: (event: SyncEvent) => void;
  /** Push: told when the gc of somebody else must end first. */
  readonly onWait?: () => void;
  /** Push: milliseconds between two looks at whether it ended. @default 1000 */
  readonly pollMs?: number;
  /** Push: distrust what is known, and compare each SHA-256. Fetch: download again what is here. @default false */
  readonly force?: boolean;
}

/**
 * A remote that can be talked to. Dispose it to close its connections.
 *
 * @example
 * ```ts
 * import { directoryStore, Remote, RemoteConfig } from "@pivot/pivot/remote";
 * const folder = Deno.makeTempDirSync();
 * const config = RemoteConfig.fromUrl("backup", `file://${folder}/remote`);
 * await using remote = await Remote.fromConfig(config, { store: directoryStore(`${folder}/cache`) });
 * const result = await remote.push([]);
 * console.assert(result.success);
 * Deno.removeSync(folder, { recursive: true });
 * ```
 */
export class Remote implements AsyncDisposable {
  /** Its settings. */
  readonly config: RemoteConfig;
  /** The place itself, for upkeep. */
  readonly backend: Backend;
  readonly #options: RemoteOptions;
  readonly #transfers: Transfers;
  readonly #known: KnownBlobs;

  private constructor(config: RemoteConfig, backend: Backend, options: RemoteOptions) {
    this.config = config;
    this.backend = backend;
    this.#options = options;
    this.#known = knownBlobs(options.table ?? memoryTable(), locationId(config.location));
    const { pool } = options;
    this.#transfers = pool === undefined || options.backend !== undefined
      ? inlineTransfers(backend)
      : poolTransfers(pool, { location: config.location, jobs: this.jobs });
  }

  /** Opens a remote; asks nothing of it yet. @throws {PivotError} of kind `remote` where credentials are missing */
  static async fromConfig(config: RemoteConfig, options: RemoteOptions): Promise<Remote> {
    const sockets = options.jobs ?? DEFAULT_JOBS;
    const how = { url: config.url, sockets, stallMs: STALL_MS, tries: MAX_TRIES };
    return new Remote(config, options.backend ?? await openBackend(config.location, how), options);
  }

  /** Transfers at once. */
  get jobs(): number {
    return this.#options.jobs ?? DEFAULT_JOBS;
  }

  /** What it is known to have. */
  get known(): KnownBlobs {
    return this.#known;
  }

  /**
   * What a push would do. Unless it is only to be shown, the blobs are claimed first, so that no gc removes what is there already
   * before {@linkcode execute} and the commit that names it.
   *
   * @throws {PivotError} of kind `remote` if it cannot be asked
   */
  async planPush(
    blobs: readonly BlobRequest[],
    call: RemoteCallOptions & { readonly dryRun?: boolean } = {},
  ): Promise<SyncPlan> {
    const { store } = this.#options;
    const { backend, known } = this;
    const digests = [...new Set(blobs.map(({ digest }) => digest))];
    const mayRely = isFreshlyKnown(known) && digests.every((digest) => known.has(digest)) &&
      (call.dryRun === true || isFreshlyClaimed(known, digests));
    if (digests.length > 0 && !mayRely) {
      const claim = call.dryRun === true ? undefined : await claimBlobs(digests, { ...call, backend });
      await confirmIdentity({ backend, known, ...signalOf(call) });
      if (claim !== undefined) known.claim(claim, Date.now());
    }
    return await planPush(blobs, { ...call, backend: this.backend, store, known: this.known, jobs: this.jobs });
  }

  /** What a pull would do. */
  planPull(blobs: readonly BlobRequest[], call: Pick<RemoteCallOptions, "force"> = {}): SyncPlan {
    return planPull(blobs, { ...call, url: this.config.url, store: this.#options.store });
  }

  /** Carries a plan out. @throws the signal's reason; failures of blobs are in the result */
  async execute(plan: SyncPlan, call: RemoteCallOptions = {}): Promise<SyncResult> {
    const { store } = this.#options;
    const { backend, known, jobs } = this;
    const result = await executePlan(plan, { ...call, transfers: this.#transfers, store, known, jobs });
    if (plan.direction === "push" && result.pushed.length + result.skipped.length > 0) {
      await ensureIdentity({ backend, known, ...signalOf(call) });
    }
    return result;
  }

  /** Sends what it lacks. */
  async push(blobs: readonly BlobRequest[], call: RemoteCallOptions = {}): Promise<SyncResult> {
    return await this.execute(await this.planPush(blobs, call), call);
  }

  /** Fetches what is not here into the cache. */
  async fetch(blobs: readonly BlobRequest[], call: RemoteCallOptions = {}): Promise<SyncResult> {
    return await this.execute(this.planPull(blobs, call), call);
  }

  /** Fetches what is not here, then calls `checkout` if everything came. */
  async pull(
    blobs: readonly BlobRequest[],
    call: RemoteCallOptions & { readonly checkout?: () => Promise<void> } = {},
  ): Promise<SyncResult> {
    const result = await this.fetch(blobs, call);
    if (result.success) await call.checkout?.();
    return result;
  }

  /** What is known of one blob there; undefined if it is not there. */
  info(digest: Digest, call: { readonly signal?: AbortSignal } = {}): Promise<ObjectInfo | undefined> {
    return this.backend.head(blobKey(digest), call);
  }

  /** Whether a blob is there. */
  async has(digest: Digest, call: { readonly signal?: AbortSignal } = {}): Promise<boolean> {
    return await this.info(digest, call) !== undefined;
  }

  /** Everything below `files/`, ours or not. */
  list(call: { readonly signal?: AbortSignal } = {}): AsyncIterable<ObjectInfo> {
    return this.backend.list(BLOBS, call);
  }

  /** How the workspace and the remote stand to each other. */
  status(blobs: readonly BlobRequest[], call: { readonly signal?: AbortSignal } = {}): Promise<RemoteStatus> {
    const { backend, known, jobs } = this;
    return remoteStatus(blobs, { ...call, backend, known, store: this.#options.store, jobs });
  }

  /** Shares what inputs led to; `incomplete` if a blob that the entry names is not there. */
  async pushRun(run: SharedRun, call: SharedRunOptions = {}): Promise<"stored" | "exists" | "incomplete"> {
    if (this.known.hasRun(run.input)) return "exists";
    const done = await pushRun(this.backend, run, { jobs: this.jobs, ...call });
    if (done !== "incomplete") this.known.addRun(run.input);
    return done;
  }

  /** What others made of these inputs; undefined if nobody shared it or the remote lacks part of it. */
  pullRun(input: Digest, call: SharedRunOptions = {}): Promise<SharedRun | undefined> {
    return pullRun(this.backend, input, { jobs: this.jobs, ...call });
  }

  /** Closes its connections. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve(this.backend[Symbol.asyncDispose]());
  }
}

function signalOf(call: { readonly signal?: AbortSignal }): { signal?: AbortSignal } {
  return call.signal === undefined ? {} : { signal: call.signal };
}
