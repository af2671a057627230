// `pivot verify`: would a run execute nothing, and is every blob what its name says?
// Invariant: asks the very decision that `run` makes; nothing is executed, restored or recorded.

import type { VerifyResult } from "../cache/mod.ts";
import { byCodeUnit, type Content, type Digest, type FileContent, plural, type RelPath } from "../core/mod.ts";
import { assertSound, codesOf, type Decision, planRun, withTracked, type Workspace } from "../engine/mod.ts";
import type { Pipeline } from "../pipeline/mod.ts";
import { statPath } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";
import { recordedItems, selectRecorded } from "./recorded.ts";

/** Options of {@linkcode verifyStages}. */
export interface VerifyStagesOptions {
  /** What is recorded need not be here, if the cache or the default remote has it. @default false */
  readonly allowMissing?: boolean;
  readonly signal?: AbortSignal;
}

/** Stages that a run would execute, out of all. */
export interface StagesVerdict {
  readonly stages: number;
  /** Decisions that are neither skip nor restore. */
  readonly wouldRun: readonly Decision[];
  /** Recorded files that are neither here nor on the remote; only looked for with `allowMissing`. */
  readonly lost: readonly string[];
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
    ? asRecorded(found, await recordedContents(project, loaded.pipeline))
    : found;
  const plan = await planRun(workspace, { stages, ...signal });
  const missing = options.allowMissing === true ? await missingFiles(project, loaded.pipeline) : [];
  const { lost, note } = await lookOnRemote(project, missing, signal);
  await project.state.commit();
  assertSound(await codesOf(workspace, stages));
  return {
    stages: stages.length,
    wouldRun: [...plan.decisions.values()].filter(({ verdict }) => verdict !== "skip" && verdict !== "restore"),
    lost,
    warnings: [...note, ...loaded.warnings, ...plan.warnings.map(({ stage, message }) => `${stage}: ${message}`)],
  };
}

/** Hashes every blob of the cache again. */
export async function verifyCache(project: Project, signal: AbortSignal): Promise<VerifyResult> {
  const result = await project.cache.verify({ signal });
  await project.state.commit();
  return result;
}

/** One file that is recorded and neither in the workspace nor in the cache. */
interface MissingFile {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly label: string;
}

async function missingFiles(project: Project, pipeline: Pipeline): Promise<MissingFile[]> {
  const items = await recordedItems(project, await selectRecorded(project, pipeline, []));
  const absent = items.filter(({ path }) => statPath(`${project.root}/${path}`) === undefined);
  await project.cache.audit(absent.map(({ content }) => content));
  return absent.flatMap(({ path, content }) =>
    filesIn(content).filter((file) => !project.cache.has(file))
      .map(({ hash, size }) => ({ digest: hash, size, label: path }))
  );
}

function filesIn(content: Content): FileContent[] {
  if (content.type === "file") return [content];
  return content.files.flatMap((entry) => entry.type === "file" ? [entry] : []);
}

/** Without a remote, records are taken at their word, which is said. */
async function lookOnRemote(
  project: Project,
  missing: readonly MissingFile[],
  call: { readonly signal?: AbortSignal },
): Promise<{ readonly lost: readonly string[]; readonly note: readonly string[] }> {
  if (missing.length === 0) return { lost: [], note: [] };
  if (Object.keys(project.settings.remotes).length === 0) {
    const files = plural(missing.length, "recorded file");
    return { lost: [], note: [`${files} not here, and no remote to look for them on: the records are believed`] };
  }
  const { openRemote } = await import("./remotes.ts");
  await using remote = await openRemote(project, { distrust: true });
  // A push of what is not here can only find it there, or fail.
  const { failures } = await remote.planPush(missing, { ...call, dryRun: true });
  return { lost: [...new Set(failures.map(({ blob }) => blob.label))].sort(byCodeUnit), note: [] };
}

/** What records say of outputs, of tracked data, and of dependencies that no stage makes. */
async function recordedContents(project: Project, pipeline: Pipeline): Promise<ReadonlyMap<RelPath, Content>> {
  const locks = pipeline.stages.flatMap(({ name }) => project.locks.get(name) ?? []);
  const outs = locks.flatMap((lock) => lock.outs.map(({ path, content }) => [path, content] as const));
  const deps = locks.flatMap((lock) => lock.deps.map(({ path, content }) => [path, content] as const));
  return new Map([...deps, ...await project.tracked.load(), ...outs]);
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
