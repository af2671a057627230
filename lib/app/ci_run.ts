// `pivot ci run`: a pipeline on a driver, its volumes kept in a store. Invariants: everything that can be known to be wrong is
// found before anything runs; the driver is gone when this returns, and everything that it made.

import {
  type CiEvent,
  type CiResult,
  type PipelinePlan,
  readPipeline,
  runPipeline,
  runTypeScriptPipeline,
  selectJobs,
} from "../ci/mod.ts";
import { messageOf, PivotError } from "../core/mod.ts";
import { createPool } from "../pool/mod.ts";
import { makeFolder, openGit, parentOf, safeJoin, statPath } from "../sys/mod.ts";
import {
  type ConflictPolicy,
  createVolumeCache,
  type DriverDsn,
  type DriverEvent,
  openDriver,
  parseDriverDsn,
  type PersistPolicy,
  type VolumeCache,
  type VolumeEvent,
} from "../volume/mod.ts";
import { checkForDriver } from "./ci_check.ts";
import { openArchiveScratch } from "./archive_scratch.ts";
import { openVolumeObjects } from "./volume_store.ts";

/** What a run tells. */
export type CiRunEvent = CiEvent | VolumeEvent | DriverEvent;

/** Options of {@linkcode runCi} and {@linkcode planCi}. */
export interface CiRunOptions {
  /** Absolute path of the pipeline: YAML by `.yml` and `.yaml`, else a module. */
  readonly file: string;
  /** Where tasks run, as typed. */
  readonly driver: string;
  /** Only this job of a YAML pipeline. */
  readonly job?: string;
  /** Values for `((name))`. */
  readonly variables: Readonly<Record<string, string>>;
  /** Those of `variables` that were typed, and ought to be used. */
  readonly params: readonly string[];
  /** Texts that must not be shown. */
  readonly secrets: readonly string[];
  /** @default "success" */
  readonly persist?: PersistPolicy;
  /** @default "newest" */
  readonly onConflict?: ConflictPolicy;
  /** Absolute path of a folder for archives and native tasks; made when needed. */
  readonly scratch: string;
  /** Reads a variable of the machine. */
  readonly environment: (name: string) => string | undefined;
  readonly signal: AbortSignal;
  readonly onEvent: (event: CiRunEvent) => void;
}

/** How it ended. `error` is what a TypeScript pipeline threw. */
export type CiRunResult = CiResult & { readonly error?: unknown };

/** Whether a pipeline is YAML; else it is a module. */
export function isYamlPipeline(file: string): boolean {
  return /\.ya?ml$/i.test(file);
}

/**
 * The plan of a YAML pipeline, checked whole, also against the driver that is to run it. Only the chosen job, if one is.
 *
 * @throws {PivotFindings} with every finding; {@linkcode PivotError} `no-pipeline`, `unknown-job`, `bad-dsn` (kind `usage`).
 */
export async function planCi(
  options: Pick<CiRunOptions, "file" | "driver" | "variables" | "params" | "job" | "onEvent">,
): Promise<PipelinePlan> {
  const { file, variables, params, onEvent } = options;
  const dsn = parseDriverDsn(options.driver);
  const folder = parentOf(file);
  const whole = await readPipeline(readText(file), {
    file: file.slice(file.lastIndexOf("/") + 1),
    variables,
    readFile: (path) => Deno.readTextFileSync(safeJoin(folder, path)),
    onUnused(name) {
      // A secret may be given only so that it is hidden.
      const message = `--param ${name} is used nowhere in the pipeline: there is no ((${name}))`;
      if (params.includes(name)) onEvent({ type: "warning", message });
    },
  });
  const plan = { jobs: selectJobs(whole, options.job) };
  for (const message of checkForDriver(plan, dsn)) onEvent({ type: "warning", message });
  return plan;
}

