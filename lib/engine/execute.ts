// One stage, from removed outputs to a written record. Invariants: nothing is recorded unless the stage ended well, made all
// its outputs and its inputs are still what they were; what was there before is gone only when the stage starts.

import type { State } from "../state/mod.ts";
import { pathToFileURL } from "node:url";
import type { Sight } from "../cache/mod.ts";
import { type JsonObject, PivotError, type RelPath, type StageName } from "../core/mod.ts";
import type { StageCode } from "../fingerprint/mod.ts";
import { configFlags, escapeList, readDenoConfig, type StageSpec, taskCommand } from "../pipeline/mod.ts";
import { delay, makeFolder, parentOf, removeTree, statPath, TICK_MS } from "../sys/mod.ts";
import { inputDigest } from "./decide.ts";
import { claimIncremental, prepareIncremental, refuseUnrecorded, releaseIncremental } from "./incremental.ts";
import { codesOf } from "./plan.ts";
import { depContents, lockOf, outContents, runCacheEntryOf } from "./record.ts";
import type { RunLog } from "./run_log.ts";
import { runStageProcess, type StageProcessOptions, type StageRequest } from "./stage_process.ts";
import { missingTracked } from "./with_tracked.ts";
import type { Workspace } from "./workspace.ts";
import type { Digest } from "../core/mod.ts";

/** Options of {@linkcode executeAndRecord}. */
export interface ExecuteOptions {
  readonly spec: StageSpec;
  readonly runId: string;
  readonly inputDigest: Digest;
  /** Code identity that was decided upon. */
  readonly code: StageCode;
  /** Contents as they were decided upon. */
  readonly contents: Sight;
  readonly signal: AbortSignal;
  readonly log: RunLog;
  /** Keep outputs out of the cache and the record for `pivot commit`. */
  readonly noCommit: boolean;
  readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
  readonly onProgress: (fraction: number | null, message: string) => void;
  readonly onAttempt: (attempt: number) => void;
}

/** Runs the stage, with its retries, and records it. Throws what went wrong. */
export async function executeAndRecord(workspace: Workspace, options: ExecuteOptions): Promise<void> {
  const { spec } = options;
  await bringTracked(workspace, options);
  await refuseUnrecorded(workspace, options);
  await claimIncremental(workspace, spec);
  for (let attempt = 1;; attempt++) {
    options.onAttempt(attempt);
    prepareOutputs(workspace, options);
    workspace.onStep?.("outputs-removed");
    try {
      await runStageProcess(await processOptions(workspace, options));
      break;
    } catch (error) {
      if (options.signal.aborted || attempt > spec.retries) throw error;
      options.onLine(`attempt ${attempt} failed: ${(error as Error).message}; trying again`, "stderr");
    }
  }
  workspace.onStep?.("outputs-written");
  await record(workspace, options);
}

/** Tracked data that the stage reads and that is not here comes from the cache. */
async function bringTracked(workspace: Workspace, { spec, signal }: ExecuteOptions): Promise<void> {
  const missing = missingTracked(await workspace.tracked.load(), spec.deps, workspace.projectRoot);
  if (missing.length === 0) return;
  await workspace.cache.audit(missing.map(({ content }) => content), signal);
  const lost = missing.find(({ content }) => !workspace.cache.has(content));
  if (lost !== undefined) {
    throw new PivotError(`dependency "${lost.path}" is tracked, but its content is neither here nor in the cache`, {
      code: "blob-missing",
      hint: `\`pivot pull ${lost.path}\` fetches it from a remote`,
    });
  }
  workspace.cache.checkout(missing);
}

/** Old outputs go, so that what is there afterwards was made by this run; incremental ones come back as copies. */
function prepareOutputs(workspace: Workspace, { spec }: ExecuteOptions): void {
  for (const out of spec.outs) {
    const absolute = `${workspace.projectRoot}/${out.path}`;
    if (out.kind === "incremental") prepareIncremental(workspace, spec, out);
    else if (!out.persist && out.globs === undefined) removeTree(absolute);
    else if (statPath(absolute)?.kind === "file") unlinkFromCache(absolute);
    makeFolder(out.directory && out.globs === undefined && out.kind !== "incremental" ? absolute : parentOf(absolute));
  }
}

