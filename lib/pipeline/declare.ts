// What a user writes: stage(), dep(), out() and their kin, with types that flow from loaders into `run` and back.
// Invariant: declaring does nothing; a stage object is plain data and functions.

import type { Json, JsonObject, SourceSpot } from "../core/mod.ts";
import { isLoader, type Loader, metricLoader, path as pathLoader, type PathLoader } from "./loaders.ts";
import type { OutKind, PlotSpec, StagePermissions } from "./spec.ts";

/** A declared dependency whose loaded value is a `Value`. */
export interface Dep<Value> {
  /** Tells dependencies from outputs. */
  readonly kind: "dep";
  /** As declared, relative to the project root. */
  readonly path: string;
  /** How the stage gets it. */
  readonly loader: Loader<unknown>;
  /** Carries the type alone; never set. */
  readonly valueType?: Value;
}

/** A declared output whose returned value is a `Value`; with `ByPath` the stage writes the file itself. */
export interface Out<Value, ByPath extends boolean = false> {
  /** How it is kept. */
  readonly kind: OutKind;
  /** As declared; a folder ends with `/`. */
  readonly path: string;
  /** How the returned value is saved. */
  readonly loader: Loader<unknown>;
  /** Options as declared. */
  readonly options: OutOptions & PlotOptions;
  /** True when the stage writes the file itself. */
  readonly byPath: ByPath;
  /** Carries the type alone; never set. */
  readonly valueType?: Value;
}

/** Options of an output. */
export interface OutOptions {
  /** Keep it in the cache and out of git. @default true; false for metrics */
  readonly cache?: boolean;
  /** Do not remove it before the stage runs. @default false */
  readonly persist?: boolean;
}

/** Options of a plot. */
export interface PlotOptions extends PlotSpec {}

/** The value of a path: of one file, or for `"folder/"` a map from relative path to value. */
export type ValueAt<Path extends string, Value> = Path extends `${string}/` ? Readonly<Record<string, Value>> : Value;

/**
 * Declares a dependency: a file, or a folder when `path` ends with `/`.
 *
 * @param path Relative to the project root.
 * @param loader How the stage gets it. Without one it gets the absolute path.
 */
export function dep(path: string): Dep<string>;
/** Declares a dependency that the stage handles by its path. */
export function dep(path: string, loader: PathLoader): Dep<string>;
/** Declares a dependency whose values a loader reads or writes; a path that ends with `/` stands for a map from relative path to value. */
export function dep<const Path extends string, Value>(path: Path, loader: Loader<Value>): Dep<ValueAt<Path, Value>>;
export function dep(path: string, loader: Loader<unknown> = pathLoader()): Dep<unknown> {
  return { kind: "dep", path, loader };
}

/**
 * Declares an output: kept in the cache, not in git. A path that ends with `/` is a folder with all that is in it.
 *
 * @param path Relative to the project root.
 * @param loader How the returned value is saved. Without one the stage writes to the path itself.
 */
export function out(path: string, options?: OutOptions): Out<string, true>;
/** Declares an output that the stage handles by its path. */
export function out(path: string, loader: PathLoader, options?: OutOptions): Out<string, true>;
/** Declares an output whose values a loader reads or writes; a path that ends with `/` stands for a map from relative path to value. */
export function out<const Path extends string, Value>(
  path: Path,
  loader: Loader<Value>,
  options?: OutOptions,
): Out<ValueAt<Path, Value>>;
export function out(path: string, second?: unknown, third?: OutOptions): Out<unknown, boolean> {
  return makeOut("out", path, second, third);
}

