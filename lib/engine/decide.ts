// Skip, restore or run: a pure function of what was declared, recorded and observed.
// Invariant: no I/O, no clock; the same facts give the same decision.

import {
  byCodeUnit,
  canonicalJson,
  type Content,
  type Digest,
  isJsonObject,
  type Json,
  jsonEqual,
  type JsonObject,
  type StageName,
} from "../core/mod.ts";
import type { CodeResult } from "../fingerprint/mod.ts";
import type { OutSpec, StageSpec } from "../pipeline/mod.ts";
import type { ScanRequest } from "../cache/mod.ts";
import type { LockedOut, RunCacheEntry, StageLock } from "../state/mod.ts";
import { hashText } from "../sys/mod.ts";
import type { Decision, Reason, Verdict } from "./decision.ts";

/** All that a decision rests on. */
export interface StageFacts {
  readonly spec: StageSpec;
  readonly code: CodeResult;
  /** The record of the last run; undefined if there is none. */
  readonly lock: StageLock | undefined;
  /** Content of dependencies and outputs in the workspace; undefined = nothing there. */
  readonly contentOf: (at: ScanRequest) => Content | undefined;
  /** Digests of the environment variables that count; null = not set. */
  readonly env: Readonly<Record<string, Digest | null>>;
  /** Whether the cache can give back this content, whole. */
  readonly restorable: (content: Content) => boolean;
  readonly runCache: (input: Digest) => RunCacheEntry | undefined;
  /** Upstream stages that will run or restore first, so that their outputs are not known yet. */
  readonly unsettled: readonly StageName[];
  readonly force: boolean;
}

/** Decides about one stage. */
export function decide(facts: StageFacts): Decision {
  const { spec } = facts;
  if (spec.frozen) return decision(spec, "skip", [{ type: "frozen" }], null);
  if (!facts.code.ok) {
    return decision(spec, "blocked", [{ type: "broken", message: facts.code.error.message }], null);
  }
  const changes = inputChanges(facts, facts.code.code.symbols);
  if (facts.unsettled.length > 0) return decideUnsettled(facts, changes);
  const missing = spec.deps.filter((dep) => dep.globs === undefined && facts.contentOf(dep) === undefined);
  if (missing.length > 0) {
    return decision(spec, "blocked", missing.map((dep) => ({ type: "dep-missing", path: dep.path })), null);
  }
  const { lock } = facts;
  if (!facts.force && !spec.always && lock !== undefined && changes.length === 0) {
    // The common case: nothing of what follows is needed.
    const differing = differingOuts(facts, lock);
    if (differing.length === 0) return decision(spec, "skip", [{ type: "up-to-date" }], null);
    return decideChangedOuts(facts, { lock, differing, input: inputDigest(facts, facts.code.code.digest) });
  }
  const input = inputDigest(facts, facts.code.code.digest);
  if (facts.force) return decision(spec, "run", [{ type: "forced" }, ...changes], input);
  if (spec.always) return decision(spec, "run", [{ type: "always" }, ...changes], input);
  const reasons: Reason[] = lock === undefined ? [{ type: "never-run" }] : changes;
  const entry = facts.runCache(input);
  if (entry !== undefined && canRestore(facts, entry)) {
    return decision(spec, "restore", [{ type: "run-cache", runId: entry.runId }, ...reasons], input);
  }
  return decision(spec, "run", reasons, input);
}

function decision(spec: StageSpec, verdict: Verdict, reasons: readonly Reason[], input: Digest | null): Decision {
  const headline = reasons[0] ?? { type: "up-to-date" as const };
  return { stage: spec.name, verdict, headline, reasons, inputDigest: input };
}

function decideUnsettled(facts: StageFacts, changes: readonly Reason[]): Decision {
  const waits = facts.unsettled.map((stage): Reason => ({ type: "upstream", stage }));
  const sure: Reason[] = facts.force ? [{ type: "forced" }] : facts.spec.always ? [{ type: "always" }] : [];
  if (sure.length > 0) return decision(facts.spec, "run", [...sure, ...waits], null);
  const known = changes.filter((reason) => reason.type !== "dep");
  return decision(facts.spec, "pending", [...waits, ...known], null);
}

interface DifferingOut {
  readonly out: LockedOut;
  readonly reason: Reason;
}

function differingOuts(facts: StageFacts, lock: StageLock): DifferingOut[] {
  return lock.outs.flatMap((out): DifferingOut[] => {
    const spec = facts.spec.outs.find((each) => each.path === out.path);
    const now = facts.contentOf(spec ?? out);
    if (now !== undefined && now.hash === out.content.hash && sameMode(now, out.content)) return [];
    return [{ out, reason: { type: now === undefined ? "out-missing" : "out-changed", path: out.path } }];
  });
}

/** Inputs are as recorded, outputs are not: they come back if they can. */
function decideChangedOuts(
  facts: StageFacts,
  about: { readonly lock: StageLock; readonly differing: readonly DifferingOut[]; readonly input: Digest },
): Decision {
  const { differing, input } = about;
  const reasons = differing.map(({ reason }) => reason);
  const lost = differing.find(({ out }) => !out.cache || !facts.restorable(out.content));
  if (lost === undefined) return decision(facts.spec, "restore", reasons, input);
  const entry = facts.runCache(input);
  if (entry !== undefined && canRestore(facts, entry)) return decision(facts.spec, "restore", reasons, input);
  return decision(facts.spec, "run", [...reasons, { type: "blob-missing", path: lost.out.path }], input);
}

