// The graph of stages as a page: what `status` knows, drawn.

import { formatBytes, formatDuration } from "../core/mod.ts";
import { type Decision, describeReason, lastDuration, planRun } from "../engine/mod.ts";
import { selectTargets, type StageSpec } from "../pipeline/mod.ts";
import { dagPage, type DagStage } from "../report/page/mod.ts";
import { writeDurable } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";

/** Words for what would happen to a stage. */
const WORDS: Readonly<Record<Decision["verdict"], string>> = {
  skip: "up to date",
  restore: "to restore",
  run: "to run",
  pending: "waits",
  blocked: "blocked",
};

/** Options of {@linkcode writeDagPage}. */
export interface DagPageOptions {
  /** Stages; none = all. */
  readonly targets: readonly string[];
  /** Absolute path of the page. */
  readonly output: string;
  readonly signal?: AbortSignal;
}

/** Writes the page. @returns How many stages it shows. */
export async function writeDagPage(project: Project, options: DagPageOptions): Promise<number> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const loaded = await project.load({ inputsMayMiss: true, ...signal });
  const stages = selectTargets(loaded.pipeline, options.targets);
  const { decisions } = await planRun(project.workspace(loaded), { stages, ...signal });
  await project.state.commit();
  const shown = stages.map((stage): DagStage => {
    const decision = decisions.get(stage.name);
    const took = lastDuration(project.state, stage.name);
    const status = decision?.verdict ?? "blocked";
    return {
      name: stage.name,
      upstream: loaded.pipeline.upstream.get(stage.name) ?? [],
      status,
      statusText: WORDS[status],
      reason: decision === undefined ? "" : describeReason(decision.headline),
      details: detailsOf(project, stage, decision),
      ...(took === undefined ? {} : { took: formatDuration(took) }),
    };
  });
  const name = project.root.slice(project.root.lastIndexOf("/") + 1);
  writeDurable(options.output, await dagPage({ project: name, stages: shown }));
  return shown.length;
}

function detailsOf(project: Project, stage: StageSpec, decision: Decision | undefined): DagStage["details"] {
  const lock = project.locks.get(stage.name);
  const sizeOf = (path: string) => {
    const size = lock?.outs.find((out) => out.path === path)?.content.size;
    return size === undefined ? "" : `, ${formatBytes(size)}`;
  };
  return {
    "every reason": (decision?.reasons ?? []).slice(1).map(describeReason),
    reads: stage.deps.map((dep) => dep.path),
    makes: stage.outs.map((out) => `${out.path} (${out.kind}${sizeOf(out.path)})`),
    parameters: Object.entries(stage.params).map(([key, value]) => `${key} = ${JSON.stringify(value)}`),
    "declared at": [stage.spot.line === undefined ? stage.spot.file : `${stage.spot.file}:${stage.spot.line}`],
  };
}
