// What the records of this workspace name: outputs of stages and tracked data. Invariant: everything that pushes, pulls, checks
// out or removes asks here, so that none of them forgets a kind of record.

import type { Content, RelPath, StageName } from "../core/mod.ts";
import { type Pipeline, selectTargets, type StageSpec } from "../pipeline/mod.ts";
import type { BlobRequest } from "../remote/mod.ts";
import type { Project } from "./open_project.ts";

/** One recorded path. */
export interface RecordedItem {
  readonly path: RelPath;
  readonly content: Content;
  /** Who makes it; absent for tracked data. */
  readonly stage?: StageName;
  /** It is checked out as a copy that may be written to. */
  readonly writable: boolean;
}

/** Stages and tracked paths that targets name. */
export interface Selection {
  readonly stages: readonly StageSpec[];
  readonly tracked: readonly RelPath[];
}

/**
 * What `targets` mean: stage names, patterns, outputs, tracked paths, folders that hold tracked paths. None = everything.
 *
 * @throws {PivotError} `unknown-stage` (kind `usage`) for a target that is none of these.
 */
export async function selectRecorded(
  project: Project,
  pipeline: Pipeline,
  targets: readonly string[],
): Promise<Selection> {
  const known = [...(await project.tracked.load()).keys()];
  if (targets.length === 0) return { stages: pipeline.stages, tracked: known };
  const tracked = new Set<RelPath>();
  const others: string[] = [];
  for (const target of targets) {
    const path = target.replace(/^\.\//, "").replace(/\/$/, "");
    const found = known.filter((each) => each === path || each.startsWith(`${path}/`));
    for (const each of found) tracked.add(each);
    if (found.length === 0) others.push(target);
  }
  const stages = others.length === 0 ? [] : selectTargets(pipeline, others, { only: true });
  return { stages, tracked: [...tracked] };
}

/** Cached outputs and tracked data that the records of these targets name. */
export async function recordedItems(project: Project, selection: Selection): Promise<RecordedItem[]> {
  await project.locks.load(selection.stages.map((stage) => stage.name));
  const outs = selection.stages.flatMap(({ name }) =>
    (project.locks.get(name)?.outs ?? []).filter((out) => out.cache).map(({ path, content, kind }): RecordedItem => ({
      path,
      content,
      stage: name,
      writable: kind === "incremental",
    }))
  );
  const records = await project.tracked.load();
  const tracked = selection.tracked.flatMap((path): RecordedItem[] => {
    const content = records.get(path);
    return content === undefined ? [] : [{ path, content, writable: false }];
  });
  return [...outs, ...tracked];
}

/** Every file in a recorded content, as a blob to move. */
export function blobRequests(path: string, content: Content): BlobRequest[] {
  if (content.type === "file") return [{ digest: content.hash, size: content.size, label: path }];
  return content.files.flatMap((entry) =>
    entry.type === "file" ? [{ digest: entry.hash, size: entry.size, label: `${path}/${entry.path}` }] : []
  );
}