/** Declares an output that the stage updates: its last content is there, as a writable copy, when the stage starts. */
export function incremental(path: string, options?: OutOptions): Out<string, true>;
/** Declares an incremental output that the stage handles by its path. */
export function incremental(path: string, loader: PathLoader, options?: OutOptions): Out<string, true>;
/** Declares an incremental output whose values a loader reads or writes; a path that ends with `/` stands for a map from relative path to value. */
export function incremental<const Path extends string, Value>(
  path: Path,
  loader: Loader<Value>,
  options?: OutOptions,
): Out<ValueAt<Path, Value>>;
export function incremental(
  path: string,
  second?: unknown,
  third?: OutOptions,
): Out<unknown, boolean> {
  return makeOut("incremental", path, second, third);
}

/** Declares figures: a small JSON or YAML file, kept in git and not in the cache, compared by `pivot metrics`. */
export function metric<Value extends Json | object = Json | object>(path: string, options?: OutOptions): Out<Value>;
/** Declares a metric that the stage handles by its path. */
export function metric(path: string, loader: PathLoader, options?: OutOptions): Out<string, true>;
/** Declares a metric that a loader of one's own saves. */
export function metric<Value>(path: string, loader: Loader<Value>, options?: OutOptions): Out<Value>;
export function metric(path: string, second?: unknown, third?: OutOptions): Out<unknown, boolean> {
  const given = isLoader(second) ? second : metricLoader(path);
  const options = isLoader(second) ? third : second as OutOptions | undefined;
  return { kind: "metric", path, loader: given, options: { cache: false, ...options }, byPath: given.byPath };
}

/** Declares a picture or a table to be drawn, kept in the cache, shown by `pivot plots`. */
export function plot(path: string, options?: OutOptions & PlotOptions): Out<string, true>;
/** Declares a plot that the stage handles by its path. */
export function plot(path: string, loader: PathLoader, options?: OutOptions & PlotOptions): Out<string, true>;
/** Declares a plot whose values a loader reads or writes; a path that ends with `/` stands for a map from relative path to value. */
export function plot<const Path extends string, Value>(
  path: Path,
  loader: Loader<Value>,
  options?: OutOptions & PlotOptions,
): Out<ValueAt<Path, Value>>;
export function plot(
  path: string,
  second?: unknown,
  third?: OutOptions & PlotOptions,
): Out<unknown, boolean> {
  return makeOut("plot", path, second, third);
}

function makeOut(
  kind: OutKind,
  path: string,
  second: unknown,
  third: (OutOptions & PlotOptions) | undefined,
): Out<unknown, boolean> {
  const given = isLoader(second) ? second : pathLoader();
  const options = (isLoader(second) ? third : second as OutOptions & PlotOptions | undefined) ?? {};
  return { kind, path, loader: given, options, byPath: given.byPath };
}

/** Dependencies by name: declared paths, or outputs of other stages. */
export type Deps = Readonly<Record<string, Dep<unknown> | Out<unknown, boolean>>>;
/** Outputs by name, or a single one. */
export type Outs = Out<unknown, boolean> | Readonly<Record<string, Out<unknown, boolean>>>;
/** Values that a matrix combines. */
export type Matrix = Readonly<Record<string, readonly (string | number | boolean)[]>>;

/** What `run` gets: every dependency, loaded. */
export type Loaded<D extends Deps> = { readonly [Key in keyof D]: LoadedOne<D[Key]> };
/** Part of the types of `run`. */
export type LoadedOne<D> = D extends Dep<infer Value> ? Value : D extends Out<infer Value, boolean> ? Value : never;

/** What `run` returns: the value of a single output, or one value per named output that it does not write itself. */
export type Returned<O extends Outs> = O extends Out<infer Value, infer ByPath> ? ByPath extends true ? void : Value
  : O extends Readonly<Record<string, Out<unknown, boolean>>>
    ? keyof ReturnedMap<O> extends never ? void | Readonly<Record<string, never>> : ReturnedMap<O>
  : never;
/** Part of the types of `run`. */
export type ReturnedMap<O> = {
  readonly [Key in keyof O as O[Key] extends Out<unknown, true> ? never : Key]: O[Key] extends Out<infer Value, boolean>
    ? Value
    : never;
};

