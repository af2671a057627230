// Bringing recorded outputs into the workspace without running anything.

import { type CheckoutMode, type Content, PivotError, type RelPath } from "../core/mod.ts";
import { statPath } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";
import { type RecordedItem, recordedItems, selectRecorded } from "./recorded.ts";

/** Options of {@linkcode checkout}. */
export interface CheckoutOptions {
  /** Stage names or output paths; none = all. */
  readonly targets: readonly string[];
  readonly mode?: CheckoutMode;
  /** Overwrite files that differ from every version the cache knows. @default false */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

/** What a checkout did. */
export interface CheckoutResult {
  readonly restored: readonly RelPath[];
  readonly unchanged: readonly RelPath[];
  /** Recorded, but their content is not in the cache. */
  readonly missing: readonly RelPath[];
  /** Left alone, since the workspace has content that no cache has. */
  readonly modified: readonly RelPath[];
}

/**
 * Checks out the outputs and tracked data that the records name.
 *
 * @throws {PivotError} `unknown-stage`; an explicit mode that does not work here.
 */
export async function checkout(project: Project, options: CheckoutOptions): Promise<CheckoutResult> {
  const { pipeline } = await project.load({
    inputsMayMiss: true,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const outs = await recordedItems(project, await selectRecorded(project, pipeline, options.targets));
  const seen = await project.scanner.observe(
    outs.map(({ path }) => ({ path })),
    options.signal === undefined ? {} : { signal: options.signal },
  );
  const changed = outs.filter((out) => options.mode !== undefined || !sameContent(seen.get(out), out.content));
  await project.cache.audit(changed.map((out) => out.content), options.signal);
  const result = {
    restored: [] as RelPath[],
    unchanged: [] as RelPath[],
    missing: [] as RelPath[],
    modified: [] as RelPath[],
  };
  for (const out of outs) {
    if (!changed.includes(out)) result.unchanged.push(out.path);
    else if (!project.cache.has(out.content)) result.missing.push(out.path);
    else if (options.force !== true && isOnlyHere(project, out, seen.get(out))) result.modified.push(out.path);
    else {
      project.cache.checkout([{ path: out.path, content: out.content, writable: out.writable }], {
        ...(options.mode === undefined ? {} : { mode: options.mode }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      result.restored.push(out.path);
    }
  }
  await project.state.commit();
  return result;
}

function sameContent(now: Content | undefined, recorded: Content): boolean {
  return now?.hash === recorded.hash && now.type === recorded.type &&
    (now.type !== "file" || recorded.type !== "file" || now.executable === recorded.executable);
}

/** Whether overwriting would lose something that cannot be brought back. */
function isOnlyHere(project: Project, out: RecordedItem, now: Content | undefined): boolean {
  if (now === undefined || now.hash === out.content.hash) return false;
  return statPath(`${project.root}/${out.path}`) !== undefined && !project.cache.has(now);
}

/** The error that names what could not be checked out. */
export function incompleteCheckout(result: CheckoutResult): PivotError | undefined {
  if (result.missing.length > 0) {
    return new PivotError(`not in the cache: ${result.missing.join(", ")}`, {
      code: "blob-missing",
      kind: "failed",
      hint: "run the stages that make them",
    });
  }
  if (result.modified.length === 0) return undefined;
  return new PivotError(`left alone, since they were changed by hand: ${result.modified.join(", ")}`, {
    code: "outputs-modified",
    kind: "failed",
    hint: "use --force to overwrite them",
  });
}