/** A file that stays in place must not be written through into the cache. */
function unlinkFromCache(absolute: string): void {
  const bytes = Deno.readFileSync(absolute);
  removeTree(absolute);
  Deno.writeFileSync(absolute, bytes);
}

async function processOptions(workspace: Workspace, options: ExecuteOptions): Promise<StageProcessOptions> {
  const { spec } = options;
  const common = {
    projectRoot: workspace.projectRoot,
    spec,
    cwd: workspace.projectRoot,
    env: { PIVOT_STAGE: spec.name, PIVOT_PARAMS: JSON.stringify(spec.params) },
    signal: options.signal,
    onLine: options.onLine,
    onProgress: options.onProgress,
  };
  const { action } = spec;
  if (action.type === "command") return { ...common, command: shellOf(action.command) };
  if (action.type === "task") {
    const config = await readDenoConfig(workspace.projectRoot, workspace.state.parsed);
    // The text alone: `deno task NAME` would run the dependencies again, which are stages of their own.
    const text = taskCommand(config, action.task);
    return { ...common, command: [workspace.deno, "task", "--quiet", "--eval", text] };
  }
  const request: StageRequest = {
    nonce: crypto.randomUUID(),
    module: pathToFileURL(`${workspace.projectRoot}/${action.module}`).href,
    export: action.export,
    stage: spec.name,
    deps: absolutePaths(workspace, spec.deps),
    outs: absolutePaths(workspace, spec.outs),
    params: spec.params as JsonObject,
  };
  const { selfCommand } = workspace;
  if (selfCommand !== undefined) {
    if (spec.permissions !== "inherit") throw permissionsCompiled(spec);
    return { ...common, request, command: selfCommand, requestAsJson: true };
  }
  const flags = permissionFlags(workspace, spec);
  return {
    ...common,
    request,
    command: [
      workspace.deno,
      "run",
      "--no-check",
      "--no-prompt",
      "--quiet",
      ...configFlags(workspace.projectRoot),
      ...flags,
      "-",
    ],
  };
}

function permissionsCompiled(spec: StageSpec): PivotError {
  return new PivotError(`stage "${spec.name}" has permissions of its own, which a compiled program cannot give it`, {
    code: "permissions-compiled",
    kind: "invalid",
    spot: spec.spot,
    hint: "run it from its sources, or remove the permissions",
  });
}

function shellOf(command: string | readonly [string, ...string[]]): readonly [string, ...string[]] {
  if (typeof command !== "string") return command;
  return Deno.build.os === "windows" ? ["cmd", "/d", "/s", "/c", command] : ["/bin/sh", "-c", command];
}

function absolutePaths(
  workspace: Workspace,
  items: readonly { name: string; path: RelPath }[],
): Record<string, string> {
  return Object.fromEntries(items.map(({ name, path }) => [name, `${workspace.projectRoot}/${path}`]));
}

/** Deno's flags for what the stage may do. */
function permissionFlags(workspace: Workspace, spec: StageSpec): string[] {
  const { permissions } = spec;
  if (permissions === "inherit") return ["--allow-all"];
  if (permissions !== "declared") return customFlags(permissions);
  // Importing needs no permission: the modules are named in the program itself.
  const at = (path: string) => escapeList(`${workspace.projectRoot}/${path}`);
  const outs = spec.outs.map((out) => at(out.path));
  const reads = [...spec.deps.map((dep) => at(dep.path)), ...outs];
  return [
    ...(reads.length > 0 ? [`--allow-read=${[...new Set(reads)].join(",")}`] : []),
    ...(outs.length > 0 ? [`--allow-write=${outs.join(",")}`] : []),
    ...(spec.env.length > 0 ? [`--allow-env=${spec.env.map(escapeList).join(",")}`] : []),
  ];
}

function customFlags(permissions: Readonly<Record<string, boolean | readonly string[]>>): string[] {
  return Object.entries(permissions).flatMap(([name, value]) => {
    if (value === false || (Array.isArray(value) && value.length === 0)) return [];
    return value === true
      ? [`--allow-${name}`]
      : [`--allow-${name}=${(value as readonly string[]).map(escapeList).join(",")}`];
  });
}

