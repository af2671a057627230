// A decision about one stage: what will be done and every reason for it.
// Invariant: `status`, `--dry-run`, `--explain` and `run` all show this very value.

import type { Digest, Json, RelPath, StageName } from "../core/mod.ts";

/** What happens to a stage. */
export type Verdict =
  /** Nothing: all is as recorded. */
  | "skip"
  /** Outputs come back from the cache. */
  | "restore"
  /** The stage's code is executed. */
  | "run"
  /** Known only when the stages before it have run. */
  | "pending"
  /** Cannot run: an input is missing or the code is broken. */
  | "blocked";

/** One difference between now and the record. */
export type Reason =
  | { readonly type: "up-to-date" }
  | { readonly type: "never-run" }
  | { readonly type: "forced" }
  | { readonly type: "always" }
  | {
    readonly type: "code";
    readonly change: "added" | "removed" | "changed";
    /** Manifest key, `function:normalise`. */
    readonly symbol: string;
    readonly old: Digest | null;
    readonly new: Digest | null;
  }
  | { readonly type: "action"; readonly what: string }
  | { readonly type: "param"; readonly key: string; readonly old: Json | null; readonly new: Json | null }
  | { readonly type: "env"; readonly name: string }
  | {
    readonly type: "dep";
    readonly change: "added" | "removed" | "changed";
    readonly path: RelPath;
    readonly old: Digest | null;
    readonly new: Digest | null;
  }
  | { readonly type: "dep-missing"; readonly path: RelPath }
  | { readonly type: "outs-declared"; readonly change: "added" | "removed" | "changed"; readonly path: RelPath }
  | { readonly type: "out-missing"; readonly path: RelPath }
  | { readonly type: "out-changed"; readonly path: RelPath }
  | { readonly type: "blob-missing"; readonly path: RelPath }
  | { readonly type: "run-cache"; readonly runId: string }
  | { readonly type: "upstream"; readonly stage: StageName }
  | { readonly type: "broken"; readonly message: string }
  | { readonly type: "frozen" };

/** What was decided about one stage. */
export interface Decision {
  readonly stage: StageName;
  readonly verdict: Verdict;
  /** The reason that a person is told first. */
  readonly headline: Reason;
  /** All reasons, the headline included, in a fixed order. */
  readonly reasons: readonly Reason[];
  /** Identity of all inputs; null where it cannot be known yet. */
  readonly inputDigest: Digest | null;
}

/** One sentence for a reason, without names of tools. */
export function describeReason(reason: Reason): string {
  switch (reason.type) {
    case "up-to-date":
      return "nothing changed";
    case "never-run":
      return "no record of a run";
    case "forced":
      return "forced";
    case "always":
      return "declared to run always";
    case "frozen":
      return "frozen";
    case "code":
      return `code ${reason.change}: ${reason.symbol}`;
    case "action":
      return `${reason.what} changed`;
    case "param":
      return `parameter ${reason.key}: ${show(reason.old)} -> ${show(reason.new)}`;
    case "env":
      return `environment variable ${reason.name} changed`;
    case "dep":
      return `dependency ${reason.change}: ${reason.path}`;
    case "dep-missing":
      return `dependency missing: ${reason.path}`;
    case "outs-declared":
      return `declared output ${reason.change}: ${reason.path}`;
    case "out-missing":
      return `output missing: ${reason.path}`;
    case "out-changed":
      return `output differs from its record: ${reason.path}`;
    case "blob-missing":
      return `not in the cache: ${reason.path}`;
    case "run-cache":
      return `same inputs as run ${reason.runId}`;
    case "upstream":
      return `waits for ${reason.stage}`;
    case "broken":
      return reason.message;
  }
}

function show(value: Json | null): string {
  return value === null ? "none" : JSON.stringify(value);
}
