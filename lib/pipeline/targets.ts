// From what was typed to the stages that are meant: names, `train@*`, output paths. With their upstreams unless told otherwise.

import { byCodeUnit, nearest, PivotError, type RelPath, type StageName } from "../core/mod.ts";
import type { Pipeline, StageSpec } from "./spec.ts";

/** Options of {@linkcode selectTargets}. */
export interface SelectOptions {
  /** Just the named stages, not what they need. @default false */
  readonly only?: boolean;
}

/**
 * The stages that `targets` name, upstreams included, in the pipeline's order. No targets: all stages.
 *
 * @throws {PivotError} `unknown-stage` (kind `usage`) with the nearest name.
 */
export function selectTargets(
  pipeline: Pipeline,
  targets: readonly string[],
  options: SelectOptions = {},
): readonly StageSpec[] {
  if (targets.length === 0) return pipeline.stages;
  const chosen = new Set<StageName>();
  const pending = targets.flatMap((target) => matching(pipeline, target));
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (chosen.has(name)) continue;
    chosen.add(name);
    if (options.only !== true) pending.push(...(pipeline.upstream.get(name) ?? []));
  }
  return pipeline.stages.filter((stage) => chosen.has(stage.name));
}

function matching(pipeline: Pipeline, target: string): StageName[] {
  const exact = pipeline.byName.get(target as StageName);
  if (exact !== undefined) return [exact.name];
  const pattern = target.includes("*") ? wildcard(target) : undefined;
  const found = pipeline.stages.filter((stage) => pattern?.test(stage.name) ?? stage.base === target);
  if (found.length > 0) return found.map((stage) => stage.name);
  const path = target.replace(/^\.\//, "").replace(/\/$/, "");
  const maker = pipeline.producerOf(path as RelPath);
  if (maker !== undefined) return [maker.name];
  throw unknown(pipeline, target);
}

function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&")).join(".*")}$`);
}

function unknown(pipeline: Pipeline, target: string): PivotError {
  const names = pipeline.stages.flatMap((
    stage,
  ) => [stage.name as string, ...stage.outs.map((out) => out.path as string)]);
  const meant = nearest(target, names);
  const stages = pipeline.stages.map((stage) => stage.name).sort(byCodeUnit);
  return new PivotError(`no stage and no output is called "${target}"`, {
    code: "unknown-stage",
    kind: "usage",
    hint: meant !== undefined
      ? `did you mean "${meant}"?`
      : stages.length === 0
      ? "the pipeline has no stages yet"
      : `stages are ${stages.slice(0, 12).join(", ")}${stages.length > 12 ? ", …" : ""}`,
  });
}
