// Parameters as the stages get them now, beside those that revisions record.

import type { Pipeline } from "../pipeline/mod.ts";
import { flatten, type FlatValues, type NamedValues } from "../report/mod.ts";
import { choose, type Chosen, revisionsOf, sortWords } from "./chosen.ts";
import type { Project } from "./open_project.ts";
import { openRange, openRevision, type Range, type Revision } from "./revisions.ts";

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
  if (options.revision === undefined) return effective(pipeline, choose(pipeline, [], options.targets));
  const before = await openRevision(project, options.revision);
  return recorded(before, choose(pipeline, [before], options.targets));
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
  options: ParamsOptions & { readonly words: readonly string[] },
): Promise<ParamsOnBothSides> {
  const pipeline = await loadFor(project, options);
  const words = await sortWords(project, pipeline, options.words);
  const range = await openRange(project, words.range);
  const chosen = choose(pipeline, revisionsOf(range), [...options.targets, ...words.targets]);
  return {
    range,
    before: recorded(range.before, chosen),
    now: range.now === undefined ? effective(pipeline, chosen) : recorded(range.now, chosen),
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

function effective(pipeline: Pipeline, chosen: Chosen): Map<string, FlatValues> {
  const stages = pipeline.stages.filter(({ name }) => chosen(name));
  return new Map(stages.flatMap(({ name, params }) => nonEmpty(name, flatten(params))));
}

function recorded(revision: Revision, chosen: Chosen): Map<string, FlatValues> {
  const locks = [...revision.locks].filter(([stage]) => chosen(stage));
  return new Map(locks.flatMap(([stage, lock]) => nonEmpty(stage, flatten(lock.params))));
}

/** A stage without parameters has nothing to show. */
function nonEmpty(stage: string, values: FlatValues): [string, FlatValues][] {
  return values.size === 1 && values.has("") ? [] : [[stage, values]];
}
