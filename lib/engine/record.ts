// Recording a good run. Invariants: blobs are in the cache before the lock names them; the lock is durable before the state
// says so; inputs that changed during the run are never recorded.

import type { Sight } from "../cache/mod.ts";
import type { Content, PathContent } from "../core/mod.ts";
import { PivotError } from "../core/mod.ts";
import type { StageCode } from "../fingerprint/mod.ts";
import type { OutSpec, StageSpec } from "../pipeline/mod.ts";
import { LOCK_VERSION, type LockedOut, type RunCacheEntry, type RunCacheOut, type StageLock } from "../state/mod.ts";
import { describeAction } from "./decide.ts";
import type { Workspace } from "./workspace.ts";

/** What is recorded. */
export interface Recording {
  readonly spec: StageSpec;
  readonly code: StageCode;
  readonly deps: readonly PathContent[];
  readonly outs: readonly LockedOut[];
}

/** The contents of a stage's dependencies. */
export function depContents(spec: StageSpec, contents: Sight): PathContent[] {
  const deps = new Map(spec.deps.map((dep) => [dep.path, dep]));
  return [...deps].flatMap(([path, dep]) => {
    const content = contents.get(dep);
    return content === undefined ? [] : [{ path, content }];
  });
}

/**
 * The contents of a stage's outputs after it ran.
 *
 * @throws {PivotError} `output-missing` naming what the stage did not make.
 */
export function outContents(spec: StageSpec, contents: Sight): LockedOut[] {
  return spec.outs.map((out) => {
    const content = contents.get(out);
    if (content === undefined) throw missingOutput(spec, out);
    if (out.directory !== (content.type === "directory")) throw wrongKind(spec, out, content);
    return { path: out.path, content, kind: out.kind, cache: out.cache };
  });
}

function missingOutput(spec: StageSpec, out: OutSpec): PivotError {
  return new PivotError(`stage "${spec.name}" did not make its output "${out.path}"`, {
    code: "output-missing",
    spot: spec.spot,
    hint: "write the file at the declared path, or correct the declaration",
  });
}

function wrongKind(spec: StageSpec, out: OutSpec, content: Content): PivotError {
  const [found, wanted] = content.type === "directory" ? ["folder", "file"] : ["file", "folder"];
  return new PivotError(`stage "${spec.name}" made a ${found} at "${out.path}", declared is a ${wanted}`, {
    code: "output-missing",
    spot: spec.spot,
    hint: wanted === "file" ? `declare the folder as "${out.path}/"` : "declare the file without / at its end",
  });
}

/** The lock of a recording. */
export function lockOf(workspace: Workspace, { spec, code, deps, outs }: Recording): StageLock {
  return {
    version: LOCK_VERSION,
    action: describeAction(spec),
    codeDigest: code.digest,
    code: code.symbols,
    params: spec.params,
    env: workspace.envDigests(spec.env),
    deps,
    outs,
  };
}

const MAX_INLINE_BYTES = 64 * 1024;

/** The run-cache entry of a recording; small outputs that the cache does not hold go in as they are. */
export function runCacheEntryOf(workspace: Workspace, outs: readonly LockedOut[], runId: string): RunCacheEntry {
  return { runId, atMs: Date.now(), outs: outs.map((out) => withInline(workspace, out)) };
}

function withInline(workspace: Workspace, out: LockedOut): RunCacheOut {
  if (out.cache || out.content.type !== "file" || out.content.size > MAX_INLINE_BYTES) return out;
  const bytes = Deno.readFileSync(`${workspace.projectRoot}/${out.path}`);
  return { ...out, inline: bytes.toBase64() };
}
