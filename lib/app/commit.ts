// `pivot commit`: takes the outputs of `run --no-commit` as they are now into cache and record.

import type { Sight } from "../cache/mod.ts";
import { PivotError, type StageName } from "../core/mod.ts";
import { codesOf, recordStage, type Workspace } from "../engine/mod.ts";
import { selectTargets, type StageSpec } from "../pipeline/mod.ts";
import { newRunId } from "../state/mod.ts";
import { syncGitIgnore } from "./git_ignore.ts";
import type { Project } from "./open_project.ts";

/** What was committed. */
export interface CommitResult {
  readonly committed: readonly StageName[];
  /** Stages without all of their outputs. */
  readonly incomplete: readonly StageName[];
  readonly unchanged: readonly StageName[];
}

/** Records the workspace as it is for these stages; no targets = every stage whose outputs are all there. */
export async function commit(
  project: Project,
  targets: readonly string[],
  options: { readonly gitIgnore?: boolean } = {},
): Promise<CommitResult> {
  const loaded = await project.load({ inputsMayMiss: true });
  const workspace = project.workspace(loaded);
  const stages = selectTargets(loaded.pipeline, targets, { only: targets.length > 0 });
  await project.locks.load(stages.map((stage) => stage.name));
  const codes = await codesOf(workspace, stages);
  const requests = stages.flatMap((stage) => [...stage.deps, ...stage.outs]);
  const contents = await project.scanner.observe(
    requests.map(({ path, globs }) => ({ path, ...(globs === undefined ? {} : { globs }) })),
  );
  const result = { committed: [] as StageName[], incomplete: [] as StageName[], unchanged: [] as StageName[] };
  for (const spec of stages) {
    const code = codes.get(spec.name);
    if (code?.ok !== true) {
      throw code?.error ?? new PivotError(`stage "${spec.name}" has no code`, { code: "bug", kind: "bug" });
    }
    if (!isComplete(spec, contents)) result.incomplete.push(spec.name);
    else if (isRecorded(workspace, spec, contents) && !isPending(project, spec)) result.unchanged.push(spec.name);
    else {
      await recordStage(workspace, { spec, code: code.code, contents, runId: newRunId(new Date()) });
      result.committed.push(spec.name);
    }
  }
  if (options.gitIgnore !== false) await syncGitIgnore(project, loaded.pipeline);
  return result;
}

function isComplete(spec: StageSpec, contents: Sight): boolean {
  return [...spec.deps, ...spec.outs].every((item) => contents.get(item) !== undefined);
}

function isRecorded(
  workspace: Workspace,
  spec: StageSpec,
  contents: Sight,
): boolean {
  const lock = workspace.locks.get(spec.name);
  return lock !== undefined && lock.outs.every((out) => contents.get(out)?.hash === out.content.hash);
}

function isPending(project: Project, spec: StageSpec): boolean {
  return project.state.kv("pending").get(spec.name) !== undefined;
}