/** Absolute paths of the outputs, by name; a single output has the name `out`. */
export type OutPaths<O extends Outs> = O extends Out<unknown, boolean> ? { readonly out: string }
  : { readonly [Key in keyof O]: string };

/** Parameters as `run` sees them: literals widened, matrix values merged in. */
export type ParamValues<P, M extends Matrix> =
  & { readonly [Key in keyof P]: Widen<P[Key]> }
  & { readonly [Key in keyof M]: M[Key][number] };
/** Part of the types of `run`. */
export type Widen<T> = T extends string ? string
  : T extends number ? number
  : T extends boolean ? boolean
  : T extends readonly (infer Item)[] ? readonly Widen<Item>[]
  : T extends object ? { readonly [Key in keyof T]: Widen<T[Key]> }
  : T;

/** What `run` gets beside its dependencies. */
export interface StageContext<O extends Outs = Outs, P = JsonObject> {
  /** Parameters, with overrides and matrix values merged in. */
  readonly params: P;
  /** Absolute paths by output name. */
  readonly outs: OutPaths<O>;
  /** Last value of each incremental output that has a loader, or what its loader's `empty` gives. */
  readonly previous: Readonly<Record<string, unknown>>;
  /** Writes a line to the stage's log. */
  readonly log: (...values: unknown[]) => void;
  /** Aborted when the stage is stopped; the process ends soon after. */
  readonly signal: AbortSignal;
  /** Tells how far the stage is, 0 to 1, or null where it cannot know. */
  readonly progress: (fraction: number | null, message?: string) => void;
}

/** Options that every kind of stage has. */
export interface CommonOptions<D extends Deps, O extends Outs> {
  /** Dependencies by name. */
  readonly deps?: D;
  /** Outputs by name, or a single one. */
  readonly outs?: O;
  /** `"declared"` = may read its dependencies and write its outputs, nothing else. @default "inherit" */
  readonly permissions?: StagePermissions;
  /** Stages that share a mutex never run at once. */
  readonly mutex?: string | readonly string[];
  /** Milliseconds, or a text such as `90s`, `5m`, `2h`. @default none */
  readonly timeout?: number | string;
  /** Tries after the first failure. @default 0 */
  readonly retries?: number;
  /** Names of environment variables whose values count as inputs. */
  readonly env?: readonly string[];
  /** Globs of files that count as code though analysis cannot see them. */
  readonly code?: readonly string[];
  /** Run each time. @default false */
  readonly always?: boolean;
  /** Never run; take the outputs as they are. @default false */
  readonly frozen?: boolean;
}

/** A stage that is a function. */
export interface FunctionStageOptions<
  D extends Deps,
  O extends Outs,
  P,
  M extends Matrix,
  R extends Returned<O> | Promise<Returned<O>> = Returned<O> | Promise<Returned<O>>,
> extends CommonOptions<D, O> {
  /** Defaults; `params.yaml` and `--set` override them. */
  readonly params?: P;
  /** One stage per combination, named `train@0.1_a`; `{key}` in a path stands for the value. */
  readonly matrix?: M;
  /** The work: gets loaded dependencies, returns the values to save. */
  readonly run: (
    deps: Loaded<D>,
    context: StageContext<O, ParamValues<P, M>>,
  ) => R;
}

/** Nothing, unless `run` returns keys that are no outputs: then a demand that no stage meets, so that it does not compile. */
export type NoExtraOutputs<O extends Outs, R> = O extends Out<unknown, boolean> ? unknown
  // The keys of `any`, of `never` (a stage that only throws) and of open records are not known.
  : string extends keyof Awaited<R> ? unknown
  : [Exclude<keyof Awaited<R>, keyof Returned<O>>] extends [never] ? unknown
  : { readonly run: { readonly "returns what is no output": Exclude<keyof Awaited<R>, keyof Returned<O>> } };

