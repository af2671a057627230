// A project's pipeline from all its sources: pivot.ts, pivot.yaml, params.yaml, or the stock tasks of deno.json.
// Invariant: user modules are imported only when their sources changed since they were last described.

import { type JsonObject, nearest, type RelPath } from "../core/mod.ts";
import { statPath } from "../sys/mod.ts";
import { type Declaration, describeExports } from "./declaration.ts";
import { describeCached } from "./describe_cached.ts";
import { folderUrl } from "./describe_module.ts";
import { expandDeclaration, Findings } from "./expand.ts";
import { buildGraph, Producers } from "./graph.ts";
import { paramsFromKeys } from "./param_keys.ts";
import { type ParamSetting, paramSources } from "./params.ts";
import { pathClashes } from "./path_clashes.ts";
import { joinYaml, PIVOT_YAML, yamlStages } from "./pivot_yaml.ts";
import type { Pipeline, StageSpec } from "./spec.ts";
import { readDenoConfig, stockDeclarations } from "./stock_tasks.ts";
import { checkGraph, validateStages } from "./validate.ts";
import { asMapping, type ParseCache, readYaml } from "./yaml_file.ts";

/** A small store of bytes; the state database has one. */
export interface DeclarationStore {
  get(key: string): Uint8Array | undefined;
  put(key: string, value: Uint8Array): void;
}

/** Options of {@linkcode loadPipeline}. */
export interface LoadOptions {
  readonly projectRoot: string;
  /**
   * Digest of everything that importing the module would read; see Fingerprinter.moduleGraph. `onStale` is called, and awaited, as
   * soon as it shows that something of it changed.
   */
  readonly graphDigest: (module: RelPath, onStale: () => Promise<void>) => string | Promise<string>;
  /** Whether nothing that the digest rests on was written since that time (milliseconds since the epoch). */
  readonly graphSettledAt?: (module: RelPath, timeMs: number) => boolean;
  readonly declarations?: DeclarationStore;
  readonly parsed?: ParseCache;
  readonly settings?: readonly ParamSetting[];
  /** Stages that are compiled into the program: taken as they are, nothing is imported. */
  readonly embedded?: Readonly<Record<string, unknown>>;
  /** Paths that are recorded and come back when they are needed: a dependency on them is never missing. */
  readonly recorded?: Iterable<RelPath>;
  /** Let dependencies be missing that no stage makes. @default false */
  readonly missingAllowed?: boolean;
  /** The `deno` that imports modules. @default this program's */
  readonly deno?: string;
  readonly signal?: AbortSignal;
}

/** A loaded pipeline. */
export interface LoadedPipeline {
  readonly pipeline: Pipeline;
  /** Which file declared the stages. */
  readonly source: "pivot.ts" | "pivot.yaml" | "deno.json" | "none";
  readonly warnings: readonly string[];
}

/** The module that declares stages. */
export const PIVOT_TS = "pivot.ts";

/**
 * Loads and checks the project's pipeline.
 *
 * @throws {PivotFindings} with everything that is wrong, of kind `usage` if that is only the settings; a PivotError `module-failed` if a module cannot be imported.
 */
export async function loadPipeline(options: LoadOptions): Promise<LoadedPipeline> {
  const findings = new Findings();
  const warnings: string[] = [];
  const { declarations, source } = await gather(options, { findings, warnings });
  const file = await readYaml(options.projectRoot, "params.yaml", options.parsed);
  const params = paramSources(readParams(file?.value ?? null, findings), options.settings ?? [], file?.places ?? {});
  const stages = declarations.flatMap((declared) => expandDeclaration(declared, params, findings));
  checkSettings(options.settings ?? [], stages, findings);
  const isEmbedded = (path: string) => options.embedded !== undefined && path === PIVOT_TS;
  const recorded = [...options.recorded ?? []];
  const isRecorded = (path: string) =>
    recorded.some((each) => each === path || each.startsWith(`${path}/`) || path.startsWith(`${each}/`));
  const exists = askedOnce((path: string) =>
    isEmbedded(path) || statPath(`${options.projectRoot}/${path}`) !== undefined || isRecorded(path)
  );
  const producers = new Producers(stages);
  const linkAbove = linkFinder(options.projectRoot);
  const missingAllowed = options.missingAllowed ?? false;
  validateStages(stages, { findings, exists, linkAbove, missingAllowed, producers });
  const graph = buildGraph(stages, producers);
  checkGraph(graph, stages, findings);
  if (findings.all.length > 0 || !graph.ok) throw findings.error();
  return { pipeline: graph.pipeline, source, warnings: [...warnings, ...pathClashes(stages)] };
}

