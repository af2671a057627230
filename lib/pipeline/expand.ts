// From declarations to checked specs: names, paths, options, matrix, parameters. Invariant: every problem is found and told with
// its place; a spec that leaves here can be relied on.

import {
  isJsonObject,
  isStageName,
  type Json,
  type JsonObject,
  nearest,
  parseRelPath,
  PivotError,
  type PivotErrorOptions,
  PivotFindings,
  type RelPath,
  type SourceSpot,
  type StageName,
} from "../core/mod.ts";
import type { Declaration, DeclaredDep, DeclaredOut } from "./declaration.ts";
import { parseDuration } from "./duration.ts";
import { combinations, type Variant } from "./matrix.ts";
import type { ParamSources } from "./params.ts";
import type { DepSpec, OutSpec, StageAction, StagePermissions, StageSpec } from "./spec.ts";

const OPTIONS = [
  "params",
  "matrix",
  "permissions",
  "mutex",
  "timeout",
  "retries",
  "env",
  "code",
  "always",
  "frozen",
] as const;
const ALL_KEYS: readonly string[] = ["deps", "outs", "run", "cmd", "task", ...OPTIONS];

/** The project root, as the base of globs. */
const ROOT = "." as RelPath;

/** What is told of a finding beside its message. */
export type FindingOptions = Pick<PivotErrorOptions, "code" | "hint" | "data"> & {
  readonly spot: SourceSpot;
  readonly kind?: "invalid" | "usage";
};

/** Collects findings instead of throwing at the first. */
export class Findings {
  readonly all: PivotError[] = [];

  /** Adds one; it is the pipeline's fault unless `kind` says that the command line is to blame. */
  add(message: string, options: FindingOptions): void {
    this.all.push(new PivotError(message, { kind: "invalid", ...options }));
  }

  /** Everything found, as one error. What is wrong with the project comes before what is wrong with the command line. */
  error(): PivotFindings {
    const { usage = [], invalid = [] } = Object.groupBy(
      this.all,
      ({ kind }) => kind === "usage" ? "usage" : "invalid",
    );
    const what = invalid.length > 0 ? "the pipeline is not valid" : "the command line is not valid";
    return new PivotFindings(what, [...invalid, ...usage]);
  }

  /** Runs `read`; a PivotError becomes a finding at `spot`, and `fallback` the result. */
  guard<Value>(
    read: () => Value,
    at: { readonly spot: SourceSpot; readonly what: string; readonly fallback: Value },
  ): Value {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof PivotError)) throw error;
      this.add(`${at.what}: ${error.message}`, {
        code: error.code,
        spot: at.spot,
        ...(error.hint === undefined ? {} : { hint: error.hint }),
      });
      return at.fallback;
    }
  }
}

/** Checks one declaration and makes its stages: one, or one per matrix combination. */
export function expandDeclaration(declared: Declaration, params: ParamSources, findings: Findings): StageSpec[] {
  const { spot } = declared;
  const what = `stage "${declared.name}"`;
  for (const problem of declared.problems) findings.add(`${what}: ${problem}`, { code: "bad-stage", spot });
  if (!isStageName(declared.name) || declared.name.includes("@")) {
    findings.add(`"${declared.name}" is not a stage name`, {
      code: "bad-stage-name",
      spot,
      hint: "a name starts with a letter and goes on with letters, digits, - and _",
    });
    return [];
  }
  const options = new OptionReader(declared, findings);
  const variants = combinations(options.matrix(), { spot, what, findings });
  return variants.map((variant) => specOf(declared, variant, { options, params, findings }));
}

function specOf(
  declared: Declaration,
  variant: Variant,
  use: { options: OptionReader; params: ParamSources; findings: Findings },
): StageSpec {
  const name = `${declared.name}${variant.suffix}` as StageName;
  const what = `stage "${name}"`;
  const fill = (path: string) => fillPlaceholders(path, variant.values);
  const read = (path: string, label: string) =>
    // Globs of a stock task may start at the project's root, which no declared path may be.
    path === ROOT ? ROOT : use.findings.guard(() => parseRelPath(fill(path)), {
      spot: declared.spot,
      what: `${what}, ${label}`,
      fallback: undefined,
    });
  return {
    name,
    base: declared.name,
    action: actionOf(declared, { fill, read }),
    deps: declared.deps.flatMap((dep) => depOf(dep, read(dep.path, `dependency "${dep.name}"`))),
    outs: declared.outs.flatMap((out) => outOf(out, read(out.path, `output "${out.name}"`))),
    params: use.params.resolve({
      stage: name,
      base: declared.name,
      defaults: use.options.params(),
      variant: variant.values,
      fromFiles: declared.paramsFromFiles ?? false,
      spot: declared.spot,
      findings: use.findings,
    }),
    ...use.options.common(),
    after: (declared.after ?? []) as StageName[],
    spot: declared.spot,
  };
}

function actionOf(
  declared: Declaration,
  use: { fill: (text: string) => string; read: (path: string, label: string) => RelPath | undefined },
): StageAction {
  const { action } = declared;
  // An unusable path is a finding, so that what is returned for it is never run.
  if (action.type === "module") return { ...action, module: use.read(action.module, "module") ?? "" as RelPath };
  if (action.type === "task") return { ...action, config: action.config as RelPath };
  if (typeof action.command === "string") return { type: "command", command: action.command };
  const [program, ...args] = action.command;
  return { type: "command", command: [program ?? "", ...args.map(use.fill)] };
}

