// Parameters as the stages get them now, beside those that revisions record.

import type { Pipeline } from "../pipeline/mod.ts";
import { selectTargets } from "../pipeline/mod.ts";
import { flatten, type FlatValues, type NamedValues } from "../report/mod.ts";
import type { Project } from "./open_project.ts";
import { openRange, type Range, type Revision } from "./revisions.ts";

/** Options of {@linkcode paramsOf} and {@linkcode paramsDiff}. */
export interface ParamsOptions {
  /** Stages; none = all. */
  readonly targets: readonly string[];
  /** Texts of `--set`. */
  readonly set?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Effective parameters by stage: defaults, matrix values, params.yaml, `--set`; or those that a revision records. */
export async function paramsOf(
  project: Project,
  options: ParamsOptions & { readonly revision?: string },
): Promise<NamedValues> {
  const pipeline = await loadFor(project, options);
  if (options.revision === undefined) return effective(pipeline, options.targets);
  const { before } = await openRange(project, options.revision);
  return recorded(before, wantedBy(pipeline, options.targets));
}

function wantedBy(pipeline: Pipeline, targets: readonly string[]): ReadonlySet<string> | undefined {
  if (targets.length === 0) return undefined;
  return new Set(selectTargets(pipeline, targets, { only: true }).map((stage) => stage.name));
}

/** Parameters on two sides. */
export interface ParamsOnBothSides {
  readonly range: Range;
  readonly before: NamedValues;
  readonly now: NamedValues;
}

/** Parameters that a revision's runs had, beside another's or those of now. */
export async function paramsDiff(
  project: Project,
  options: ParamsOptions & { readonly range?: string },
): Promise<ParamsOnBothSides> {
  const range = await openRange(project, options.range);
  const pipeline = await loadFor(project, options);
  const wanted = wantedBy(pipeline, options.targets);
  const before = recorded(range.before, wanted);
  return {
    range,
    before,
    now: range.now === undefined ? effective(pipeline, options.targets) : recorded(range.now, wanted),
  };
}

async function loadFor(project: Project, { set, signal }: ParamsOptions): Promise<Pipeline> {
  const loaded = await project.load({
    inputsMayMiss: true,
    ...(set === undefined ? {} : { set }),
    ...(signal === undefined ? {} : { signal }),
  });
  return loaded.pipeline;
}

function effective(pipeline: Pipeline, targets: readonly string[]): Map<string, FlatValues> {
  const stages = selectTargets(pipeline, targets, { only: targets.length > 0 });
  return new Map(stages.flatMap(({ name, params }) => nonEmpty(name, flatten(params))));
}

function recorded(revision: Revision, wanted: ReadonlySet<string> | undefined): Map<string, FlatValues> {
  const locks = [...revision.locks].filter(([stage]) => wanted === undefined || wanted.has(stage));
  return new Map(locks.flatMap(([stage, lock]) => nonEmpty(stage, flatten(lock.params))));
}

/** A stage without parameters has nothing to show. */
function nonEmpty(stage: string, values: FlatValues): [string, FlatValues][] {
  return values.size === 1 && values.has("") ? [] : [[stage, values]];
}
