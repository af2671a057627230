// Incremental outputs: what the last good run left, as a writable copy. Invariant: nothing that only the workspace has is
// overwritten, unless a run of ours wrote it; a claim in the state says so, also after a kill.

import type { Sight } from "../cache/mod.ts";
import { PivotError } from "../core/mod.ts";
import type { OutSpec, StageSpec } from "../pipeline/mod.ts";
import type { LockedOut } from "../state/mod.ts";
import { removeTree } from "../sys/mod.ts";
import type { Workspace } from "./workspace.ts";

const CLAIMS = "incremental";

/**
 * Checks, before anything is touched, that starting the stage loses nothing.
 *
 * @throws {PivotError} `output-unknown`, `blob-missing`.
 */
export async function refuseUnrecorded(
  workspace: Workspace,
  { spec, contents, signal }: { readonly spec: StageSpec; readonly contents: Sight; readonly signal: AbortSignal },
): Promise<void> {
  const records = cachedIncremental(spec).flatMap((out) => recorded(workspace, spec, out)?.content ?? []);
  if (records.length > 0) await workspace.cache.audit(records, signal);
  const ours = workspace.state.kv(CLAIMS).get(spec.name) !== undefined;
  for (const out of cachedIncremental(spec)) {
    const now = contents.get(out);
    const before = recorded(workspace, spec, out);
    if (before !== undefined && !workspace.cache.has(before.content)) throw lost(spec, out);
    if (ours || now === undefined) continue;
    if (before === undefined) throw unknown(out);
    if (now.hash !== before.content.hash && !workspace.cache.has(now)) throw changed(out);
  }
}

/** From here on what is in the workspace is this stage's to write. */
export async function claimIncremental(workspace: Workspace, spec: StageSpec): Promise<void> {
  if (cachedIncremental(spec).length === 0) return;
  workspace.state.kv(CLAIMS).put(spec.name, new Uint8Array([1]));
  await workspace.state.commit();
}

/** What is in the workspace is recorded. */
export function releaseIncremental(workspace: Workspace, spec: StageSpec): void {
  if (cachedIncremental(spec).length > 0) workspace.state.kv(CLAIMS).delete(spec.name);
}

/** The output as the last good run left it, or gone if there was none. What is not cached is the stage's own to go on with. */
export function prepareIncremental(workspace: Workspace, spec: StageSpec, out: OutSpec): void {
  if (!out.cache) return;
  const before = recorded(workspace, spec, out);
  if (before === undefined) removeTree(`${workspace.projectRoot}/${out.path}`);
  else workspace.cache.checkout([{ path: out.path, content: before.content, writable: true }]);
}

function cachedIncremental(spec: StageSpec): readonly OutSpec[] {
  return spec.outs.filter((out) => out.kind === "incremental" && out.cache);
}

function recorded(workspace: Workspace, spec: StageSpec, out: OutSpec): LockedOut | undefined {
  return workspace.locks.get(spec.name)?.outs.find((each) => each.path === out.path && each.cache);
}

function unknown({ path }: OutSpec): PivotError {
  return new PivotError(`incremental output "${path}" exists, but no run made it`, {
    code: "output-unknown",
    hint: "move it away to start afresh, or run `pivot commit` to take it as it is",
  });
}

function changed({ path }: OutSpec): PivotError {
  return new PivotError(`incremental output "${path}" was changed since the last run, and the cache does not have it`, {
    code: "output-unknown",
    hint: `run \`pivot commit\` to go on from it, or \`pivot checkout --force ${path}\` to go on from the last run`,
  });
}

function lost(spec: StageSpec, { path }: OutSpec): PivotError {
  return new PivotError(`incremental output "${path}" cannot be restored: its content is not in the cache`, {
    code: "blob-missing",
    hint: `\`pivot pull ${spec.name}\` fetches it; to start afresh, remove .pivot/stages/${spec.name}.lock`,
  });
}
