// Decides about many stages at once: one look at the workspace, then pure decisions in topological order.
// Invariant: changes nothing in the workspace; `status`, `--dry-run`, `--explain` and `run` all start here.

import { type Content, type Digest, PivotError, PivotFindings, type RelPath, type StageName } from "../core/mod.ts";
import type { CodeResult } from "../fingerprint/mod.ts";
import type { StageSpec } from "../pipeline/mod.ts";
import type { ScanRequest, Sight } from "../cache/mod.ts";
import type { LockedOut, LockWarning, StageLock } from "../state/mod.ts";
import { decide, inputDigest, type StageFacts } from "./decide.ts";
import type { Decision } from "./decision.ts";
import { withTracked } from "./with_tracked.ts";
import type { Elsewhere, Workspace } from "./workspace.ts";

/** Options of {@linkcode planRun}. */
export interface PlanOptions {
  /** Stages to decide about, in topological order. */
  readonly stages: readonly StageSpec[];
  /** Run them whatever the records say. @default false */
  readonly force?: boolean;
  /** Ask `elsewhere` before a decision to run stands. @default false */
  readonly bring?: boolean;
  readonly signal?: AbortSignal;
}

/** Decisions about a set of stages. */
export interface Plan {
  readonly decisions: ReadonlyMap<StageName, Decision>;
  readonly warnings: readonly LockWarning[];
  /** Content that was seen. */
  readonly contents: Sight;
}

/** Looks at the workspace and decides. */
export async function planRun(workspace: Workspace, options: PlanOptions): Promise<Plan> {
  const { stages } = options;
  const warnings = await workspace.locks.load(stages.map((stage) => stage.name));
  const codes = await codesOf(workspace, stages);
  const contents = await look(workspace, stages, options.signal);
  const facts = { codes, contents, force: options.force ?? false };
  let decisions = decideAll(workspace, stages, facts);
  const open = stages.filter((spec) => decisions.get(spec.name)?.verdict !== "skip");
  // Blobs that nothing vouches for are hashed before a decision rests on them.
  if (await auditCandidates(workspace, { stages: open, codes, contents, signal: options.signal })) {
    decisions = decideAll(workspace, stages, facts);
  }
  if (workspace.elsewhere === undefined || open.length === 0) return { decisions, warnings, contents };
  const again = () => ({ decisions: decideAll(workspace, stages, facts), warnings, contents });
  return await askElsewhere(workspace.elsewhere, { decisions, warnings, contents }, { ...options, again });
}

/** What comes from elsewhere changes decisions. */
async function askElsewhere(
  elsewhere: Elsewhere,
  first: Plan,
  options: PlanOptions & { readonly again: () => Plan },
): Promise<Plan> {
  const { stages, signal, again } = options;
  if (options.force === true) return first;
  const about = signal === undefined ? { stages } : { stages, signal };
  const plan = await elsewhere.prepare(first, about) ? again() : first;
  if (options.bring !== true) return plan;
  let came = false;
  for (const spec of stages) {
    const decision = plan.decisions.get(spec.name);
    if (decision !== undefined) came = await bring(elsewhere, { spec, decision, signal }) || came;
  }
  return came ? again() : plan;
}

/** Whether something came from elsewhere that may spare this stage its run. */
async function bring(
  elsewhere: Elsewhere | undefined,
  { spec, decision, signal }: { spec: StageSpec; decision: Decision; signal: AbortSignal | undefined },
): Promise<boolean> {
  const { verdict, headline, inputDigest } = decision;
  if (elsewhere === undefined || verdict !== "run" || inputDigest === null) return false;
  if (headline.type === "forced" || headline.type === "always") return false;
  return await elsewhere.bring(spec, decision, signal);
}

function decideAll(
  workspace: Workspace,
  stages: readonly StageSpec[],
  facts: { readonly codes: ReadonlyMap<StageName, CodeResult>; readonly contents: Sight; readonly force: boolean },
): Map<StageName, Decision> {
  const decisions = new Map<StageName, Decision>();
  for (const spec of stages) {
    const unsettled = (workspace.pipeline.upstream.get(spec.name) ?? []).filter((name) => {
      const verdict = decisions.get(name)?.verdict;
      return verdict !== undefined && verdict !== "skip";
    });
    decisions.set(spec.name, decide(factsOf(workspace, { spec, ...facts, unsettled })));
  }
  return decisions;
}

