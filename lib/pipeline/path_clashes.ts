// Paths that are two here and one on the file systems of macOS and Windows. Pure. Invariant: warnings only, since a project may
// never leave the system that tells them apart.

import type { RelPath, StageName } from "../core/mod.ts";
import { parentsOf } from "./graph.ts";
import type { StageSpec } from "./spec.ts";

interface Owned {
  readonly path: RelPath;
  readonly stage: StageName;
}

/** What would clash where letter case, or the Unicode form of a letter, makes no difference. */
export function pathClashes(stages: readonly StageSpec[]): string[] {
  if (stages.every(hasPlainNames)) return [];
  const owners = new Map<string, Owned>();
  const warnings = new Set<string>(nameClashes(stages));
  const outs = stages.flatMap(({ name, outs }) => outs.map(({ path }): Owned => ({ path, stage: name })));
  for (const out of outs) {
    const other = owners.get(folded(out.path));
    if (other === undefined) owners.set(folded(out.path), out);
    else if (other.path !== out.path) {
      warnings.add(`${told("output", out)} and ${told("output", other)} ${difference(out, other)}: ${ONE_FILE}`);
    }
  }
  for (const out of outs) {
    for (const folder of parentsOf(out.path)) {
      const outer = owners.get(folded(folder));
      if (outer === undefined || outer.path === folder) continue;
      warnings.add(
        `${told("output", out)} lies inside ${
          told("output", outer)
        } on macOS and Windows, where "${folder}" and "${outer.path}" are one folder`,
      );
    }
  }
  for (const { name, deps } of stages) {
    for (const { path } of deps) {
      const out = owners.get(folded(path));
      if (out === undefined || out.path === path) continue;
      warnings.add(
        `${told("dependency", { path, stage: name })} and ${told("output", out)} ${
          difference({ path, stage: name }, out)
        }: the first stage does not wait for the second`,
      );
    }
  }
  return [...warnings];
}

const ONE_FILE = "they are one file on macOS and Windows";

function told(what: string, { path, stage }: Owned): string {
  return `${what} "${path}" of stage "${stage}"`;
}

function difference(a: Owned, b: Owned): string {
  return a.path.normalize("NFC") === b.path.normalize("NFC")
    ? "differ only in the Unicode form of their letters"
    : "differ only in letter case";
}

/** Records and logs are files that are named by the stage. */
function nameClashes(stages: readonly StageSpec[]): string[] {
  const seen = new Map<string, StageName>();
  return stages.flatMap(({ name }) => {
    const other = seen.get(folded(name));
    if (other === undefined) seen.set(folded(name), name);
    return other === undefined || other === name
      ? []
      : [`stages "${name}" and "${other}" differ only in letter case: their records are one file on macOS and Windows`];
  });
}

/** Two names that fold to one differ in a letter that is no small ASCII letter: without such letters nothing can clash. */
function hasPlainNames({ name, outs, deps }: StageSpec): boolean {
  return isPlain(name) && outs.every(({ path }) => isPlain(path)) && deps.every(({ path }) => isPlain(path));
}

function isPlain(text: string): boolean {
  return !/[A-Z\u0080-\uffff]/.test(text);
}

function folded(text: string): string {
  return text.normalize("NFC").toLowerCase();
}
