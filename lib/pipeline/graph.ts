// The graph that paths make. Invariant: linear in the number of paths; the order is stable.

import type { RelPath, StageName } from "../core/mod.ts";
import { type CycleLink, shortestCycle } from "./cycle.ts";
import type { Pipeline, StageSpec } from "./spec.ts";

/** Finds the stage that makes a path: the path itself, or a folder that holds it. */
export class Producers {
  readonly #byPath: Map<string, StageSpec> = new Map();
  /** Folders above outputs, with the stages that make something in them. */
  readonly #below: Map<string, StageSpec[]> = new Map();

  constructor(stages: readonly StageSpec[]) {
    for (const stage of stages) {
      for (const { path } of stage.outs) {
        this.#byPath.set(path, stage);
        for (const folder of parentsOf(path)) {
          // What is above was noted already when its neighbour was.
          if (this.#below.get(folder)?.at(-1) === stage) break;
          push(this.#below, folder, stage);
        }
      }
    }
  }

  of(path: string): StageSpec | undefined {
    const own = this.#byPath.get(path);
    if (own !== undefined) return own;
    for (const folder of parentsOf(path)) {
      const found = this.#byPath.get(folder);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** All stages that make the path, something above it or something below it. */
  touching(path: string): readonly StageSpec[] {
    const own = this.of(path);
    return [...(own === undefined ? [] : [own]), ...(this.#below.get(path) ?? [])];
  }
}

function push<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

/** Folders above a path, nearest first. */
export function* parentsOf(path: string): Generator<string> {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) yield path.slice(0, at);
}

/** What {@linkcode buildGraph} found. */
export type GraphResult =
  | { readonly ok: true; readonly pipeline: Pipeline }
  | { readonly ok: false; readonly cycle: readonly CycleLink[] };

/** Orders the stages; a cycle is a value. */
export function buildGraph(stages: readonly StageSpec[], producers: Producers = new Producers(stages)): GraphResult {
  const byName = new Map(stages.map((stage) => [stage.name, stage]));
  const upstream = new Map<StageName, StageName[]>();
  const downstream = new Map<StageName, StageName[]>(stages.map((stage) => [stage.name, []]));
  for (const stage of stages) {
    const found = new Set<StageName>(stage.after.filter((name) => byName.has(name)));
    for (const dep of stage.deps) for (const maker of producers.touching(dep.path)) found.add(maker.name);
    // An incremental output may be named as a dependency too: a stage does not wait for itself.
    found.delete(stage.name);
    upstream.set(stage.name, [...found]);
    for (const name of found) downstream.get(name)?.push(stage.name);
  }
  const order = topologicalOrder(stages, upstream);
  if (order.length < stages.length) {
    const ordered = new Set(order);
    const stuck = stages.map(({ name }) => name).filter((name) => !ordered.has(name));
    return { ok: false, cycle: linksOf(shortestCycle(stuck, upstream), { byName, producers }) };
  }
  const sorted = order.flatMap((name) => byName.get(name) ?? []);
  return {
    ok: true,
    pipeline: { stages: sorted, byName, upstream, downstream, producerOf: (path: RelPath) => producers.of(path) },
  };
}

/** Depth first in declaration order: upstream before downstream, neighbours stay together. */
function topologicalOrder(
  stages: readonly StageSpec[],
  upstream: ReadonlyMap<StageName, readonly StageName[]>,
): StageName[] {
  const state = new Map<StageName, "open" | "done" | "stuck">();
  const order: StageName[] = [];
  for (const { name: start } of stages) {
    const stack: StageName[] = [start];
    for (let name = stack.at(-1); name !== undefined; name = stack.at(-1)) {
      const seen = state.get(name);
      const waiting = (upstream.get(name) ?? []).filter((up) => state.get(up) !== "done" && state.get(up) !== "stuck");
      if (seen === "done" || seen === "stuck") {
        stack.pop();
      } else if (seen === "open" || waiting.length === 0) {
        stack.pop();
        const good = (upstream.get(name) ?? []).every((up) => state.get(up) === "done");
        state.set(name, good ? "done" : "stuck");
        if (good) order.push(name);
      } else {
        state.set(name, "open");
        stack.push(...waiting.filter((up) => state.get(up) === undefined));
      }
    }
  }
  return order;
}

/** What leads from each stage of a cycle to the next. */
function linksOf(
  names: readonly StageName[],
  use: { readonly byName: ReadonlyMap<StageName, StageSpec>; readonly producers: Producers },
): CycleLink[] {
  return names.slice(1).map((to, at): CycleLink => {
    const from = names[at] ?? to;
    const dep = use.byName.get(to)?.deps.find(({ path }) =>
      use.producers.touching(path).some(({ name }) => name === from)
    );
    return { from, to, ...(dep === undefined ? {} : { path: dep.path }) };
  });
}
