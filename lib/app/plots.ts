// Plots of the workspace, and of two revisions: what was declared and where the bytes are. Invariant: a plot that cannot be shown
// becomes a card that says why; the page is whole in any case.

import { isJsonObject, messageOf, type RelPath, type StageName } from "../core/mod.ts";
import { type Pipeline, type PlotSpec, selectTargets, type StageSpec } from "../pipeline/mod.ts";
import { readRows, type Row, showValue, tableFormat } from "../report/mod.ts";
import {
  type Card,
  type CardBody,
  type ComparedCard,
  comparePage,
  drawChart,
  galleryPage,
  type Section,
} from "../report/page/mod.ts";
import { statPath, writeDurable } from "../sys/mod.ts";
import { type Metrics, metricsOf } from "./metrics.ts";
import type { Project } from "./open_project.ts";
import { openRange, type Range, readRecorded, type Revision } from "./revisions.ts";

/** Files of one folder of plots; more are left out, which is said. */
const MAX_FOLDER_FILES = 200;
/** Bytes of one plot; a larger one is not put into the page, which is said. */
const MAX_PLOT_BYTES = 20 * 1024 * 1024;

/** Options of {@linkcode showPlots} and {@linkcode comparePlots}. */
export interface PlotsOptions {
  /** Stages or plots; none = all. */
  readonly targets: readonly string[];
  /** Absolute path of the page. */
  readonly output: string;
  readonly signal?: AbortSignal;
}

/** What was written. */
export interface PlotsResult {
  /** Absolute path of the page. */
  readonly page: string;
  readonly plots: number;
  /** Plots that could not be shown, with the reason. */
  readonly problems: readonly { readonly path: string; readonly why: string }[];
}

/** Writes the gallery of the workspace. */
export async function showPlots(project: Project, options: PlotsOptions): Promise<PlotsResult> {
  const { pipeline } = await project.load({ inputsMayMiss: true });
  const stages = withPlots(pipeline, options.targets);
  await project.locks.load(stages.map((stage) => stage.name));
  const metrics = await metricsOf(project, { targets: [] });
  const sections: Section<Card>[] = [];
  for (const stage of stages) {
    const cards: Card[] = [];
    for (const source of await workspaceSources(project, stage)) {
      options.signal?.throwIfAborted();
      cards.push(await cardOf(project, source));
    }
    sections.push({ stage: stage.name, metrics: metricsOfStage(stage, metrics), cards });
  }
  writeDurable(options.output, galleryPage({ project: nameOf(project), sections }));
  const cards = sections.flatMap((section) => section.cards);
  return {
    page: options.output,
    plots: cards.length,
    problems: problemsOf(cards.map(({ path, body }) => [path, body])),
  };
}

/** Writes a page that compares the plots of two revisions, or of one with the workspace. */
export async function comparePlots(
  project: Project,
  options: PlotsOptions & { readonly range?: string; readonly pull?: boolean },
): Promise<PlotsResult & { readonly changed: number }> {
  const range = await openRange(project, options.range);
  const { pipeline } = await project.load({ inputsMayMiss: true });
  const stages = withPlots(pipeline, options.targets);
  await project.locks.load(stages.map((stage) => stage.name));
  const sides = [range.before.name, range.now?.name ?? "workspace"] as const;
  const sections: Section<ComparedCard>[] = [];
  for (const stage of stages) {
    const cards = await comparedCards(project, stage, { range, sides, pull: options.pull ?? false });
    sections.push({ stage: stage.name, metrics: [], cards });
  }
  writeDurable(options.output, comparePage({ project: nameOf(project), sides, sections }));
  const cards = sections.flatMap((section) => section.cards);
  return {
    page: options.output,
    plots: cards.length,
    changed: cards.filter((card) => !card.same).length,
    problems: problemsOf(cards.flatMap(({ path, before, now }) => [[path, before], [path, now]])),
  };
}

function nameOf(project: Project): string {
  return project.root.slice(project.root.lastIndexOf("/") + 1);
}

function problemsOf(bodies: readonly (readonly [path: string, body: CardBody])[]): PlotsResult["problems"] {
  return bodies.flatMap(([path, body]) => body.type === "note" ? [{ path, why: body.text }] : []);
}

