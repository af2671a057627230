// Metrics of the workspace and of revisions. Invariant: a file that cannot be read is told by name, and the others are shown.

import { isJsonObject, type Json, messageOf, PivotError, PivotFindings, type RelPath } from "../core/mod.ts";
import type { Pipeline } from "../pipeline/mod.ts";
import { flatten, type FlatValues, jsonProblem, type NamedValues } from "../report/mod.ts";
import { choose, type Chosen, revisionsOf, sortWords } from "./chosen.ts";
import type { Project } from "./open_project.ts";
import { openRange, openRevision, type Range, readRecorded, type Revision } from "./revisions.ts";

/** Metrics by file, and what could not be read. */
export interface Metrics {
  readonly values: NamedValues;
  readonly problems: readonly MetricProblem[];
}

/** A metric file without values. */
export interface MetricProblem {
  readonly path: string;
  /** Revision that it is missing from; absent for the workspace. */
  readonly revision?: string;
  readonly message: string;
  /** There is no such file, rather than one that cannot be read. */
  readonly absent?: true;
}

/** Options of {@linkcode metricsOf} and {@linkcode metricsDiff}. */
export interface MetricsOptions {
  /** Stages or metric files; none = all. */
  readonly targets: readonly string[];
  /** Fetch from the default remote what neither the revision nor the cache has. @default false */
  readonly pull?: boolean;
  readonly signal?: AbortSignal;
}

/** Metrics of the workspace, or of a revision. */
export async function metricsOf(
  project: Project,
  options: MetricsOptions & { readonly revision?: string },
): Promise<Metrics & { readonly warnings: readonly string[] }> {
  const pipeline = await loadFor(project, options);
  if (options.revision === undefined) {
    return { ...await readWorkspace(project, pipeline, choose(pipeline, [], options.targets)), warnings: [] };
  }
  const before = await openRevision(project, options.revision);
  const chosen = choose(pipeline, [before], options.targets);
  return { ...await readRevision(project, before, { ...options, chosen }), warnings: before.warnings };
}

/** Metrics on two sides. */
export interface MetricsOnBothSides {
  readonly range: Range;
  readonly before: NamedValues;
  readonly now: NamedValues;
  readonly problems: readonly MetricProblem[];
}

/** Metrics of a revision beside those of another or of the workspace. @throws {PivotError} as `openRange` does. */
export async function metricsDiff(
  project: Project,
  options: MetricsOptions & { readonly words: readonly string[] },
): Promise<MetricsOnBothSides> {
  const pipeline = await loadFor(project, options);
  const words = await sortWords(project, pipeline, options.words);
  const range = await openRange(project, words.range);
  const chosen = choose(pipeline, revisionsOf(range), [...options.targets, ...words.targets]);
  const before = await readRevision(project, range.before, { ...options, chosen });
  const now = range.now === undefined
    ? await readWorkspace(project, pipeline, chosen)
    : await readRevision(project, range.now, { ...options, chosen });
  const problems = [...before.problems, ...now.problems];
  // What could not be read on one side is not compared: its values did not go away.
  for (const { path, absent } of problems) {
    if (absent === true) continue;
    before.values.delete(path);
    now.values.delete(path);
  }
  return { range, before: before.values, now: now.values, problems };
}

async function loadFor(project: Project, { signal }: MetricsOptions): Promise<Pipeline> {
  return (await project.load({ inputsMayMiss: true, ...(signal === undefined ? {} : { signal }) })).pipeline;
}

function metricPaths(pipeline: Pipeline, chosen: Chosen): RelPath[] {
  return pipeline.stages.flatMap((stage) =>
    stage.outs.filter((out) => out.kind === "metric" && chosen(stage.name, out.path)).map((out) => out.path)
  );
}

/** As {@linkcode Metrics}, to be narrowed down. */
interface ReadMetrics extends Metrics {
  readonly values: Map<string, FlatValues>;
}

async function readWorkspace(project: Project, pipeline: Pipeline, chosen: Chosen): Promise<ReadMetrics> {
  const values = new Map<string, FlatValues>();
  const problems: MetricProblem[] = [];
  for (const path of metricPaths(pipeline, chosen)) {
    try {
      values.set(path, await parseMetric(Deno.readFileSync(`${project.root}/${path}`), path));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) {
        problems.push({ path, message: "not there; run the stage that makes it", absent: true });
      } else problems.push({ path, message: whyUnreadable(error) });
    }
  }
  return { values, problems };
}

async function readRevision(
  project: Project,
  revision: Revision,
  options: MetricsOptions & { readonly chosen: Chosen },
): Promise<ReadMetrics> {
  const outs = [...revision.locks].flatMap(([stage, lock]) =>
    lock.outs.filter((out) => out.kind === "metric" && options.chosen(stage, out.path))
  );
  const { pull, signal } = options;
  const recorded = await readRecorded(project, revision, outs, {
    ...(pull === undefined ? {} : { pull }),
    ...(signal === undefined ? {} : { signal }),
  });
  const values = new Map<string, FlatValues>();
  const problems: MetricProblem[] = [];
  for (const [path, found] of recorded) {
    const about = { path, revision: revision.name };
    if (found.status === "missing") problems.push({ ...about, message: found.why });
    else {
      try {
        values.set(path, await parseMetric(found.bytes, path));
      } catch (error) {
        problems.push({ ...about, message: whyUnreadable(error) });
      }
    }
  }
  return { values, problems };
}

function whyUnreadable(error: unknown): string {
  if (error instanceof RangeError) return "it refers to itself, or is nested too deeply";
  if (error instanceof PivotFindings) {
    const [first] = error.findings;
    const line = first?.spot?.line;
    return `not YAML${line === undefined ? "" : `, line ${line}`}: ${first?.message.replace(/^"[^"]*": /, "") ?? ""}`;
  }
  if (error instanceof Deno.errors.IsADirectory) return "it is a folder, not a file with values";
  return messageOf(error);
}

/**
 * Reads a metric file by its name: `.yaml` and `.yml` as YAML, all else as JSON.
 *
 * @throws {PivotError} `bad-metric` with the line.
 */
async function parseMetric(bytes: Uint8Array, path: string): Promise<FlatValues> {
  const text = decoded(bytes);
  if (/\.ya?ml$/.test(path)) {
    const { parseYaml } = await import("../pipeline/mod.ts");
    return flatten(finite((await parseYaml(text, path)).value));
  }
  try {
    return flatten(finite(JSON.parse(text)));
  } catch (error) {
    const { line, why } = jsonProblem(text, messageOf(error));
    throw new PivotError(`not JSON, line ${line}: ${why}`, {
      code: "bad-metric",
      cause: error,
    });
  }
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new PivotError("it is no text in UTF-8", { code: "bad-metric", cause: error });
  }
}

/** YAML has numbers that JSON lacks; they are shown as YAML writes them. */
function finite(value: Json): Json {
  if (typeof value === "number" && !Number.isFinite(value)) {
    return Number.isNaN(value) ? ".nan" : value > 0 ? ".inf" : "-.inf";
  }
  if (Array.isArray(value)) return value.map(finite);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, finite(each)]));
}
