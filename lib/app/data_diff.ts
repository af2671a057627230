// What changed in data outputs between two revisions, or since one. Invariant: equal digests are never opened; what is too big
// or not there is said.

import { isDeepStrictEqual } from "node:util";
import { byCodeUnit, type Content, formatBytes, PivotError, type RelPath, type TreeEntry } from "../core/mod.ts";
import type { Pipeline } from "../pipeline/mod.ts";
import { diffRows, readRows, type TableDiff, tableFormat } from "../report/mod.ts";
import { choose, type Chosen, plainPath, revisionsOf, sortWords } from "./chosen.ts";
import type { Project } from "./open_project.ts";
import { openRange, type Range, readRecorded, type RecordedPath, type Revision } from "./revisions.ts";

/** Tables beyond this many bytes are compared by size and digest alone: two of this size take 1 GB of memory at worst. */
export const MAX_TABLE_BYTES: number = 32 * 1024 * 1024;

/** One output that differs. */
export interface OutputDiff {
  readonly path: RelPath;
  readonly change: "added" | "removed" | "changed";
  /** Bytes; absent on a side that lacks it. */
  readonly sizeBefore?: number;
  readonly sizeNow?: number;
  /** Row by row, for tables. */
  readonly table?: TableDiff;
  /** File by file, for folders. */
  readonly files?: readonly FileDiff[];
  /** Why it was not looked into. */
  readonly note?: string;
}

/** One entry of a folder that differs. */
export interface FileDiff {
  /** Relative to the folder. */
  readonly path: string;
  readonly change: OutputDiff["change"];
  /** Bytes; absent on a side that lacks it, and for folders and links. */
  readonly sizeBefore?: number;
  readonly sizeNow?: number;
}