/** Runs a pipeline. Tasks that fail are part of the result. */
export async function runCi(options: CiRunOptions): Promise<CiRunResult> {
  const { signal, onEvent, secrets } = options;
  const dsn = parseDriverDsn(options.driver);
  const plan = isYamlPipeline(options.file) ? await planCi(options) : undefined;
  if (plan === undefined) checkModule(options.file);
  makeFolder(options.scratch);
  await using stack = new AsyncDisposableStack();
  const cache = await openCache(dsn, options, stack);
  const driver = stack.use(
    await openDriver(dsn, {
      scratch: options.scratch,
      environment: options.environment,
      signal,
      onEvent,
    }),
  );
  const common = { driver, secrets, signal, onEvent, ...(cache === undefined ? {} : { cache }) };
  if (plan === undefined) {
    return await runTypeScriptPipeline(new URL(`file://${encodePath(options.file)}`), common);
  }
  return await runPipeline(plan, common);
}

async function openCache(
  dsn: DriverDsn,
  options: CiRunOptions,
  stack: AsyncDisposableStack,
): Promise<VolumeCache | undefined> {
  const { cache } = dsn;
  if (cache === undefined) {
    if (options.persist === undefined && options.onConflict === undefined) return undefined;
    throw new PivotError("--persist and --on-conflict need a cache", {
      code: "bad-usage",
      kind: "usage",
      hint: `name a store, as in --driver='${dsn.driver}://?cache=s3://bucket'`,
    });
  }
  const store = stack.use(await openVolumeObjects(cache.storeUrl));
  const archives = stack.use(await openArchiveScratch(`${options.scratch}/archives`, options.signal));
  const places = [options.scratch, ...dsn.options["root"] === undefined ? [] : [dsn.options["root"]]];
  const pool = stack.use(createPool({ archive: { permissions: { read: places, write: places } } }));
  return createVolumeCache({
    store,
    pool,
    scratch: archives.path,
    storeUrl: cache.storeUrl,
    prefix: cache.prefix,
    compression: cache.compression,
    who: whoRuns(options),
    commit: await commitOf(options),
    onEvent: options.onEvent,
    ...(cache.ttlMs === undefined ? {} : { ttlMs: cache.ttlMs }),
    ...(options.persist === undefined ? {} : { persist: options.persist }),
    ...(options.onConflict === undefined ? {} : { onConflict: options.onConflict }),
  });
}

function whoRuns({ environment }: CiRunOptions): string {
  return `${environment("USER") ?? environment("USERNAME") ?? "unknown"}@${Deno.hostname()}`;
}

/** The commit that the pipeline is of; empty where there is none. */
async function commitOf({ file, environment }: CiRunOptions): Promise<string> {
  try {
    return await (await openGit(parentOf(file))).commit("HEAD");
  } catch (error) {
    if (!(error instanceof PivotError)) throw error;
    return environment("GITHUB_SHA") ?? environment("CI_COMMIT_SHA") ?? "";
  }
}

function readText(file: string): string {
  const refused = (why: string) =>
    new PivotError(why, {
      code: "no-pipeline",
      kind: "usage",
      hint: "name a file such as pipeline.yml or pipeline.ts",
    });
  const kind = statPath(file)?.kind;
  if (kind === undefined) throw refused(`there is no pipeline at "${file}"`);
  if (kind !== "file" && kind !== "symlink") throw refused(`"${file}" is no file`);
  try {
    return Deno.readTextFileSync(file);
  } catch (error) {
    throw refused(`cannot read the pipeline "${file}": ${messageOf(error)}`);
  }
}

function checkModule(file: string): void {
  readText(file);
  if (/\.[cm]?[jt]sx?$/i.test(file)) return;
  throw new PivotError(`"${file}" is neither YAML nor a module`, {
    code: "no-pipeline",
    kind: "usage",
    hint: "pipelines are files such as pipeline.yml, pipeline.ts or pipeline.js",
  });
}

function encodePath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