async function record(workspace: Workspace, options: ExecuteOptions): Promise<void> {
  const { spec } = options;
  await settle(workspace, spec);
  const requests = [...spec.deps, ...spec.outs].map(({ path, globs }) => ({
    path,
    ...(globs === undefined ? {} : { globs }),
  }));
  const contents = await workspace.scanner.observe(requests, { signal: options.signal });
  assertInputsSame(spec, options.contents, contents);
  const after = (await codesOf(workspace, [spec])).get(spec.name);
  if (after?.ok !== true || after.code.digest !== options.code.digest) throw codeChanged(spec);
  if (options.noCommit) {
    const recording = {
      spec,
      code: options.code,
      deps: depContents(spec, contents),
      outs: outContents(spec, contents),
    };
    workspace.state.kv("pending").put(
      spec.name,
      new TextEncoder().encode(JSON.stringify(lockOf(workspace, recording))),
    );
    return await workspace.state.commit();
  }
  await recordStage(workspace, {
    spec,
    code: options.code,
    contents,
    runId: options.runId,
    inputDigest: options.inputDigest,
  });
}

/** How often a stage was recorded on this machine since its state was last rebuilt. */
export function generationOf(state: State, stage: StageName): number {
  const bytes = state.kv("generations").get(stage);
  return bytes === undefined ? 0 : Number(new TextDecoder().decode(bytes));
}

/** What {@linkcode recordStage} records. */
export interface RecordOptions {
  readonly spec: StageSpec;
  readonly code: StageCode;
  readonly contents: Sight;
  readonly runId: string;
  /** Identity of the inputs; worked out when absent. */
  readonly inputDigest?: Digest;
}

/** Stores the outputs that are in the workspace and writes the record. */
export async function recordStage(workspace: Workspace, options: RecordOptions): Promise<void> {
  const { spec, contents } = options;
  const outs = outContents(spec, contents);
  const lock = lockOf(workspace, { spec, code: options.code, deps: depContents(spec, contents), outs });
  workspace.cache.store(outs.filter((out) => out.cache && out.kind !== "incremental"));
  workspace.cache.storeCopies(outs.filter((out) => out.cache && out.kind === "incremental"));
  workspace.onStep?.("blobs-stored");
  workspace.locks.put(spec.name, lock);
  workspace.onStep?.("lock-written");
  const input = options.inputDigest ?? inputDigest({
    spec,
    env: workspace.envDigests(spec.env),
    contentOf: (at) => contents.get(at),
  }, options.code.digest);
  workspace.state.runs.put(input, runCacheEntryOf(workspace, outs, options.runId));
  releaseIncremental(workspace, spec);
  workspace.state.kv("pending").delete(spec.name);
  const generations = workspace.state.kv("generations");
  generations.put(spec.name, new TextEncoder().encode(String(generationOf(workspace.state, spec.name) + 1)));
  await workspace.state.commit();
  workspace.onStep?.("state-committed");
}

/** Waits out the clock's tick after the last write, so that the hashes of outputs can be trusted next time. */
async function settle(workspace: Workspace, spec: StageSpec): Promise<void> {
  const now = Date.now();
  const newest = Math.max(0, ...spec.outs.map((out) => statPath(`${workspace.projectRoot}/${out.path}`)?.mtimeMs ?? 0));
  // A time in the future is nothing to wait for: such a hash is simply not trusted.
  if (newest <= now && now - newest < TICK_MS) await delay(TICK_MS + 1 - (now - newest));
}

function codeChanged(spec: StageSpec): PivotError {
  return new PivotError(`the code of stage "${spec.name}" changed while it ran; the run is not recorded`, {
    code: "code-changed",
    hint: "run again",
  });
}

function assertInputsSame(
  spec: StageSpec,
  before: Sight,
  now: Sight,
): void {
  for (const dep of spec.deps) {
    if (spec.outs.some((out) => out.path === dep.path)) continue;
    if (before.get(dep)?.hash === now.get(dep)?.hash) continue;
    throw new PivotError(`dependency "${dep.path}" changed while stage "${spec.name}" ran; the run is not recorded`, {
      code: "dependency-changed",
      hint: "run again when nothing else writes to it",
    });
  }
}
