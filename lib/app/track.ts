// `pivot track` and `pivot untrack`: data that no stage makes, kept in the cache and recorded in git.
// Invariant: the blobs are in the cache before the record names them; untracking never removes data.

import { type Content, parseRelPath, PivotError, type RelPath } from "../core/mod.ts";
import { findTrackedByGit } from "./git_tracked.ts";
import { syncGitIgnore } from "./git_ignore.ts";
import { PIVOT_FOLDER } from "../config/mod.ts";
import type { Pipeline } from "../pipeline/mod.ts";
import { trackedFile } from "../state/mod.ts";
import { statPath } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";

/** One path that was tracked. */
export interface TrackedPath {
  readonly path: RelPath;
  /** The file that records it, to be kept in git. */
  readonly record: string;
  /** Bytes. */
  readonly size: number;
  readonly change: "added" | "updated" | "unchanged";
}

/** What tracking did. */
export interface TrackResult {
  readonly tracked: readonly TrackedPath[];
  /** Paths that git has too, so that it would keep every version. */
  readonly inGit: readonly RelPath[];
}

/** Options of {@linkcode track} and {@linkcode untrack}. */
export interface TrackOptions {
  /** Absolute path that `paths` are relative to. */
  readonly cwd: string;
  readonly paths: readonly string[];
  /** Keep `.gitignore` up to date. @default true */
  readonly gitIgnore?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Stores data in the cache, links it back and records it; again for what changed since.
 *
 * @throws {PivotError} `bad-track` (kind `usage`) for what cannot be tracked; nothing is recorded then.
 */
export async function track(project: Project, options: TrackOptions): Promise<TrackResult> {
  const { pipeline } = await project.load({ inputsMayMiss: true });
  const records = await project.tracked.load();
  const paths = [...new Set(options.paths.map((path) => projectPath(project, options.cwd, path)))];
  for (const path of paths) refuse(project, path, { pipeline, others: [...records.keys(), ...paths] });
  const seen = await project.scanner.observe(
    paths.map((path) => ({ path })),
    options.signal === undefined ? {} : { signal: options.signal },
  );
  const tracked: TrackedPath[] = [];
  for (const path of paths) {
    const content = seen.get({ path });
    if (content === undefined) throw badTrack(`"${path}" vanished while it was read`, "try again");
    const before = records.get(path);
    project.cache.store([{ path, content }]);
    if (!same(before, content)) project.tracked.put(path, content);
    const change = before === undefined ? "added" : same(before, content) ? "unchanged" : "updated";
    tracked.push({ path, record: trackedFile(path), size: content.size, change });
  }
  await project.state.commit();
  if (options.gitIgnore !== false) await syncGitIgnore(project, pipeline);
  return { tracked, inGit: await findTrackedByGit(project.root, paths) };
}

/**
 * Forgets tracked paths. The data stays where it is, as files of its own that may be written to.
 *
 * @throws {PivotError} `not-tracked` (kind `usage`).
 */
export async function untrack(project: Project, options: TrackOptions): Promise<readonly RelPath[]> {
  const records = await project.tracked.load();
  const paths = [...new Set(options.paths.map((path) => projectPath(project, options.cwd, path)))];
  const strange = paths.find((path) => !records.has(path));
  if (strange !== undefined) {
    throw new PivotError(`"${strange}" is not tracked`, {
      code: "not-tracked",
      kind: "usage",
      hint: records.size === 0
        ? "nothing is tracked here"
        : `tracked are ${[...records.keys()].slice(0, 12).join(", ")}`,
    });
  }
  const seen = await project.scanner.observe(paths.map((path) => ({ path })));
  for (const path of paths) {
    const content = records.get(path);
    const here = content !== undefined && same(seen.get({ path }), content);
    if (here && project.cache.has(content)) project.cache.checkout([{ path, content, writable: true }]);
    project.tracked.delete(path);
  }
  await project.state.commit();
  if (options.gitIgnore !== false) await syncGitIgnore(project, (await project.load({ inputsMayMiss: true })).pipeline);
  return paths;
}

/** How tracked data in the workspace compares with its records. */
export async function trackedStatus(
  project: Project,
): Promise<readonly { readonly path: RelPath; readonly state: "same" | "modified" | "missing" }[]> {
  const records = await project.tracked.load();
  if (records.size === 0) return [];
  const seen = await project.scanner.observe([...records.keys()].map((path) => ({ path })));
  return [...records].map(([path, content]) => {
    const now = seen.get({ path });
    return { path, state: now === undefined ? "missing" : same(now, content) ? "same" : "modified" };
  });
}

function same(a: Content | undefined, b: Content): boolean {
  return a?.type === b.type && a.hash === b.hash &&
    (a.type === "directory" || b.type === "directory" || a.executable === b.executable);
}

/** A path as typed, from wherever it was typed. */
function projectPath(project: Project, cwd: string, typed: string): RelPath {
  const absolute = typed.startsWith("/") ? typed : `${cwd}/${typed}`;
  const segments: string[] = [];
  for (const segment of absolute.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  const path = `/${segments.join("/")}`;
  if (!path.startsWith(`${project.root}/`)) {
    throw badTrack(
      `"${typed}" lies outside of the project`,
      `tracked data lies below "${project.root}"; copy it there`,
    );
  }
  return parseRelPath(path.slice(project.root.length + 1));
}

function refuse(project: Project, path: RelPath, about: { pipeline: Pipeline; others: readonly RelPath[] }): void {
  const stat = statPath(`${project.root}/${path}`);
  if (stat === undefined) {
    throw badTrack(
      `there is nothing at "${path}"`,
      "check the path; data that was tracked comes back with `pivot checkout`",
    );
  }
  if (path === PIVOT_FOLDER || path.startsWith(`${PIVOT_FOLDER}/`) || /(^|\/)\.git(\/|$)/.test(path)) {
    throw badTrack(`"${path}" is kept by pivot or git itself`, "track data alone");
  }
  const overlaps = (other: string) => other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`);
  for (const stage of about.pipeline.stages) {
    const out = stage.outs.find((each) => overlaps(each.path));
    if (out === undefined) continue;
    throw badTrack(
      `"${path}" overlaps "${out.path}", which stage "${stage.name}" makes`,
      "outputs of stages are recorded with them",
    );
  }
  const nested = about.others.find((other) => other !== path && overlaps(other));
  if (nested === undefined) return;
  throw badTrack(`"${path}" overlaps "${nested}", which is tracked`, `run \`pivot untrack ${nested}\` first`);
}

function badTrack(message: string, hint: string): PivotError {
  return new PivotError(message, { code: "bad-track", kind: "usage", hint });
}
