// After an import: tracks what DVC tracked, and records the stages that dvc.lock shows to be up to date.

import type { StageName } from "../core/mod.ts";
import { commit } from "./commit.ts";
import { isAsLocked } from "./dvc/record.ts";
import type { ImportDvcResult } from "./import_dvc.ts";
import type { Project } from "./open_project.ts";
import { track } from "./track.ts";

/** What was taken over without running anything. */
export interface RecordDvcResult {
  readonly tracked: readonly string[];
  /** Stages that need not run. */
  readonly recorded: readonly StageName[];
}

/** Takes over what DVC knows to be up to date. */
export async function recordDvc(project: Project, imported: ImportDvcResult): Promise<RecordDvcResult> {
  if (imported.tracked.length > 0) await track(project, { cwd: project.root, paths: imported.tracked });
  const { pipeline } = await project.load({ inputsMayMiss: true });
  const good = pipeline.stages.filter((stage) => {
    const locked = imported.locked[stage.name];
    return locked !== undefined && !stage.frozen && isAsLocked(project.root, locked, stage.params);
  });
  const recorded = good.length === 0 ? [] : (await commit(project, good.map((stage) => stage.name))).committed;
  return { tracked: imported.tracked, recorded };
}
