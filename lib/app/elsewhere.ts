// What a run asks of a remote: blobs that a skip or restore needs, and what others made of the same inputs. Invariants: opened only when
// something is missing; a remote that cannot be reached costs a run its help and not its success, and is told once.

import { PivotError, type StageName } from "../core/mod.ts";
import type { Decision, Elsewhere, Plan, Workspace } from "../engine/mod.ts";
import type { StageSpec } from "../pipeline/mod.ts";
import type { BlobRequest, Remote } from "../remote/mod.ts";
import type { RunCacheOut, StageLock } from "../state/mod.ts";
import type { Project } from "./open_project.ts";
import { blobRequests } from "./recorded.ts";
import { openRemote } from "./remotes.ts";
import { checkedEntry } from "./share_runs.ts";
import { fetchBlobs, type TransferOptions } from "./transfer.ts";

/** What bringing something from a remote tells. */
export type BringEvent =
  | {
    readonly type: "brought";
    readonly stage: string;
    readonly files: number;
    readonly bytes: number;
    readonly url: string;
  }
  | { readonly type: "problem"; readonly stage: string; readonly error: PivotError };

/** Options of {@linkcode openElsewhere}. */
export interface ElsewhereOptions {
  /** Which remote. */
  readonly name: string;
  readonly onEvent: (event: BringEvent) => void;
  /** Told of what is fetched at once before stages ask one by one. */
  readonly calls: Pick<TransferOptions, "signal" | "onPlan" | "onEvent">;
}

/** A remote that helps a run; dispose it to close its connections. */
export type OpenElsewhere = Elsewhere & AsyncDisposable;

/** Makes the helper; asks nothing yet. */
export function openElsewhere(project: Project, options: ElsewhereOptions): OpenElsewhere {
  let opened: Promise<Remote> | undefined;
  let isGone = false;
  const guarded = async <Value>(
    about: { readonly stage: string; readonly signal: AbortSignal | undefined; readonly otherwise: Value },
    act: (remote: Remote) => Promise<Value>,
  ): Promise<Value> => {
    if (isGone) return about.otherwise;
    try {
      opened ??= openRemote(project, { name: options.name });
      return await act(await opened);
    } catch (error) {
      about.signal?.throwIfAborted();
      if (!(error instanceof PivotError) || (error.kind !== "remote" && error.kind !== "integrity")) throw error;
      if (!isGone) options.onEvent({ type: "problem", stage: about.stage, error });
      isGone ||= error.kind === "remote";
      return about.otherwise;
    }
  };
  return {
    bring: (spec, decision, signal) =>
      guarded(
        { stage: spec.name, signal, otherwise: false },
        (remote) => bring({ project, remote, options }, { spec, decision }, signal === undefined ? {} : { signal }),
      ),
    prepare: (plan, { stages }) => {
      const blobs = missingBlobs(project, stages, plan);
      if (blobs.length === 0) return Promise.resolve(false);
      const { calls } = options;
      return guarded({ stage: "run", signal: calls.signal, otherwise: false }, async (remote) => {
        const { result } = await fetchBlobs(project, remote, blobs, calls);
        isGone = result?.errors.some(({ error }) => error.kind === "remote" && error.code !== "remote-refused") ??
          false;
        return (result?.pulled.length ?? 0) > 0;
      });
    },
    async [Symbol.asyncDispose]() {
      const remote = await opened?.catch(() => undefined);
      await remote?.[Symbol.asyncDispose]();
    },
  };
}

/**
 * Blobs that stages will be restored from if everything is as recorded: those of stages whose inputs are, and whose outputs are
 * neither in the workspace nor in the cache. What may change by a run upstream is left until then.
 */
function missingBlobs(
  workspace: Pick<Workspace, "locks" | "cache">,
  stages: readonly StageSpec[],
  plan: Plan,
): BlobRequest[] {
  const expected = new Set<StageName>();
  const blobs: BlobRequest[] = [];
  for (const { name } of stages) {
    const decision = plan.decisions.get(name);
    const lock = workspace.locks.get(name);
    if (decision === undefined || lock === undefined) continue;
    const isSettled = (decision.verdict === "restore" && decision.headline.type !== "run-cache") ||
      decision.reasons.some(({ type }) => type === "blob-missing");
    const waits = decision.reasons.flatMap((reason) => reason.type === "upstream" ? [reason.stage] : []);
    const isLater = decision.verdict === "pending" && waits.length === decision.reasons.length &&
      waits.every((stage) => expected.has(stage) && agree(workspace, stage, lock.deps));
    if (!isSettled && !isLater) continue;
    expected.add(name);
    for (const out of lock.outs) {
      if (!out.cache || plan.contents.get(out)?.hash === out.content.hash || workspace.cache.has(out.content)) continue;
      blobs.push(...blobRequests(out.path, out.content));
    }
  }
  return blobs;
}

/** Whether a record's inputs are what the upstream's record says it makes. */
function agree(workspace: Pick<Workspace, "locks">, upstream: StageName, deps: StageLock["deps"]): boolean {
  const made = new Map((workspace.locks.get(upstream)?.outs ?? []).map(({ path, content }) => [path, content.hash]));
  return deps.every(({ path, content }) => (made.get(path) ?? content.hash) === content.hash);
}

interface Bringing {
  readonly project: Project;
  readonly remote: Remote;
  readonly options: ElsewhereOptions;
}

interface Wanted {
  readonly spec: StageSpec;
  readonly decision: Decision;
}

type Call = { readonly signal?: AbortSignal };

async function bring(use: Bringing, wanted: Wanted, call: Call): Promise<boolean> {
  const { project } = use;
  const { spec, decision } = wanted;
  const lock = project.locks.get(spec.name);
  const outs = (lock?.outs ?? []).filter((out) => out.cache);
  if (decision.reasons.some(({ type }) => type === "blob-missing") && await fetchOuts(use, { spec, outs }, call)) {
    return true;
  }
  const { inputDigest } = decision;
  if (inputDigest === null || project.settings.sharedRunCache === false) return false;
  const run = await use.remote.pullRun(inputDigest, call);
  if (run === undefined) return false;
  const entry = checkedEntry(run.entry, { spec, url: use.remote.config.url, named: run.blobs });
  const cached = entry.outs.filter((out) => out.inline === undefined);
  if (!await fetchOuts(use, { spec, outs: cached }, call)) return false;
  // Blob before reference.
  project.state.runs.put(inputDigest, entry);
  return true;
}

/** @returns Whether all of it is here now. */
async function fetchOuts(
  { project, remote, options }: Bringing,
  { spec, outs }: { spec: StageSpec; outs: readonly Pick<RunCacheOut, "path" | "content">[] },
  call: Call,
): Promise<boolean> {
  await project.cache.audit(outs.map(({ content }) => content), call.signal);
  const blobs = outs.filter(({ content }) => !project.cache.has(content))
    .flatMap(({ path, content }) => blobRequests(path, content));
  if (blobs.length === 0) return true;
  const result = await remote.fetch(blobs, call);
  for (const { error } of result.errors.slice(0, 1)) options.onEvent({ type: "problem", stage: spec.name, error });
  const { url } = remote.config;
  if (result.pulled.length > 0) {
    const brought = { files: result.pulled.length, bytes: result.bytesTransferred };
    options.onEvent({ type: "brought", stage: spec.name, ...brought, url });
  }
  return result.success;
}
