// pivot.yaml: overrides paths of declared stages and declares shell and task stages of its own.
// Invariant: an unknown key is a finding with line and column, never passed over.

import { isJsonObject, type Json, type JsonObject, nearest } from "../core/mod.ts";
import type { Declaration, DeclaredAction, DeclaredDep, DeclaredOut } from "./declaration.ts";
import type { Findings } from "./expand.ts";
import type { OutKind } from "./spec.ts";
import { asMapping, type ParsedYaml, placeIn } from "./yaml_file.ts";

/** The file's name. */
export const PIVOT_YAML = "pivot.yaml";

/** Keys of a stage. */
export const STAGE_KEYS: readonly string[] = [
  "module",
  "cmd",
  "task",
  "deps",
  "outs",
  "metrics",
  "plots",
  "incremental",
  "params",
  "matrix",
  "mutex",
  "timeout",
  "retries",
  "env",
  "code",
  "always",
  "frozen",
  "permissions",
  "after",
];
const OUT_SECTIONS: readonly (readonly [key: string, kind: OutKind])[] = [
  ["outs", "out"],
  ["metrics", "metric"],
  ["plots", "plot"],
  ["incremental", "incremental"],
];

/** A stage entry of pivot.yaml, not yet joined with what TypeScript declares. */
export interface YamlStage {
  readonly name: string;
  readonly fields: JsonObject;
}

/** The stage entries of a parsed pivot.yaml. */
export function yamlStages(parsed: ParsedYaml, findings: Findings): YamlStage[] {
  const top = asMapping(parsed.value);
  if (top === undefined) {
    findings.add(`"${PIVOT_YAML}" is not a mapping`, { code: "bad-yaml", spot: { file: PIVOT_YAML, line: 1 } });
    return [];
  }
  for (const key of Object.keys(top)) {
    if (key !== "stages") unknownKey(key, { known: ["stages"], parsed, path: key, findings });
  }
  const stages = asMapping(top.stages ?? null);
  if (stages === undefined) {
    findings.add("`stages` is not a mapping", { code: "bad-yaml", spot: placeIn(parsed, PIVOT_YAML, "stages") });
    return [];
  }
  return Object.entries(stages).flatMap(([name, value]) => {
    const fields = asMapping(value);
    const path = `stages.${name}`;
    if (fields === undefined) {
      findings.add(`stage "${name}" is not a mapping`, { code: "bad-yaml", spot: placeIn(parsed, PIVOT_YAML, path) });
      return [];
    }
    for (const key of Object.keys(fields)) {
      if (!STAGE_KEYS.includes(key)) unknownKey(key, { known: STAGE_KEYS, parsed, path: `${path}.${key}`, findings });
    }
    return [{ name, fields }];
  });
}

function unknownKey(
  key: string,
  about: { known: readonly string[]; parsed: ParsedYaml; path: string; findings: Findings },
): void {
  const meant = nearest(key, about.known);
  about.findings.add(`unknown key "${key}"`, {
    code: "unknown-key",
    spot: placeIn(about.parsed, PIVOT_YAML, about.path),
    hint: meant === undefined ? `known are ${about.known.join(", ")}` : `did you mean "${meant}"?`,
  });
}

/** Joins an entry with the declaration of the same stage, or makes one of its own. */
export function joinYaml(
  stage: YamlStage,
  declared: Declaration | undefined,
  use: { readonly parsed: ParsedYaml; readonly findings: Findings },
): Declaration | undefined {
  const spot = placeIn(use.parsed, PIVOT_YAML, `stages.${stage.name}`);
  const reader = new FieldReader(stage, use);
  const action = reader.action() ?? declared?.action;
  if (action === undefined) {
    use.findings.add(`stage "${stage.name}" has no cmd, task or module, and pivot.ts exports no stage of that name`, {
      code: "unknown-stage",
      spot,
      hint: `add \`cmd:\`, or export a stage called ${stage.name} from pivot.ts`,
    });
    return undefined;
  }
  return {
    name: stage.name,
    spot: declared?.spot ?? spot,
    action,
    deps: override(declared?.deps ?? [], reader.deps()),
    outs: override(declared?.outs ?? [], reader.outs()),
    options: { ...declared?.options, ...reader.options() },
    after: reader.texts("after"),
    problems: declared?.problems ?? [],
  };
}

/** Named entries replace the path of the entry with that name; new ones are added. */
function override<Entry extends DeclaredDep | DeclaredOut>(
  declared: readonly Entry[],
  given: readonly Entry[],
): Entry[] {
  const byName = new Map(declared.map((entry) => [entry.name, entry]));
  for (const entry of given) {
    const before = byName.get(entry.name);
    byName.set(
      entry.name,
      before === undefined ? entry : { ...before, ...entry, ...("kind" in before ? { kind: before.kind } : {}) },
    );
  }
  return [...byName.values()];
}

