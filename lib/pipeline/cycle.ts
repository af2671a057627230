// The shortest way in which stages wait for each other. Invariant: the same stages give the same cycle; among equally short ones
// it is the one of the stage that was declared first.

import type { RelPath, StageName } from "../core/mod.ts";

/** One step of a cycle: `to` needs what `from` makes. */
export interface CycleLink {
  readonly from: StageName;
  readonly to: StageName;
  /** The dependency that makes it so; absent where one task just comes after another. */
  readonly path?: RelPath;
}

/**
 * Names around the shortest cycle, downstream, the first one again at the end; empty if there is none.
 *
 * Breadth first from every stage, no deeper than the best cycle so far: linear for each stage at worst.
 *
 * @param names Stages in the order of their declaration.
 */
export function shortestCycle(
  names: readonly StageName[],
  upstream: ReadonlyMap<StageName, readonly StageName[]>,
): readonly StageName[] {
  const open = new Set(names);
  let best: readonly StageName[] = [];
  for (const start of names) {
    const found = cycleThrough(start, { upstream, open, limit: best.length === 0 ? Infinity : best.length - 1 });
    if (found !== undefined) best = found;
    // All cycles through it were looked at.
    open.delete(start);
  }
  return best;
}

interface Search {
  readonly upstream: ReadonlyMap<StageName, readonly StageName[]>;
  /** Stages that may be part of it. */
  readonly open: ReadonlySet<StageName>;
  /** Only cycles of fewer steps are wanted. */
  readonly limit: number;
}

function cycleThrough(start: StageName, { upstream, open, limit }: Search): StageName[] | undefined {
  const next = new Map<StageName, StageName>();
  let level: StageName[] = [start];
  for (let steps = 1; level.length > 0 && steps < limit; steps++) {
    const further: StageName[] = [];
    for (const name of level) {
      for (const up of upstream.get(name) ?? []) {
        if (up === start) return around(start, name, next);
        if (!open.has(up) || next.has(up)) continue;
        next.set(up, name);
        further.push(up);
      }
    }
    level = further;
  }
  return undefined;
}

/** From the start to what it leads to, up to the start itself. */
function around(start: StageName, first: StageName, next: ReadonlyMap<StageName, StageName>): StageName[] {
  const path: StageName[] = [start];
  for (let name: StageName | undefined = first; name !== undefined && name !== start; name = next.get(name)) {
    path.push(name);
  }
  return [...path, start];
}
