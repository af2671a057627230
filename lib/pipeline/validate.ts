// What must hold between stages before anything runs. Invariant: all findings at once, each with its place; no I/O beyond
// asking whether a path exists.

import type { SourceSpot } from "../core/mod.ts";
import type { CycleLink } from "./cycle.ts";
import type { Findings } from "./expand.ts";
import { type GraphResult, type Producers } from "./graph.ts";
import type { OutSpec, StageSpec } from "./spec.ts";

/** What validation needs to know of the project's files. */
export interface ValidateUse {
  readonly findings: Findings;
  readonly exists: (path: string) => boolean;
  /** Whether dependencies may be missing. */
  readonly missingAllowed: boolean;
  /** The first folder above a path that is a symbolic link. */
  readonly linkAbove: (path: string) => string | undefined;
  readonly producers: Producers;
}

/** Checks names, outputs and dependencies. */
export function validateStages(stages: readonly StageSpec[], use: ValidateUse): void {
  checkNames(stages, use.findings);
  checkOutputs(stages, use.findings);
  checkLinks(stages, use);
  checkDependencies(stages, use);
}

/** Tells the shortest cycle by its stages and the paths between them. */
export function checkGraph(graph: GraphResult, stages: readonly StageSpec[], findings: Findings): void {
  if (graph.ok) return;
  const { cycle } = graph;
  const spot = stages.find((stage) => stage.name === cycle[0]?.from)?.spot ?? { file: "pivot.ts" };
  const names = [...cycle.map(({ from }) => from), ...cycle.slice(0, 1).map(({ from }) => from)];
  const more = cycle.length - MAX_LINKS;
  const links = cycle.slice(0, MAX_LINKS).map(describeLink).join(", ") + (more > 0 ? ` and ${more} more` : "");
  findings.add(`stages depend on each other in a circle: ${names.join(" → ")} (${links})`, {
    code: "cycle",
    spot,
    hint: "remove one of these dependencies, or split a stage",
    data: { cycle },
  });
}

/** Links of a cycle that are told in its message. */
const MAX_LINKS = 6;

function describeLink({ from, to, path }: CycleLink): string {
  return path === undefined ? `"${to}" comes after "${from}"` : `"${to}" needs "${path}" of "${from}"`;
}

function checkNames(stages: readonly StageSpec[], findings: Findings): void {
  const seen = new Map<string, SourceSpot>();
  for (const { name, spot } of stages) {
    const before = seen.get(name);
    if (before !== undefined) {
      findings.add(`two stages are called "${name}"; the other is at ${describeSpot(before)}`, {
        code: "duplicate-stage",
        spot,
      });
    }
    seen.set(name, spot);
  }
}

function describeSpot(spot: SourceSpot): string {
  return spot.line === undefined ? spot.file : `${spot.file}:${spot.line}`;
}

const RESERVED = /^\.(?:pivot|git)(?:\/|$)/;
const PROJECT_FILES = new Set(["pivot.ts", "pivot.yaml", "params.yaml", "deno.json", "deno.jsonc", "deno.lock"]);

interface Owner {
  readonly stage: StageSpec;
  readonly out: OutSpec;
}

function checkOutputs(stages: readonly StageSpec[], findings: Findings): void {
  const owners = new Map<string, Owner>();
  for (const stage of stages) {
    for (const out of stage.outs) {
      checkOutputPlace(stage, out, findings);
      const other = owners.get(out.path);
      if (other === undefined) owners.set(out.path, { stage, out });
      else reportClash(stage, out, { other: other.stage.name, findings });
    }
  }
  const ownersAbove = outerOwners(owners);
  for (const { stage, out } of owners.values()) {
    for (const outer of ownersAbove(out.path)) {
      // Outputs given by globs may share a folder: each keeps to its own files.
      if (outer.out.globs !== undefined && outer.stage === stage) continue;
      const inside = `output "${out.path}" of stage "${stage.name}" lies inside output "${outer.out.path}"`;
      findings.add(`${inside} of stage "${outer.stage.name}"`, {
        code: "nested-output",
        spot: stage.spot,
        hint: "give each output a path of its own",
      });
    }
  }
}