function depOf(dep: DeclaredDep, path: RelPath | undefined): DepSpec[] {
  if (path === undefined) return [];
  return [{ name: dep.name, path, ...(dep.globs === undefined ? {} : { globs: dep.globs }) }];
}

function outOf(out: DeclaredOut, path: RelPath | undefined): OutSpec[] {
  if (path === undefined) return [];
  return [{
    name: out.name,
    kind: out.kind,
    path,
    directory: out.path.endsWith("/") || out.globs !== undefined,
    cache: out.cache ?? out.kind !== "metric",
    persist: out.persist ?? false,
    ...(out.globs === undefined ? {} : { globs: out.globs }),
    ...(out.plot === undefined ? {} : { plot: out.plot }),
  }];
}

function fillPlaceholders(path: string, values: JsonObject): string {
  return !path.includes("{") ? path : path.replace(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole, key: string) => {
    const value = values[key];
    return value === undefined ? whole : String(value);
  });
}

/** Reads and checks the options of one declaration, once for all its variants. */
class OptionReader {
  readonly #declared: Declaration;
  readonly #findings: Findings;
  #common: CommonSpec | undefined;

  constructor(declared: Declaration, findings: Findings) {
    this.#declared = declared;
    this.#findings = findings;
    for (const key of Object.keys(declared.options)) {
      if ((OPTIONS as readonly string[]).includes(key)) continue;
      const meant = nearest(key, ALL_KEYS);
      this.#wrong(
        `has the unknown option "${key}"`,
        meant === undefined ? `known are ${ALL_KEYS.join(", ")}` : `did you mean "${meant}"?`,
      );
    }
  }

  params(): JsonObject {
    const { params } = this.#declared.options;
    if (params === undefined) return {};
    if (isJsonObject(params)) return params;
    this.#wrong("has `params` that are not a mapping");
    return {};
  }

  matrix(): JsonObject {
    const { matrix } = this.#declared.options;
    if (matrix === undefined) return {};
    if (isJsonObject(matrix)) return matrix;
    this.#wrong("has a `matrix` that is not a mapping from keys to lists");
    return {};
  }

  common(): CommonSpec {
    this.#common ??= {
      env: this.#texts("env"),
      code: this.#texts("code"),
      permissions: this.#permissions(),
      mutex: this.#texts("mutex"),
      timeoutMs: this.#duration(),
      retries: this.#retries(),
      always: this.#flag("always"),
      frozen: this.#flag("frozen"),
    };
    return this.#common;
  }

  #wrong(why: string, hint?: string): void {
    this.#findings.add(`stage "${this.#declared.name}" ${why}`, {
      code: "bad-option",
      spot: this.#declared.spot,
      ...(hint === undefined ? {} : { hint }),
    });
  }

  #texts(key: "env" | "code" | "mutex"): readonly string[] {
    const value = this.#declared.options[key];
    if (value === undefined) return [];
    if (typeof value === "string") return [value];
    if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
    this.#wrong(`has \`${key}\` that is not a list of texts`);
    return [];
  }

  #flag(key: "always" | "frozen"): boolean {
    const value = this.#declared.options[key];
    if (value === undefined || typeof value === "boolean") return value ?? false;
    this.#wrong(`has \`${key}\` that is neither true nor false`);
    return false;
  }

  #duration(): number {
    const value = this.#declared.options.timeout;
    if (value === undefined) return 0;
    if (typeof value !== "number" && typeof value !== "string") {
      this.#wrong("has a `timeout` that is not a duration", "write milliseconds, or a text such as 90s or 5m");
      return 0;
    }
    return this.#findings.guard(() => parseDuration(value), {
      spot: this.#declared.spot,
      what: `stage "${this.#declared.name}", timeout`,
      fallback: 0,
    });
  }

  #retries(): number {
    const value = this.#declared.options.retries;
    if (value === undefined) return 0;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    this.#wrong("has `retries` that are not a whole number of 0 or more");
    return 0;
  }

  #permissions(): StagePermissions {
    const value: Json | undefined = this.#declared.options.permissions;
    if (value === undefined || value === "inherit") return "inherit";
    if (this.#declared.action.type !== "module") {
      this.#wrong(
        "has `permissions`, which only function stages can be held to",
        "remove them, or write the stage as a function",
      );
      return "inherit";
    }
    if (value === "declared") return value;
    if (isJsonObject(value)) return this.#permissionObject(value);
    this.#wrong('has `permissions` that are not "inherit", "declared" or an object');
    return "inherit";
  }

  #permissionObject(value: JsonObject): StagePermissions {
    const known = ["read", "write", "net", "env", "run", "sys", "ffi", "import"];
    for (const [key, each] of Object.entries(value)) {
      const list = Array.isArray(each) && each.every((one) => typeof one === "string");
      if (known.includes(key) && (typeof each === "boolean" || list)) continue;
      this.#wrong(
        `has the unusable permission "${key}"`,
        `known are ${known.join(", ")}, each true, false or a list of texts`,
      );
    }
    return value as StagePermissions;
  }
}

type CommonSpec = Pick<
  StageSpec,
  "env" | "code" | "permissions" | "mutex" | "timeoutMs" | "retries" | "always" | "frozen"
>;
