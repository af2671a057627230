// From decisions to explanations: places and chains of changed symbols are looked up only when asked for.

import type { SourceSpot, StageName } from "../core/mod.ts";
import { type Decision, describeReason, type Workspace } from "../engine/mod.ts";
import type { ExplainedSymbol, Explanation } from "../report/mod.ts";

/** Explains decisions, in the given order. */
export function explainDecisions(workspace: Workspace, decisions: Iterable<Decision>): Explanation[] {
  return [...decisions].map((decision) => explain(workspace, decision));
}

function explain(workspace: Workspace, decision: Decision): Explanation {
  const spec = workspace.pipeline.byName.get(decision.stage as StageName);
  const code = decision.reasons.filter((reason) => reason.type === "code");
  const places = spec === undefined || code.length === 0 ? new Map() : workspace.fingerprints.placesOf(spec);
  const symbols = code.map((reason): ExplainedSymbol => {
    const place = places.get(reason.symbol);
    return {
      change: reason.change,
      symbol: reason.symbol,
      old: reason.old,
      new: reason.new,
      chain: place?.chain ?? [],
      ...(place?.spot === undefined ? {} : { place: describeSpot(place.spot) }),
    };
  });
  const broken = decision.headline.type === "broken";
  const warnings = spec === undefined || broken ? [] : workspace.fingerprints.codeOf(spec).warnings;
  return {
    stage: decision.stage,
    verdict: decision.verdict,
    headline: describeReason(decision.headline),
    reasons: decision.reasons.filter((reason) => reason !== decision.headline && reason.type !== "code").map(
      describeReason,
    ),
    symbols,
    warnings,
  };
}

/** `file:line`, as editors and terminals link it. */
export function describeSpot(spot: SourceSpot): string {
  return [spot.file, spot.line, spot.column].filter((part) => part !== undefined).join(":");
}
