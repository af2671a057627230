// `pivot verify`: would a run execute nothing, and is every blob what its name says?
// Invariant: asks the very decision that `run` makes; nothing is executed, restored or recorded.

import type { VerifyResult } from "../cache/mod.ts";
import type { Content, RelPath } from "../core/mod.ts";
import { assertSound, codesOf, type Decision, planRun, withTracked, type Workspace } from "../engine/mod.ts";
import type { Pipeline } from "../pipeline/mod.ts";
import type { Project } from "./open_project.ts";

/** Options of {@linkcode verifyStages}. */
export interface VerifyStagesOptions {
  /** What is recorded and not here counts as being here: blobs may be on a remote alone. @default false */
  readonly allowMissing?: boolean;
  readonly signal?: AbortSignal;
}

/** Stages that a run would execute, out of all. */
export interface StagesVerdict {
  readonly stages: number;
  /** Decisions that are neither skip nor restore. */
  readonly wouldRun: readonly Decision[];
  readonly warnings: readonly string[];
}

/** Decides about every stage. @throws {PivotFindings} for code that cannot be read. */
export async function verifyStages(project: Project, options: VerifyStagesOptions): Promise<StagesVerdict> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const loaded = await project.load({ inputsMayMiss: options.allowMissing ?? false, ...signal });
  const { stages } = loaded.pipeline;
  const found = project.workspace(loaded);
  await project.locks.load(stages.map((stage) => stage.name));
  const workspace = options.allowMissing === true
    ? asRecorded(found, recordedContents(project, loaded.pipeline))
    : found;
  const plan = await planRun(workspace, { stages, ...signal });
  await project.state.commit();
  assertSound(await codesOf(workspace, stages));
  return {
    stages: stages.length,
    wouldRun: [...plan.decisions.values()].filter(({ verdict }) => verdict !== "skip" && verdict !== "restore"),
    warnings: [...loaded.warnings, ...plan.warnings.map(({ stage, message }) => `${stage}: ${message}`)],
  };
}

/** Hashes every blob of the cache again. */
export async function verifyCache(project: Project, signal: AbortSignal): Promise<VerifyResult> {
  const result = await project.cache.verify({ signal });
  await project.state.commit();
  return result;
}

/** What records say of outputs, and of dependencies that no stage makes. */
function recordedContents(project: Project, pipeline: Pipeline): ReadonlyMap<RelPath, Content> {
  const locks = pipeline.stages.flatMap(({ name }) => project.locks.get(name) ?? []);
  const outs = locks.flatMap((lock) => lock.outs.map(({ path, content }) => [path, content] as const));
  const deps = locks.flatMap((lock) => lock.deps.map(({ path, content }) => [path, content] as const));
  return new Map([...deps, ...outs]);
}

function asRecorded(workspace: Workspace, recorded: ReadonlyMap<RelPath, Content>): Workspace {
  const { scanner, projectRoot } = workspace;
  return {
    ...workspace,
    scanner: {
      ...scanner,
      observe: async (requests, options) =>
        withTracked(await scanner.observe(requests, options), recorded, projectRoot),
    },
  };
}