/** A stage that is a program or a shell command. */
export interface CommandStageOptions<D extends Deps, O extends Outs> extends CommonOptions<D, O> {
  /** Program and arguments (no shell), or a text for the shell. */
  readonly cmd: string | readonly [string, ...string[]];
  /** Handed to the command as JSON in PIVOT_PARAMS. */
  readonly params?: JsonObject;
  /** One stage per combination; `{key}` in a path or argument stands for the value. */
  readonly matrix?: Matrix;
}

/** A stage that is a task of `deno.json`. */
export interface TaskStageOptions<D extends Deps, O extends Outs> extends CommonOptions<D, O> {
  /** The task's name. */
  readonly task: string;
  /** Handed to the task as JSON in PIVOT_PARAMS. */
  readonly params?: JsonObject;
  /** One stage per combination; `{key}` in a path stands for the value. */
  readonly matrix?: Matrix;
}

const STAGE: unique symbol = Symbol.for("pivot.stage") as never;

/** A declared stage. Its outputs can be dependencies of other stages. */
export interface Stage<O extends Outs = Outs> {
  /** Its outputs, which can be dependencies of other stages. */
  readonly outs: O;
  /** The options as they were given, for the rooms that read them. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Where it was declared. */
  readonly spot: SourceSpot | undefined;
}

/**
 * Declares a stage. Export it from `pivot.ts`; the export's name is the stage's name.
 *
 * @example
 * ```ts
 * import { csv, dep, out, stage } from "@pivot/pivot";
 * export const prepare = stage({
 *   deps: { raw: dep("data/raw.csv", csv()) },
 *   outs: { clean: out("data/clean.csv", csv()) },
 *   params: { threshold: 0.5 },
 *   run: ({ raw }, { params }) => ({ clean: raw.filter((row) => Number(row.score) > params.threshold) }),
 * });
 * console.assert(prepare.outs.clean.path === "data/clean.csv");
 * ```
 */
export function stage<
  D extends Deps = Record<never, never>,
  O extends Outs = Record<never, never>,
  P = Record<never, never>,
  const M extends Matrix = Record<never, never>,
  R extends Returned<O> | Promise<Returned<O>> = Returned<O>,
>(options: FunctionStageOptions<D, O, P, M, R> & NoExtraOutputs<O, R>): Stage<O>;
/** Declares a stage that is a program or a shell command. */
export function stage<D extends Deps = Record<never, never>, O extends Outs = Record<never, never>>(
  options: CommandStageOptions<D, O>,
): Stage<O>;
/** Declares a stage that is a task of `deno.json`. */
export function stage<D extends Deps = Record<never, never>, O extends Outs = Record<never, never>>(
  options: TaskStageOptions<D, O>,
): Stage<O>;
export function stage(options: object): Stage {
  const given = options as Readonly<Record<string, unknown>>;
  // The stack is kept as it is and read only when somebody asks: reading it costs more than all the rest.
  const place = new Error();
  const made = {
    outs: (given.outs ?? {}) as Outs,
    options: given,
    get spot() {
      return callerSpot(place.stack);
    },
  };
  Object.defineProperty(made, STAGE, { value: true });
  return Object.freeze(made);
}

/** Whether a value was made by {@linkcode stage}, by this or another copy of this module. */
export function isStage(value: unknown): value is Stage {
  return typeof value === "object" && value !== null && (value as Record<symbol, unknown>)[STAGE] === true;
}

/** The place of the call of `stage`, from the stack; undefined where the engine gives none. */
function callerSpot(stack: string | undefined): SourceSpot | undefined {
  const own = import.meta.url;
  for (const line of stack?.split("\n").slice(1) ?? []) {
    const found = /(file:\/\/\S+?|https?:\/\/\S+?):(\d+):(\d+)\)?$/.exec(line);
    if (found === null || found[1] === own) continue;
    return { file: found[1] ?? "", line: Number(found[2]), column: Number(found[3]) };
  }
  return undefined;
}