class FieldReader {
  readonly #stage: YamlStage;
  readonly #use: { readonly parsed: ParsedYaml; readonly findings: Findings };

  constructor(stage: YamlStage, use: { readonly parsed: ParsedYaml; readonly findings: Findings }) {
    this.#stage = stage;
    this.#use = use;
  }

  #wrong(key: string, why: string, hint?: string): void {
    this.#use.findings.add(`stage "${this.#stage.name}": \`${key}\` ${why}`, {
      code: "bad-yaml",
      spot: placeIn(this.#use.parsed, PIVOT_YAML, `stages.${this.#stage.name}.${key}`),
      ...(hint === undefined ? {} : { hint }),
    });
  }

  action(): DeclaredAction | undefined {
    const { cmd, task, module } = this.#stage.fields;
    const given = ["cmd", "task", "module"].filter((key) => this.#stage.fields[key] !== undefined);
    if (given.length > 1) this.#wrong(given[1] ?? "", `cannot stand beside \`${given[0]}\``);
    if (cmd !== undefined) {
      if (typeof cmd === "string" || isTexts(cmd)) return { type: "command", command: cmd };
      this.#wrong("cmd", "is neither a text nor a list of texts");
    }
    if (task !== undefined) {
      if (typeof task === "string") return { type: "task", config: "deno.json", task };
      this.#wrong("task", "is not a text");
    }
    if (module === undefined) return undefined;
    const found = typeof module === "string" ? /^(?:\.\/)?([^#]+)#([A-Za-z_$][\w$]*)$/.exec(module) : null;
    if (found !== null) return { type: "module", module: found[1] ?? "", export: found[2] ?? "" };
    this.#wrong("module", "is not a file and an export", "write it as ./stages.ts#train");
    return undefined;
  }

  texts(key: string): readonly string[] {
    const value = this.#stage.fields[key];
    if (value === undefined) return [];
    if (typeof value === "string") return [value];
    if (isTexts(value)) return value;
    this.#wrong(key, "is not a list of texts");
    return [];
  }

  deps(): DeclaredDep[] {
    return this.#paths("deps").map(({ name, path }) => ({ name, path }));
  }

  outs(): DeclaredOut[] {
    return OUT_SECTIONS.flatMap(([key, kind]) =>
      this.#paths(key).map(({ name, path, more }) => {
        const { cache, persist, ...plot } = more;
        return {
          name,
          kind,
          path,
          ...(typeof cache === "boolean" ? { cache } : {}),
          ...(typeof persist === "boolean" ? { persist } : {}),
          ...(Object.keys(plot).length > 0 ? { plot: plot as Record<string, string> } : {}),
        };
      })
    );
  }

  options(): JsonObject {
    const structure = ["cmd", "task", "module", "deps", "after", ...OUT_SECTIONS.map(([key]) => key)];
    return Object.fromEntries(
      Object.entries(this.#stage.fields).filter(([key]) => STAGE_KEYS.includes(key) && !structure.includes(key)),
    );
  }

  /** `[a, b]`, `{name: path}` or `{name: {path, …}}`. */
  #paths(key: string): { name: string; path: string; more: JsonObject }[] {
    const value = this.#stage.fields[key];
    if (value === undefined || value === null) return [];
    if (typeof value === "string") return [{ name: value, path: value, more: {} }];
    if (Array.isArray(value)) return value.flatMap((each, index) => this.#path(`${key}[${index}]`, undefined, each));
    if (isJsonObject(value)) {
      return Object.entries(value).flatMap(([name, each]) => this.#path(`${key}.${name}`, name, each));
    }
    this.#wrong(key, "is neither a list of paths nor a mapping from names to paths");
    return [];
  }

  #path(at: string, name: string | undefined, value: Json): { name: string; path: string; more: JsonObject }[] {
    if (typeof value === "string") return [{ name: name ?? value, path: value, more: {} }];
    if (isJsonObject(value) && typeof value.path === "string") {
      const { path, ...more } = value;
      for (const option of Object.keys(more)) {
        if (!["cache", "persist", "x", "y", "title", "template"].includes(option)) {
          this.#wrong(at, `has the unknown option "${option}"`);
        }
      }
      return [{ name: name ?? path, path, more }];
    }
    this.#wrong(at, "is neither a path nor a mapping with a path");
    return [];
  }
}

function isTexts(value: Json): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string");
}
