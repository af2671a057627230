// What changed in data outputs between two revisions, or since one. Invariant: equal digests are never opened; what is too big
// or not there is said.

import { type Content, formatBytes, messageOf, PivotError, type RelPath, type TreeEntry } from "../core/mod.ts";
import { selectTargets } from "../pipeline/mod.ts";
import { diffRows, readRows, type TableDiff, tableFormat } from "../report/mod.ts";
import type { LockedOut } from "../state/mod.ts";
import type { Project } from "./open_project.ts";
import { openRange, type Range, readRecorded, type Revision } from "./revisions.ts";

/** Tables beyond this many bytes are compared by size and digest alone. */
export const MAX_TABLE_BYTES: number = 64 * 1024 * 1024;

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
  readonly files?: readonly { readonly path: string; readonly change: OutputDiff["change"] }[];
  /** Why it was not looked into. */
  readonly note?: string;
}

/** Options of {@linkcode dataDiff}. */
export interface DataDiffOptions {
  /** Stages or outputs; none = all. */
  readonly targets: readonly string[];
  readonly range?: string;
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

/** Compares data outputs. @throws {PivotError} as `openRange` does; `bad-key`. */
export async function dataDiff(project: Project, options: DataDiffOptions): Promise<DataDiff> {
  const range = await openRange(project, options.range);
  const { before, now } = await bothSides(project, range, options);
  const paths = [...new Set([...before.keys(), ...now.keys()])].sort();
  const outputs: OutputDiff[] = [];
  let same = 0;
  for (const path of paths) {
    const [a, b] = [before.get(path), now.get(path)];
    if (a !== undefined && b !== undefined && a.content.hash === b.content.hash) same += 1;
    else outputs.push(await describe(path, { a, b, range, options }));
  }
  return { range, outputs, same };
}

/** Content of an output on one side, and how its bytes are read. */
interface Side {
  readonly content: Content;
  readonly read: () => Promise<Uint8Array | string>;
}

type Sides = ReadonlyMap<RelPath, Side>;

async function bothSides(
  project: Project,
  range: Range,
  { targets, signal }: DataDiffOptions,
): Promise<{ readonly before: Sides; readonly now: Sides }> {
  const { pipeline } = await project.load({ inputsMayMiss: true, ...(signal === undefined ? {} : { signal }) });
  const stages = selectTargets(pipeline, targets, { only: targets.length > 0 });
  const named = new Set<string>(targets.map((target) => target.replace(/^\.\//, "").replace(/\/$/, "")));
  const outs = stages.flatMap((stage) => stage.outs.map((out) => ({ stage: stage.name, out })))
    .filter(({ stage, out }) => !pathsAlone(named, stages) || named.has(out.path) || named.has(stage));
  const paths = outs.map(({ out }) => out.path);
  const wanted = targets.length === 0 ? undefined : new Set<RelPath>(paths);
  const before = recordedSide(project, range.before, wanted);
  if (range.now !== undefined) return { before, now: recordedSide(project, range.now, wanted) };
  const seen = await project.scanner.observe(
    outs.map(({ out }) => ({ path: out.path, ...(out.globs === undefined ? {} : { globs: out.globs }) })),
    signal === undefined ? {} : { signal },
  );
  await project.state.commit();
  const now = new Map<RelPath, Side>();
  for (const { out } of outs) {
    const content = seen.get(out);
    if (content === undefined) continue;
    now.set(out.path, { content, read: () => Deno.readFile(`${project.root}/${out.path}`) });
  }
  return { before, now };
}

/** Whether some target is an output's path, so that only what is named counts. */
function pathsAlone(
  named: ReadonlySet<string>,
  stages: readonly { readonly outs: readonly { readonly path: RelPath }[] }[],
): boolean {
  return stages.some((stage) => stage.outs.some((out) => named.has(out.path)));
}

function recordedSide(project: Project, revision: Revision, wanted: ReadonlySet<RelPath> | undefined): Sides {
  const outs = [...revision.locks.values()].flatMap((lock) => lock.outs)
    .filter((out) => wanted === undefined || wanted.has(out.path));
  return new Map(outs.map((out) => [out.path, { content: out.content, read: () => readOne(project, revision, out) }]));
}

async function readOne(project: Project, revision: Revision, out: LockedOut): Promise<Uint8Array | string> {
  const found = (await readRecorded(project, revision, [out])).get(out.path);
  return found?.status === "found" ? found.bytes : found?.why ?? "it is not recorded";
}

interface Compared {
  readonly a: Side | undefined;
  readonly b: Side | undefined;
  readonly range: Range;
  readonly options: DataDiffOptions;
}

async function describe(path: RelPath, compared: Compared): Promise<OutputDiff> {
  const { a, b } = compared;
  const base = {
    path,
    change: a === undefined ? "added" : b === undefined ? "removed" : "changed",
    ...(a === undefined ? {} : { sizeBefore: a.content.size }),
    ...(b === undefined ? {} : { sizeNow: b.content.size }),
  } as const;
  if (a?.content.type === "directory" || b?.content.type === "directory") {
    return { ...base, files: diffFolders(filesOf(a?.content), filesOf(b?.content)) };
  }
  const format = tableFormat(path);
  if (a === undefined || b === undefined || format === undefined) return base;
  const larger = Math.max(a.content.size, b.content.size);
  if (larger > MAX_TABLE_BYTES) {
    return { ...base, note: `not compared row by row: more than ${formatBytes(MAX_TABLE_BYTES)}` };
  }
  const [before, now] = [await a.read(), await b.read()];
  if (typeof before === "string") return { ...base, note: before };
  if (typeof now === "string") return { ...base, note: now };
  const decoder = new TextDecoder();
  try {
    const [old, fresh] = [await readRows(decoder.decode(before), format), await readRows(decoder.decode(now), format)];
    const { key, limit } = compared.options;
    return { ...base, table: diffRows(old, fresh, { limit, ...(key === undefined ? {} : { key }) }) };
  } catch (error) {
    if (error instanceof PivotError && error.code === "bad-key") {
      throw new PivotError(`cannot compare "${path}" by --key: ${error.message}`, {
        code: "bad-key",
        kind: "usage",
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
    }
    return { ...base, note: messageOf(error) };
  }
}

function filesOf(content: Content | undefined): ReadonlyMap<string, TreeEntry> {
  return new Map((content?.type === "directory" ? content.files : []).map((entry) => [entry.path, entry]));
}

function diffFolders(
  before: ReadonlyMap<string, TreeEntry>,
  now: ReadonlyMap<string, TreeEntry>,
): NonNullable<OutputDiff["files"]> {
  return [...new Set([...before.keys(), ...now.keys()])].sort().flatMap((path) => {
    const [a, b] = [before.get(path), now.get(path)];
    if (a !== undefined && b !== undefined && JSON.stringify(a) === JSON.stringify(b)) return [];
    return [{ path, change: a === undefined ? "added" : b === undefined ? "removed" : "changed" } as const];
  });
}