function sameMode(now: Content, recorded: Content): boolean {
  return now.type === "file" && recorded.type === "file"
    ? now.executable === recorded.executable
    : now.type === recorded.type;
}

/** Whether every output of a run-cache entry is in place, inline, or in the cache. */
function canRestore(facts: StageFacts, entry: RunCacheEntry): boolean {
  return entry.outs.every((out) =>
    facts.contentOf(out)?.hash === out.content.hash || out.inline !== undefined || facts.restorable(out.content)
  );
}

function inputChanges(facts: StageFacts, symbols: Readonly<Record<string, Digest>>): Reason[] {
  const { spec, lock } = facts;
  if (lock === undefined) return [];
  return [
    ...codeChanges(lock, facts.code.ok ? facts.code.code.digest : lock.codeDigest, symbols),
    ...actionChanges(spec, lock),
    ...paramChanges(lock.params, spec.params, ""),
    ...envChanges(lock.env, facts.env),
    ...depChanges(facts, lock),
    ...outChanges(spec.outs, lock),
  ];
}

function codeChanges(lock: StageLock, digest: Digest, symbols: Readonly<Record<string, Digest>>): Reason[] {
  if (lock.codeDigest === digest) return [];
  const found: Reason[] = [];
  const names = new Set([...Object.keys(lock.code), ...Object.keys(symbols)]);
  for (const symbol of [...names].sort(byCodeUnit)) {
    const [before, now] = [lock.code[symbol] ?? null, symbols[symbol] ?? null];
    if (before === now) continue;
    const change = before === null ? "added" : now === null ? "removed" : "changed";
    found.push({ type: "code", change, symbol, old: before, new: now });
  }
  if (found.length > 0) return found.sort(changedFirst);
  // The order of effects can differ though no symbol does.
  return [{ type: "code", change: "changed", symbol: "order of evaluation", old: lock.codeDigest, new: digest }];
}

/** A changed symbol explains more than one that came or went with it. */
function changedFirst(a: Reason, b: Reason): number {
  const rank = (reason: Reason) => reason.type === "code" && reason.change === "changed" ? 0 : 1;
  return rank(a) - rank(b);
}

/** The identity of what is executed, apart from code that fingerprints see. */
export function describeAction(spec: StageSpec): string {
  const { action } = spec;
  if (action.type === "module") return "module";
  return canonicalJson(action.type === "command" ? ["command", action.command] : ["task", action.config, action.task]);
}

function actionChanges(spec: StageSpec, lock: StageLock): Reason[] {
  if (lock.action === describeAction(spec)) return [];
  return [{ type: "action", what: spec.action.type === "task" ? "task" : "command" }];
}

function paramChanges(before: Json, now: Json, prefix: string): Reason[] {
  if (jsonEqual(before, now)) return [];
  if (!isJsonObject(before) || !isJsonObject(now)) return [{ type: "param", key: prefix, old: before, new: now }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort(byCodeUnit);
  return keys.flatMap((key) =>
    paramChanges(before[key] ?? null, now[key] ?? null, prefix === "" ? key : `${prefix}.${key}`)
  );
}

function envChanges(
  before: Readonly<Record<string, Digest | null>>,
  now: Readonly<Record<string, Digest | null>>,
): Reason[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].sort(byCodeUnit);
  return names.filter((name) => before[name] !== now[name]).map((name) => ({ type: "env", name }));
}

function depChanges(facts: StageFacts, lock: StageLock): Reason[] {
  const before = new Map(lock.deps.map((dep) => [dep.path, dep.content.hash]));
  const found: Reason[] = [];
  for (const [path, dep] of new Map(facts.spec.deps.map((dep) => [dep.path, dep]))) {
    const old = before.get(path) ?? null;
    const now = facts.contentOf(dep)?.hash ?? null;
    before.delete(path);
    if (old !== now) found.push({ type: "dep", change: old === null ? "added" : "changed", path, old, new: now });
  }
  for (const [path, old] of before) found.push({ type: "dep", change: "removed", path, old, new: null });
  return found;
}

function outChanges(outs: readonly OutSpec[], lock: StageLock): Reason[] {
  const before = new Map(lock.outs.map((out) => [out.path, out]));
  const found: Reason[] = [];
  for (const out of outs) {
    const old = before.get(out.path);
    before.delete(out.path);
    if (old === undefined) found.push({ type: "outs-declared", change: "added", path: out.path });
    else if (old.kind !== out.kind || old.cache !== out.cache) {
      found.push({ type: "outs-declared", change: "changed", path: out.path });
    }
  }
  for (const path of before.keys()) found.push({ type: "outs-declared", change: "removed", path });
  return found;
}

const INPUT_FORMAT = 1;

/**
 * Identity of all inputs of a stage: equal digests must give equal outputs. Hash of canonical JSON of code, action,
 * parameters, dependency contents, environment digests and declared outputs.
 */
export function inputDigest(facts: Pick<StageFacts, "spec" | "contentOf" | "env">, code: Digest): Digest {
  const { spec } = facts;
  const deps: Record<string, string> = {};
  for (const dep of spec.deps) deps[dep.path] = identity(facts.contentOf(dep));
  const value: JsonObject = {
    format: INPUT_FORMAT,
    code,
    action: describeAction(spec),
    params: spec.params,
    env: facts.env,
    deps,
    outs: spec.outs.map((out) => [out.path, out.kind, out.directory, out.cache]),
  };
  return hashText(canonicalJson(value));
}

function identity(content: Content | undefined): string {
  if (content === undefined) return "none";
  return content.type === "file" ? `${content.hash}${content.executable ? "x" : ""}` : `${content.hash}/`;
}
