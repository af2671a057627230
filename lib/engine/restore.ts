// Bringing a stage's outputs back. Invariant: after a restore the workspace and the lock say the same, and both are whole.

import type { Sight } from "../cache/mod.ts";
import { assert } from "../core/mod.ts";
import type { StageSpec } from "../pipeline/mod.ts";
import type { LockedOut, RunCacheOut } from "../state/mod.ts";
import { makeFolder, parentOf, statPath, writeDurable } from "../sys/mod.ts";
import type { Decision } from "./decision.ts";
import { codesOf } from "./plan.ts";
import { depContents, lockOf } from "./record.ts";
import type { Workspace } from "./workspace.ts";

/** Restores from the lock's own outputs, or from what the run cache knows of the same inputs. */
export async function restoreStage(
  workspace: Workspace,
  about: {
    readonly spec: StageSpec;
    readonly decision: Decision;
    readonly contents: Sight;
  },
): Promise<void> {
  const { spec, decision, contents } = about;
  const lock = workspace.locks.get(spec.name);
  const fromLock = decision.headline.type !== "run-cache" && lock !== undefined;
  const entry = decision.inputDigest === null ? undefined : workspace.state.runs.get(decision.inputDigest);
  const complete = fromLock && lock.outs.every((out) => out.cache || inPlace(out, contents));
  const outs: readonly RunCacheOut[] | undefined = complete ? lock.outs : entry?.outs;
  assert(outs !== undefined, `stage "${spec.name}" was to be restored from nothing`);
  restoreOuts(workspace, spec, outs.filter((out) => !inPlace(out, contents)));
  if (!fromLock) {
    const code = (await codesOf(workspace, [spec])).get(spec.name);
    assert(code?.ok === true, `stage "${spec.name}" was to be restored without its code`);
    const locked = outs.map(({ path, content, kind, cache }): LockedOut => ({ path, content, kind, cache }));
    workspace.locks.put(
      spec.name,
      lockOf(workspace, { spec, code: code.code, deps: depContents(spec, contents), outs: locked }),
    );
  }
  await workspace.state.commit();
}

function inPlace(out: LockedOut, contents: Sight): boolean {
  const now = contents.get(out);
  if (now?.hash !== out.content.hash) return false;
  return now.type !== "file" || out.content.type !== "file" || now.executable === out.content.executable;
}

function restoreOuts(workspace: Workspace, spec: StageSpec, outs: readonly RunCacheOut[]): void {
  const cached = outs.filter((out) => out.cache && out.inline === undefined);
  workspace.cache.checkout(
    cached.map((out) => ({
      path: out.path,
      content: out.content,
      writable: out.kind === "incremental",
      exact: spec.outs.find((each) => each.path === out.path)?.globs === undefined,
    })),
    workspace.checkoutMode === undefined ? {} : { mode: workspace.checkoutMode },
  );
  for (const out of outs) {
    if (out.inline === undefined) continue;
    const absolute = `${workspace.projectRoot}/${out.path}`;
    if (statPath(parentOf(absolute)) === undefined) makeFolder(parentOf(absolute));
    const executable = out.content.type === "file" && out.content.executable;
    writeDurable(absolute, Uint8Array.fromBase64(out.inline), { mode: executable ? 0o755 : 0o644 });
  }
}