/** Decides about one stage whose upstreams are settled. */
export async function decideNow(
  workspace: Workspace,
  spec: StageSpec,
  options: { readonly force: boolean; readonly signal: AbortSignal },
): Promise<{ readonly decision: Decision; readonly contents: Sight }> {
  await workspace.locks.load([spec.name]);
  const codes = await codesOf(workspace, [spec]);
  const contents = await look(workspace, [spec], options.signal);
  await auditCandidates(workspace, { stages: [spec], codes, contents, signal: options.signal });
  const facts = { spec, codes, contents, unsettled: [], force: options.force };
  const decision = decide(factsOf(workspace, facts));
  if (!await bring(workspace.elsewhere, { spec, decision, signal: options.signal })) return { decision, contents };
  return { decision: decide(factsOf(workspace, facts)), contents };
}

/** Everything that decisions about these stages rest on, tracked data that need not be here included. */
async function look(
  workspace: Workspace,
  stages: readonly StageSpec[],
  signal: AbortSignal | undefined,
): Promise<Sight> {
  const seen = await workspace.scanner.observe(pathsOf(workspace, stages), signal === undefined ? {} : { signal });
  return withTracked(seen, await workspace.tracked.load(), workspace.projectRoot);
}

/** Identity of a stage's inputs as they are now; undefined where it cannot be told. */
export async function inputsNow(
  workspace: Workspace,
  spec: StageSpec,
  signal: AbortSignal,
): Promise<Digest | undefined> {
  const code = (await codesOf(workspace, [spec])).get(spec.name);
  if (code?.ok !== true) return undefined;
  const requests = spec.deps.map(({ path, globs }) => ({ path, ...(globs === undefined ? {} : { globs }) }));
  const seen = await workspace.scanner.observe(requests, { signal });
  const contents = withTracked(seen, await workspace.tracked.load(), workspace.projectRoot);
  const facts = { spec, contentOf: (at: ScanRequest) => contents.get(at), env: workspace.envDigests(spec.env) };
  return inputDigest(facts, code.code.digest);
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

function pathsOf(workspace: Workspace, stages: readonly StageSpec[]): ScanRequest[] {
  const plain = new Set<RelPath>();
  const globbed: ScanRequest[] = [];
  for (const stage of stages) {
    for (const { path, globs } of [...stage.deps, ...stage.outs]) {
      if (globs === undefined) plain.add(path);
      else globbed.push({ path, globs });
    }
    for (const { path } of workspace.locks.get(stage.name)?.outs ?? []) plain.add(path);
  }
  return [...[...plain].map((path) => ({ path })), ...globbed];
}

interface Candidates {
  readonly stages: readonly StageSpec[];
  readonly codes: ReadonlyMap<StageName, CodeResult>;
  readonly contents: Sight;
  readonly signal: AbortSignal | undefined;
}

/** Hashes what may be restored and is not vouched for. @returns Whether there was anything to hash. */
async function auditCandidates(workspace: Workspace, about: Candidates): Promise<boolean> {
  const wanted: Content[] = [];
  const want = (outs: readonly LockedOut[]) => {
    for (const out of outs) {
      const differs = about.contents.get(out)?.hash !== out.content.hash;
      if (out.cache && differs && !workspace.cache.has(out.content)) wanted.push(out.content);
    }
  };
  for (const spec of about.stages) {
    want(workspace.locks.get(spec.name)?.outs ?? []);
    const code = about.codes.get(spec.name);
    if (code?.ok !== true) continue;
    const facts = factsOf(workspace, { ...about, spec, unsettled: [], force: false });
    want(workspace.state.runs.get(inputDigest(facts, code.code.digest))?.outs ?? []);
  }
  if (wanted.length > 0) await workspace.cache.audit(wanted, about.signal);
  return wanted.length > 0;
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
    readonly contents: Sight;
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
    contentOf: (at) => about.contents.get(at),
    env: workspace.envDigests(spec.env),
    restorable: (content) => workspace.cache.has(content),
    runCache: (input) => workspace.state.runs.get(input),
    unsettled: about.unsettled,
    force: about.force,
  };
}
