// Wires one project together. The only place that builds the rooms' objects; disposing it closes the database and the workers.

import { type Cache, createCache, createScanner, type Scanner } from "../cache/mod.ts";
import { envDigests, type Environment, findProject, loadSettings, type Settings } from "../config/mod.ts";
import { type CheckoutMode, isJsonObject, type RelPath, type StepHook } from "../core/mod.ts";
import type { Workspace } from "../engine/mod.ts";
import { createFingerprinter, type Embedded, embeddedFingerprinter, type Fingerprinter } from "../fingerprint/mod.ts";
import { type LoadedPipeline, loadPipeline, parseSettings, PIVOT_TS } from "../pipeline/mod.ts";
import { createPool, type WorkerPool } from "../pool/mod.ts";
import { type Locks, openLocks, openState, openTracked, type State, type Tracked } from "../state/mod.ts";
import { makeFolder, statPath } from "../sys/mod.ts";

/** Options of {@linkcode openProject}. */
export interface OpenOptions {
  /** Absolute path of a folder in the project. */
  readonly cwd: string;
  readonly environment: Environment;
  /** Stages that are compiled into the program. */
  readonly embedded?: Embedded;
  /** Starts the program for one of them. */
  readonly selfCommand?: readonly [string, ...string[]];
  /** Transfers at once with a remote. @default 20 */
  readonly transferJobs?: number;
}

const DEFAULT_TRANSFERS = 20;
/** A cloud library takes about 100 MB in each worker, and four fill any line. */
const TRANSFER_WORKERS = Math.min(4, navigator.hardwareConcurrency);

/** An open project. */
export interface Project extends ProjectView, AsyncDisposable {
  /** The same project with its code looked at anew. */
  fresh(): ProjectView;
}

/** What commands use of a project. */
export interface ProjectView {
  readonly root: string;
  readonly settings: Settings;
  readonly state: State;
  readonly locks: Locks;
  /** Data that no stage makes. */
  readonly tracked: Tracked;
  readonly cache: Cache;
  readonly scanner: Scanner;
  readonly pool: WorkerPool;
  readonly fingerprints: Fingerprinter;
  /** Loads and checks the pipeline. */
  load(options?: LoadProjectOptions): Promise<LoadedPipeline>;
  /** The engine's view of a loaded pipeline. */
  workspace(loaded: LoadedPipeline, options?: { readonly checkoutMode?: CheckoutMode }): Workspace;
}

/** Options of {@linkcode Project.load}. */
export interface LoadProjectOptions {
  /** Nothing will run, so that what stages read may be missing. @default false */
  readonly inputsMayMiss?: boolean;
  /** Texts of `--set`. */
  readonly set?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Opens the project that holds `cwd`. */
export async function openProject(options: OpenOptions): Promise<Project> {
  const root = findProject(options.cwd);
  const state = await openState(`${root}/.pivot/state.lmdb`);
  const settings = await loadSettings(root, { cache: state.parsed, variables: options.environment.variables });
  const cacheRoot = settings.cacheDir.startsWith("/") ? settings.cacheDir : `${root}/${settings.cacheDir}`;
  const pool = createPool({
    hash: { permissions: { read: true } },
    // The credential chains of the cloud libraries read the environment and ask the system for its name.
    transfer: {
      permissions: { read: true, write: [cacheRoot, ...folderRemotes(settings)], net: true, env: true, sys: true },
      size: TRANSFER_WORKERS,
      jobsPerWorker: Math.ceil((options.transferJobs ?? DEFAULT_TRANSFERS) / TRANSFER_WORKERS),
    },
  });
  const cache = createCache({
    projectRoot: root,
    root: cacheRoot,
    modes: settings.cacheModes,
    index: state.files,
    pool,
  });
  const scanner = createScanner({ projectRoot: root, cacheRoot, index: state.files, pool });
  const base = {
    root,
    settings,
    state,
    locks: openLocks(root, state.parsed),
    tracked: openTracked(root, state.parsed),
    cache,
    scanner,
    pool,
  };
  return {
    ...view(base, options),
    fresh: () => view(base, options),
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await state[Symbol.asyncDispose]();
    },
  };
}

type Base = Omit<ProjectView, "fingerprints" | "load" | "workspace">;

/** The project as its sources are now: code that was looked at once is not looked at again. */
function view(base: Base, options: OpenOptions): ProjectView {
  const { root, state, settings } = base;
  const { embedded, selfCommand } = options;
  const sources = createFingerprinter({
    projectRoot: root,
    index: state.files,
    store: state.kv("analysis"),
    runtime: settings.fingerprintRuntime,
  });
  const hasSources = statPath(`${root}/${PIVOT_TS}`) !== undefined;
  const fingerprints = embedded === undefined ? sources : embeddedFingerprinter(embedded, sources, hasSources);
  const deno = denoProgram();
  const { locks, tracked, cache, scanner } = base;
  return {
    ...base,
    fingerprints,
    load: async (loadOptions = {}) =>
      await load({
        tracked: [...(await tracked.load()).keys()],
        root,
        state,
        fingerprints,
        deno,
        ...(embedded === undefined ? {} : { embedded }),
      }, loadOptions),
    workspace: ({ pipeline }, { checkoutMode } = {}) => ({
      projectRoot: root,
      pipeline,
      state,
      locks,
      tracked,
      cache,
      scanner,
      fingerprints,
      envDigests,
      deno,
      ...(selfCommand === undefined ? {} : { selfCommand }),
      ...(checkoutMode === undefined ? {} : { checkoutMode }),
      ...crashHook(options.environment),
    }),
  };
}

/** Folders that are remotes: transfer workers write there too. */
function folderRemotes(settings: Settings): string[] {
  return Object.values(settings.remotes).flatMap((value) => {
    const url = isJsonObject(value) ? value.url : value;
    return typeof url === "string" && url.startsWith("file://") ? [decodeURIComponent(new URL(url).pathname)] : [];
  });
}

function load(
  use: {
    tracked: readonly RelPath[];
    root: string;
    state: State;
    fingerprints: Fingerprinter;
    deno: string;
    embedded?: Embedded;
  },
  options: LoadProjectOptions,
): Promise<LoadedPipeline> {
  return loadPipeline({
    projectRoot: use.root,
    graphDigest: async (module: RelPath, onStale: () => Promise<void>) => {
      await use.fingerprints.prepareGraph(module, onStale);
      return use.fingerprints.moduleGraph(module).digest;
    },
    graphSettledAt: (module: RelPath, timeMs: number) => use.fingerprints.graphSettledAt(module, timeMs),
    declarations: use.state.kv("declarations"),
    parsed: use.state.parsed,
    recorded: use.tracked,
    missingAllowed: options.inputsMayMiss ?? false,
    settings: parseSettings(options.set ?? []),
    deno: use.deno,
    ...(use.embedded === undefined ? {} : { embedded: use.embedded.stages }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** The `deno` that stages run with: ourselves, or the one on PATH when we are a compiled binary. */
function denoProgram(): string {
  return Deno.build.standalone ? "deno" : Deno.execPath();
}

/** Lets a crash test kill the process at a named step. */
function crashHook(environment: Environment): { onStep?: StepHook } {
  const { crashAt } = environment;
  if (crashAt === undefined) return {};
  return { onStep: (step) => void (step === crashAt && Deno.kill(Deno.pid, "SIGKILL")) };
}

/** Makes the folders that a project needs; harmless when they are there. */
export function makeProjectFolders(root: string): void {
  for (const folder of [".pivot", ".pivot/stages"]) makeFolder(`${root}/${folder}`);
}