function withPlots(pipeline: Pipeline, targets: readonly string[]): StageSpec[] {
  return selectTargets(pipeline, targets, { only: targets.length > 0 })
    .filter((stage) => stage.outs.some((out) => out.kind === "plot"));
}

function metricsOfStage(stage: StageSpec, metrics: Metrics): [string, string][] {
  return stage.outs.filter((out) => out.kind === "metric").flatMap((out) =>
    [...metrics.values.get(out.path) ?? []].map(([key, value]): [string, string] => [key, showValue(value)])
  );
}

/** One file to draw. */
interface Source {
  readonly path: string;
  readonly spec: PlotSpec;
  readonly title: string;
  /** The bytes, or why there are none. */
  readonly bytes: Uint8Array | string;
}

async function workspaceSources(project: Project, stage: StageSpec): Promise<Source[]> {
  const plots = stage.outs.filter((out) => out.kind === "plot");
  const sources: Source[] = [];
  for (const out of plots) {
    const spec = out.plot ?? {};
    const absolute = `${project.root}/${out.path}`;
    const stat = statPath(absolute);
    if (stat === undefined) {
      sources.push({
        path: out.path,
        spec,
        title: titleOf(spec, out.path),
        bytes: await fromCache(project, stage.name, out.path),
      });
    } else if (out.directory) sources.push(...folderSources(absolute, out.path, spec));
    else sources.push({ path: out.path, spec, title: titleOf(spec, out.path), bytes: Deno.readFileSync(absolute) });
  }
  return sources;
}

function folderSources(absolute: string, path: string, spec: PlotSpec): Source[] {
  const names = [...Deno.readDirSync(absolute)].filter((entry) => !entry.isDirectory).map(({ name }) => name).sort();
  const sources = names.slice(0, MAX_FOLDER_FILES).map((name) => ({
    path: `${path}/${name}`,
    spec,
    title: name,
    bytes: Deno.readFileSync(`${absolute}/${name}`),
  }));
  if (names.length <= MAX_FOLDER_FILES) return sources;
  const bytes = `${names.length - MAX_FOLDER_FILES} more files are not shown`;
  return [...sources, { path, spec, title: path, bytes }];
}

function titleOf(spec: PlotSpec, path: string): string {
  return spec.title ?? path.slice(path.lastIndexOf("/") + 1);
}

/** The recorded version, for what is not in the workspace. */
async function fromCache(project: Project, stage: StageName, path: RelPath): Promise<Uint8Array | string> {
  const content = project.locks.get(stage)?.outs.find((out) => out.path === path)?.content;
  if (content === undefined) return `not there yet; \`pivot run ${stage}\` makes it`;
  if (content.type === "directory") return "not in the workspace; `pivot checkout` brings it back";
  await project.cache.audit([content]);
  if (!project.cache.has(content)) return "neither in the workspace nor in the cache; `pivot pull` may fetch it";
  return Deno.readFileSync(project.cache.blobs.path({ hash: content.hash, executable: content.executable }));
}

async function cardOf(project: Project, source: Source): Promise<Card> {
  const { path, title } = source;
  const { body, caption } = await draw(project, source);
  return { title, path, body, ...(caption === undefined ? {} : { caption }) };
}

interface Drawn {
  readonly body: CardBody;
  readonly caption?: string;
}

async function draw(project: Project, { path, spec, title, bytes }: Source): Promise<Drawn> {
  if (typeof bytes === "string") return { body: { type: "note", text: bytes } };
  if (bytes.length > MAX_PLOT_BYTES) return { body: { type: "note", text: "too large to be put into a page" } };
  const mime = imageType(path, bytes);
  if (mime !== undefined) return { body: { type: "image", url: `data:${mime};base64,${bytes.toBase64()}` } };
  try {
    const { svg, caption } = await drawChart(await rowsOf(path, bytes), await chartOptions(project, spec, title));
    return { body: { type: "chart", svg }, caption };
  } catch (error) {
    return { body: { type: "note", text: messageOf(error) } };
  }
}

async function rowsOf(path: string, bytes: Uint8Array): Promise<Row[]> {
  const format = tableFormat(path);
  if (format === undefined) {
    throw new Error("neither a picture nor a table; plots are svg, png, jpg, gif, webp, csv, tsv, json, jsonl");
  }
  return await readRows(new TextDecoder().decode(bytes), format);
}

