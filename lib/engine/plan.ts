// Decides about many stages at once: one look at the workspace, then pure decisions in topological order.
// Invariant: changes nothing in the workspace; `status`, `--dry-run`, `--explain` and `run` all start here.

import { type Content, PivotError, PivotFindings, type RelPath, type StageName } from "../core/mod.ts";
import type { CodeResult } from "../fingerprint/mod.ts";
import type { StageSpec } from "../pipeline/mod.ts";
import type { LockWarning, StageLock } from "../state/mod.ts";
import { decide, inputDigest, type StageFacts } from "./decide.ts";
import type { Decision } from "./decision.ts";
import type { Workspace } from "./workspace.ts";

/** Options of {@linkcode planRun}. */
export interface PlanOptions {
  /** Stages to decide about, in topological order. */
  readonly stages: readonly StageSpec[];
  /** Run them whatever the records say. @default false */
  readonly force?: boolean;
  readonly signal?: AbortSignal;
}

/** Decisions about a set of stages. */
export interface Plan {
  readonly decisions: ReadonlyMap<StageName, Decision>;
  readonly warnings: readonly LockWarning[];
  /** Content that was seen, by path. */
  readonly contents: ReadonlyMap<RelPath, Content | undefined>;
}

/** Looks at the workspace and decides. */
export async function planRun(workspace: Workspace, options: PlanOptions): Promise<Plan> {
  const { stages } = options;
  const warnings = await workspace.locks.load(stages.map((stage) => stage.name));
  const codes = await codesOf(workspace, stages);
  const contents = await workspace.scanner.observe(pathsOf(workspace, stages), signalOf(options.signal));
  await auditCandidates(workspace, { stages, codes, contents, signal: options.signal });
  const decisions = new Map<StageName, Decision>();
  for (const spec of stages) {
    const unsettled = (workspace.pipeline.upstream.get(spec.name) ?? []).filter((name) => {
      const verdict = decisions.get(name)?.verdict;
      return verdict !== undefined && verdict !== "skip";
    });
    decisions.set(
      spec.name,
      decide(factsOf(workspace, { spec, codes, contents, unsettled, force: options.force ?? false })),
    );
  }
  return { decisions, warnings, contents };
}

/** Decides about one stage whose upstreams are settled. */
export async function decideNow(
  workspace: Workspace,
  spec: StageSpec,
  options: { readonly force: boolean; readonly signal: AbortSignal },
): Promise<{ readonly decision: Decision; readonly contents: Plan["contents"] }> {
  await workspace.locks.load([spec.name]);
  const codes = await codesOf(workspace, [spec]);
  const contents = await workspace.scanner.observe(pathsOf(workspace, [spec]), options);
  await auditCandidates(workspace, { stages: [spec], codes, contents, signal: options.signal });
  const decision = decide(factsOf(workspace, { spec, codes, contents, unsettled: [], force: options.force }));
  return { decision, contents };
}

function signalOf(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** Code identities; broken sources are values, so that stages that do not reach them are not held up. */
export async function codesOf(
  workspace: Workspace,
  stages: readonly StageSpec[],
): Promise<ReadonlyMap<StageName, CodeResult>> {
  await workspace.fingerprints.prepare(stages);
  return new Map(stages.map((spec) => [spec.name, codeOf(workspace, spec)]));
}

function codeOf(workspace: Workspace, spec: StageSpec): CodeResult {
  try {
    return { ok: true, code: workspace.fingerprints.codeOf(spec) };
  } catch (error) {
    if (error instanceof PivotError && error.kind === "invalid") return { ok: false, error };
    throw error;
  }
}

/** Throws what is wrong with the code of these stages, all of it at once. */
export function assertSound(codes: ReadonlyMap<StageName, CodeResult>): void {
  const errors = new Map<string, PivotError>();
  for (const code of codes.values()) if (!code.ok) errors.set(code.error.message, code.error);
  if (errors.size > 0) throw new PivotFindings("the pipeline's code is not valid", [...errors.values()]);
}

function pathsOf(workspace: Workspace, stages: readonly StageSpec[]): { path: RelPath; globs?: readonly string[] }[] {
  const found = new Map<RelPath, { path: RelPath; globs?: readonly string[] }>();
  for (const stage of stages) {
    for (const { path, globs } of [...stage.deps, ...stage.outs]) {
      found.set(path, { path, ...(globs === undefined ? {} : { globs }) });
    }
    for (const { path } of workspace.locks.get(stage.name)?.outs ?? []) if (!found.has(path)) found.set(path, { path });
  }
  return [...found.values()];
}

interface Sight {
  readonly stages: readonly StageSpec[];
  readonly codes: ReadonlyMap<StageName, CodeResult>;
  readonly contents: Plan["contents"];
  readonly signal: AbortSignal | undefined;
}

/** Makes sure that what may be restored is whole: blobs that nothing vouches for are hashed before a decision rests on them. */
async function auditCandidates(workspace: Workspace, sight: Sight): Promise<void> {
  const wanted: Content[] = [];
  for (const spec of sight.stages) {
    const lock = workspace.locks.get(spec.name);
    for (const out of lock?.outs ?? []) {
      if (out.cache && sight.contents.get(out.path)?.hash !== out.content.hash) wanted.push(out.content);
    }
    const code = sight.codes.get(spec.name);
    if (code?.ok !== true) continue;
    const facts = factsOf(workspace, { ...sight, spec, unsettled: [], force: false });
    const entry = workspace.state.runs.get(inputDigest(facts, code.code.digest));
    for (const out of entry?.outs ?? []) {
      if (out.cache && sight.contents.get(out.path)?.hash !== out.content.hash) wanted.push(out.content);
    }
  }
  if (wanted.length > 0) await workspace.cache.audit(wanted, sight.signal);
}

/** What `run --no-commit` left to be committed: it counts as the record until then. */
function pendingLock(workspace: Workspace, stage: StageName): StageLock | undefined {
  const bytes = workspace.state.kv("pending").get(stage);
  return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
}

function factsOf(
  workspace: Workspace,
  about: {
    readonly spec: StageSpec;
    readonly codes: ReadonlyMap<StageName, CodeResult>;
    readonly contents: Plan["contents"];
    readonly unsettled: readonly StageName[];
    readonly force: boolean;
  },
): StageFacts {
  const { spec } = about;
  const code = about.codes.get(spec.name);
  return {
    spec,
    code: code ??
      { ok: false, error: new PivotError(`stage "${spec.name}" has no code identity`, { code: "bug", kind: "bug" }) },
    lock: pendingLock(workspace, spec.name) ?? workspace.locks.get(spec.name),
    contentOf: (path) => about.contents.get(path),
    env: workspace.envDigests(spec.env),
    restorable: (content) => workspace.cache.has(content),
    runCache: (input) => workspace.state.runs.get(input),
    unsettled: about.unsettled,
    force: about.force,
  };
}