/** Options of {@linkcode dataDiff}. */
export interface DataDiffOptions {
  /** Stages, outputs or tracked data; none = all. */
  readonly targets: readonly string[];
  /** Revisions and targets, as typed. */
  readonly words: readonly string[];
  /** Fetch from the default remote what neither the revision nor the cache has. @default false */
  readonly pull?: boolean;
  /** Columns that tell a row. */
  readonly key?: readonly string[];
  /** Row changes to list per file. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

/** What differs, and between what. */
export interface DataDiff {
  readonly range: Range;
  readonly outputs: readonly OutputDiff[];
  /** Outputs that are the same on both sides. */
  readonly same: number;
}

/** Compares data outputs and tracked data. @throws {PivotError} as `openRange` does; `bad-key` if no table has the key. */
export async function dataDiff(project: Project, options: DataDiffOptions): Promise<DataDiff> {
  const { signal } = options;
  const { pipeline } = await project.load({ inputsMayMiss: true, ...(signal === undefined ? {} : { signal }) });
  const words = await sortWords(project, pipeline, options.words);
  const range = await openRange(project, words.range);
  const chosen = await chooseData(project, { pipeline, range, targets: [...options.targets, ...words.targets] });
  const before = recordedSide(project, range.before, { chosen, options });
  const now = range.now === undefined
    ? await workspaceSide(project, pipeline, { chosen, options })
    : recordedSide(project, range.now, { chosen, options });
  const paths = [...new Set([...before.keys(), ...now.keys()])].sort(byCodeUnit);
  const outputs: OutputDiff[] = [];
  const badKeys: PivotError[] = [];
  let same = 0;
  for (const path of paths) {
    signal?.throwIfAborted();
    const [a, b] = [before.get(path), now.get(path)];
    if (a !== undefined && b !== undefined && isSame(a.content, b.content)) same += 1;
    else outputs.push(await describe(path, { a, b, toWorkspace: range.now === undefined, options, badKeys }));
  }
  const [badKey] = badKeys;
  if (badKey !== undefined && outputs.every(({ table }) => table === undefined)) throw badKey;
  return { range, outputs, same };
}

function isSame(a: Content, b: Content): boolean {
  return a.type === b.type && a.hash === b.hash;
}

/** Which outputs and which tracked paths were asked for. */
interface ChosenData {
  readonly outputs: Chosen;
  readonly tracked: (path: string) => boolean;
}

async function chooseData(
  project: Project,
  { pipeline, range, targets }: {
    readonly pipeline: Pipeline;
    readonly range: Range;
    readonly targets: readonly string[];
  },
): Promise<ChosenData> {
  if (targets.length === 0) return { outputs: () => true, tracked: () => true };
  const revisions = revisionsOf(range);
  const known = [...(await project.tracked.load()).keys(), ...revisions.flatMap(({ tracked }) => [...tracked.keys()])];
  const names = (path: string, target: string) => path === target || path.startsWith(`${target}/`);
  const isTracked = (target: string) => known.some((path) => names(path, plainPath(target)));
  const others = targets.filter((target) => !isTracked(target));
  return {
    outputs: others.length === 0 ? () => false : choose(pipeline, revisions, others),
    tracked: (path) => targets.some((target) => names(path, plainPath(target))),
  };
}

/** Content of a path on one side, and how its bytes are read. */
interface Side {
  readonly content: Content;
  readonly read: () => Promise<Uint8Array | string>;
}

type Sides = ReadonlyMap<RelPath, Side>;

interface SideOptions {
  readonly chosen: ChosenData;
  readonly options: DataDiffOptions;
}

async function workspaceSide(project: Project, pipeline: Pipeline, { chosen, options }: SideOptions): Promise<Sides> {
  const outs = pipeline.stages.flatMap((stage) => stage.outs.filter((out) => chosen.outputs(stage.name, out.path)));
  const tracked = [...(await project.tracked.load()).keys()].filter(chosen.tracked);
  const requests = [
    ...outs.map(({ path, globs }) => ({ path, ...(globs === undefined ? {} : { globs }) })),
    ...tracked.map((path) => ({ path })),
  ];
  const { signal } = options;
  const seen = await project.scanner.observe(requests, signal === undefined ? {} : { signal });
  await project.state.commit();
  return new Map(requests.flatMap((request): [RelPath, Side][] => {
    const content = seen.get(request);
    if (content === undefined) return [];
    return [[request.path, { content, read: () => Deno.readFile(`${project.root}/${request.path}`) }]];
  }));
}

function recordedSide(project: Project, revision: Revision, { chosen, options }: SideOptions): Sides {
  const outs = [...revision.locks].flatMap(([stage, lock]) =>
    lock.outs.filter((out) => chosen.outputs(stage, out.path))
  );
  const tracked = [...revision.tracked].filter(([path]) => chosen.tracked(path))
    .map(([path, content]): RecordedPath => ({ path, content, cache: true }));
  const readOne = async (item: RecordedPath): Promise<Uint8Array | string> => {
    const { pull, signal } = options;
    const found = (await readRecorded(project, revision, [item], {
      ...(pull === undefined ? {} : { pull }),
      ...(signal === undefined ? {} : { signal }),
    })).get(item.path);
    return found?.status === "found" ? found.bytes : found?.why ?? "it is not recorded";
  };
  return new Map(
    [...outs, ...tracked].map((item) => [item.path, { content: item.content, read: () => readOne(item) }]),
  );
}

interface Compared {
  readonly a: Side | undefined;
  readonly b: Side | undefined;
  readonly toWorkspace: boolean;
  readonly options: DataDiffOptions;
  /** Gets a complaint for every table that lacks the key. */
  readonly badKeys: PivotError[];
}

async function describe(path: RelPath, compared: Compared): Promise<OutputDiff> {
  const { a, b, toWorkspace } = compared;
  const base = {
    path,
    change: a === undefined ? "added" : b === undefined ? "removed" : "changed",
    ...(a === undefined ? {} : { sizeBefore: a.content.size }),
    ...(b === undefined ? {} : { sizeNow: b.content.size }),
  } as const;
  if (a === undefined || b === undefined) {
    return b === undefined && toWorkspace
      ? { ...base, note: "it is not in the workspace; `pivot checkout` or `pivot pull` brings back what is recorded" }
      : base;
  }
  if (a.content.type === "directory" && b.content.type === "directory") {
    return { ...base, files: diffFolders(entriesOf(a.content), entriesOf(b.content)) };
  }
  if (a.content.type !== b.content.type) {
    return { ...base, note: `it was a ${KINDS[a.content.type]} and is a ${KINDS[b.content.type]} now` };
  }
  return { ...base, ...await inside(path, a, b, compared) };
}

const KINDS = { file: "file", directory: "folder" } as const;

/** What is known of two files beyond their sizes. */
async function inside(
  path: RelPath,
  a: Side,
  b: Side,
  compared: Compared,
): Promise<Pick<OutputDiff, "table" | "note">> {
  const format = tableFormat(path);
  if (format === undefined) return {};
  if (Math.max(a.content.size, b.content.size) > MAX_TABLE_BYTES) {
    return { note: `not compared row by row: more than ${formatBytes(MAX_TABLE_BYTES)}` };
  }
  const [before, now] = [await a.read(), await b.read()];
  if (typeof before === "string") return { note: before };
  if (typeof now === "string") return { note: now };
  const decoder = new TextDecoder();
  try {
    const [old, fresh] = [await readRows(decoder.decode(before), format), await readRows(decoder.decode(now), format)];
    const { key, limit } = compared.options;
    return { table: diffRows(old, fresh, { limit, ...(key === undefined ? {} : { key }) }) };
  } catch (error) {
    if (!(error instanceof PivotError)) throw error;
    if (error.code === "bad-key") {
      compared.badKeys.push(
        new PivotError(`cannot compare "${path}" by --key: ${error.message}`, {
          code: "bad-key",
          kind: "usage",
          ...(error.hint === undefined ? {} : { hint: error.hint }),
        }),
      );
    }
    return { note: `not compared row by row: ${error.message}` };
  }
}

function entriesOf(content: Content & { readonly type: "directory" }): ReadonlyMap<string, TreeEntry> {
  return new Map(content.files.map((entry) => [entry.path, entry]));
}

function diffFolders(before: ReadonlyMap<string, TreeEntry>, now: ReadonlyMap<string, TreeEntry>): FileDiff[] {
  return [...new Set([...before.keys(), ...now.keys()])].sort(byCodeUnit).flatMap((path): FileDiff[] => {
    const [a, b] = [before.get(path), now.get(path)];
    if (a !== undefined && b !== undefined && isDeepStrictEqual(a, b)) return [];
    return [{
      path,
      change: a === undefined ? "added" : b === undefined ? "removed" : "changed",
      ...(a?.type === "file" ? { sizeBefore: a.size } : {}),
      ...(b?.type === "file" ? { sizeNow: b.size } : {}),
    }];
  });
}