/** Who makes the folders above a path, nearest first; each folder is asked for once. */
function outerOwners(owners: ReadonlyMap<string, Owner>): (path: string) => readonly Owner[] {
  const known = new Map<string, readonly Owner[]>();
  const above = (path: string): readonly Owner[] => {
    const cut = path.lastIndexOf("/");
    if (cut <= 0) return [];
    const folder = path.slice(0, cut);
    const kept = known.get(folder);
    if (kept !== undefined) return kept;
    const own = owners.get(folder);
    const found = [...(own === undefined ? [] : [own]), ...above(folder)];
    known.set(folder, found);
    return found;
  };
  return above;
}

function checkOutputPlace(stage: StageSpec, out: OutSpec, findings: Findings): void {
  if (!RESERVED.test(out.path) && !PROJECT_FILES.has(out.path)) return;
  findings.add(`output "${out.path}" of stage "${stage.name}" would overwrite a file that the project needs`, {
    code: "reserved-output",
    spot: stage.spot,
    hint: "choose another path",
  });
}

function reportClash(stage: StageSpec, out: OutSpec, about: { other: string; findings: Findings }): void {
  const matrix = stage.name.includes("@") && stage.base === about.other.split("@")[0];
  about.findings.add(`output "${out.path}" is made by both "${about.other}" and "${stage.name}"`, {
    code: "duplicate-output",
    spot: stage.spot,
    hint: matrix ? 'put the matrix value into the path, as in "model-{lr}.json"' : "give each output a path of its own",
  });
}

/** An output below a link would be written, removed and linked somewhere else, perhaps outside the project. */
function checkLinks(stages: readonly StageSpec[], { findings, linkAbove }: ValidateUse): void {
  for (const stage of stages) {
    for (const { path } of stage.outs) {
      const link = linkAbove(path);
      if (link === undefined) continue;
      findings.add(`output "${path}" of stage "${stage.name}" lies below "${link}", which is a symbolic link`, {
        code: "output-through-link",
        spot: stage.spot,
        hint: "name a path that goes through no link",
      });
    }
  }
}

function checkDependencies(stages: readonly StageSpec[], use: ValidateUse): void {
  const { producers } = use;
  const names = new Set(stages.map((stage) => stage.name));
  for (const stage of stages) {
    const { action } = stage;
    if (action.type === "module" && action.module !== "" && !use.exists(action.module)) {
      use.findings.add(`stage "${stage.name}" runs "${action.export}" of "${action.module}", which is not there`, {
        code: "module-not-found",
        spot: stage.spot,
        hint: "correct the path; it is relative to the project root",
      });
    }
    for (const name of stage.after) {
      if (names.has(name)) continue;
      use.findings.add(`stage "${stage.name}" comes after "${name}", which does not exist`, {
        code: "unknown-stage",
        spot: stage.spot,
      });
    }
    for (const dep of stage.deps) {
      const own = stage.outs.find((out) => out.path === dep.path);
      if (own !== undefined && own.kind !== "incremental") {
        use.findings.add(`stage "${stage.name}" has "${dep.path}" as dependency and as output`, {
          code: "own-output",
          spot: stage.spot,
          hint: "declare it with incremental() if the stage updates it",
        });
      }
      if (
        dep.globs !== undefined || use.missingAllowed || producers.touching(dep.path).length > 0 || use.exists(dep.path)
      ) continue;
      use.findings.add(`stage "${stage.name}" needs "${dep.path}", which is not there and which no stage makes`, {
        code: "missing-dependency",
        spot: stage.spot,
        hint: "create the file, correct the path, or declare the stage that makes it",
      });
    }
  }
}