/** Checks stages that are already known and puts them into a graph. */
export function pipelineOf(stages: readonly StageSpec[]): Pipeline {
  const findings = new Findings();
  const graph = buildGraph(stages);
  checkGraph(graph, stages, findings);
  if (graph.ok) return graph.pipeline;
  throw findings.error();
}

function readParams(value: Parameters<typeof asMapping>[0], findings: Findings): JsonObject {
  const mapping = asMapping(value);
  if (mapping === undefined) {
    findings.add('"params.yaml" is not a mapping', { code: "bad-params", spot: { file: "params.yaml" } });
  }
  return mapping ?? {};
}

function checkSettings(settings: readonly ParamSetting[], stages: readonly StageSpec[], findings: Findings): void {
  const names = new Set(stages.flatMap((each) => [each.name as string, each.base]));
  for (const { stage } of settings) {
    if (names.has(stage)) continue;
    const meant = nearest(stage, names);
    findings.add(`--set: there is no stage "${stage}"`, {
      code: "unknown-stage",
      kind: "usage",
      spot: { file: "--set" },
      ...(meant === undefined ? {} : { hint: `did you mean "${meant}"?` }),
    });
  }
}

/** Many stages need the same file. */
function askedOnce(ask: (path: string) => boolean): (path: string) => boolean {
  const known = new Map<string, boolean>();
  return (path) => {
    const found = known.get(path) ?? ask(path);
    known.set(path, found);
    return found;
  };
}

/** Finds the first folder above a path that is a symbolic link; each folder is asked for once. */
function linkFinder(root: string): (path: string) => string | undefined {
  const known = new Map<string, string | undefined>();
  const find = (folder: string): string | undefined => {
    if (known.has(folder)) return known.get(folder);
    const cut = folder.lastIndexOf("/");
    const above = cut < 0 ? undefined : find(folder.slice(0, cut));
    const found = above ?? (statPath(`${root}/${folder}`)?.kind === "symlink" ? folder : undefined);
    known.set(folder, found);
    return found;
  };
  return (path) => path.includes("/") ? find(path.slice(0, path.lastIndexOf("/"))) : undefined;
}

interface Gathered {
  readonly declarations: readonly Declaration[];
  readonly source: LoadedPipeline["source"];
}

async function gather(options: LoadOptions, use: { findings: Findings; warnings: string[] }): Promise<Gathered> {
  const hasModule = statPath(`${options.projectRoot}/${PIVOT_TS}`) !== undefined;
  const { embedded } = options;
  if (embedded !== undefined) {
    const rootUrl = folderUrl(options.projectRoot);
    return { declarations: describeExports(embedded, { path: PIVOT_TS, rootUrl }), source: "pivot.ts" };
  }
  const declared = hasModule ? await describeCached(options, PIVOT_TS as RelPath, use.warnings) : [];
  const parsed = await readYaml(options.projectRoot, PIVOT_YAML, options.parsed);
  if (!hasModule && parsed === undefined) {
    const config = await readDenoConfig(options.projectRoot, options.parsed);
    const declarations = config === undefined ? [] : stockDeclarations(config);
    return { declarations, source: declarations.length === 0 ? "none" : "deno.json" };
  }
  if (parsed === undefined) return { declarations: declared, source: "pivot.ts" };
  const byName = new Map(declared.map((each) => [each.name, each]));
  for (const stage of yamlStages(parsed, use.findings)) {
    const other = await declaredElsewhere(stage.fields.module, options, use.warnings);
    const joined = joinYaml(stage, byName.get(stage.name) ?? other, { parsed, findings: use.findings });
    if (joined !== undefined) byName.set(stage.name, await withParamKeys(joined, options, use.findings));
  }
  return { declarations: [...byName.values()], source: hasModule ? "pivot.ts" : "pivot.yaml" };
}

/** A list of parameters names keys of files. */
async function withParamKeys(declared: Declaration, options: LoadOptions, findings: Findings): Promise<Declaration> {
  const { params } = declared.options;
  if (!Array.isArray(params)) return declared;
  const values = await paramsFromKeys(params, {
    projectRoot: options.projectRoot,
    parsed: options.parsed,
    findings,
    spot: declared.spot,
    stage: declared.name,
  });
  return { ...declared, options: { ...declared.options, params: values }, paramsFromFiles: true };
}

/** What `module: ./stages.ts#train` names, if that is a stage object; a plain function declares nothing. */
async function declaredElsewhere(
  module: unknown,
  options: LoadOptions,
  warnings: string[],
): Promise<Declaration | undefined> {
  const [file, name] = typeof module === "string" ? module.replace(/^\.\//, "").split("#") : [];
  if (file === undefined || name === undefined || statPath(`${options.projectRoot}/${file}`) === undefined) {
    return undefined;
  }
  return (await describeCached(options, file as RelPath, warnings)).find((each) => each.name === name);
}