async function chartOptions(
  project: Project,
  spec: PlotSpec,
  title: string,
): Promise<Parameters<typeof drawChart>[1]> {
  const { x, y, template } = spec;
  const own = template !== undefined && template.endsWith(".json");
  return {
    title,
    ...(x === undefined ? {} : { x }),
    ...(y === undefined ? {} : { y }),
    ...(template === undefined ? {} : { template: own ? await ownTemplate(project, template) : template }),
  };
}

async function ownTemplate(
  project: Project,
  path: string,
): Promise<NonNullable<Parameters<typeof drawChart>[1]["template"]>> {
  const value: unknown = JSON.parse(await Deno.readTextFile(`${project.root}/${path}`));
  if (!isJsonObject(value)) throw new Error(`template "${path}" is not a Vega-Lite specification`);
  return value;
}

/** By its first bytes, since names may say anything; SVG by its name and its text. */
function imageType(path: string, bytes: Uint8Array): string | undefined {
  const head = new TextDecoder("latin1").decode(bytes.subarray(0, 12));
  if (head.startsWith("\x89PNG")) return "image/png";
  if (head.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (head.startsWith("GIF8")) return "image/gif";
  if (head.startsWith("RIFF") && head.endsWith("WEBP")) return "image/webp";
  return /\.svg$/i.test(path) ? "image/svg+xml" : undefined;
}

interface Comparison {
  readonly range: Range;
  readonly sides: readonly [before: string, now: string];
  readonly pull: boolean;
}

async function comparedCards(
  project: Project,
  stage: StageSpec,
  { range, sides, pull }: Comparison,
): Promise<ComparedCard[]> {
  const plots = stage.outs.filter((out) => out.kind === "plot" && !out.directory);
  const before = await revisionBytes(project, range.before, { stage, pull });
  const now = range.now === undefined
    ? new Map((await workspaceSources(project, stage)).map(({ path, bytes }) => [path, bytes] as const))
    : await revisionBytes(project, range.now, { stage, pull });
  const cards: ComparedCard[] = [];
  for (const { path, plot } of plots) {
    const spec = plot ?? {};
    const title = titleOf(spec, path);
    const [old, fresh] = [before.get(path) ?? "not there", now.get(path) ?? "not there"];
    const overlay = await overlaid(project, { path, spec, title, old, fresh, sides });
    cards.push({
      title,
      path,
      same: typeof old !== "string" && typeof fresh !== "string" && equalBytes(old, fresh),
      before: (await draw(project, { path, spec, title, bytes: old })).body,
      now: (await draw(project, { path, spec, title, bytes: fresh })).body,
      ...(overlay === undefined ? {} : { overlay }),
    });
  }
  return cards;
}

async function revisionBytes(
  project: Project,
  revision: Revision,
  { stage, pull }: { readonly stage: StageSpec; readonly pull: boolean },
): Promise<ReadonlyMap<string, Uint8Array | string>> {
  const plots = (revision.locks.get(stage.name)?.outs ?? []).filter((out) => out.kind === "plot");
  const found = await readRecorded(project, revision, plots, { pull });
  return new Map([...found].map(([path, each]) => [path, each.status === "found" ? each.bytes : each.why]));
}

interface BothSides {
  readonly path: string;
  readonly spec: PlotSpec;
  readonly title: string;
  readonly old: Uint8Array | string;
  readonly fresh: Uint8Array | string;
  readonly sides: readonly [string, string];
}

/** Both tables in one chart, told apart by colour. */
async function overlaid(project: Project, about: BothSides): Promise<{ svg: string; caption: string } | undefined> {
  const { path, spec, title, old, fresh, sides } = about;
  if (typeof old === "string" || typeof fresh === "string" || tableFormat(path) === undefined) return undefined;
  if (equalBytes(old, fresh)) return undefined;
  try {
    const side = (rows: readonly Row[], revision: string) => rows.map((row) => ({ ...row, revision }));
    const rows = [...side(await rowsOf(path, old), sides[0]), ...side(await rowsOf(path, fresh), sides[1])];
    return await drawChart(rows, { ...await chartOptions(project, spec, title), color: "revision" });
  } catch {
    // Each side says for itself what is wrong with it.
    return undefined;
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
