// A declared stage as plain JSON: what is left when functions and loader objects are set aside.
// Invariant: a spec can be stored, compared and posted; deciding needs nothing else but the file system.

import type { JsonObject, RelPath, SourceSpot, StageName } from "../core/mod.ts";

/** What a stage runs. */
export type StageAction =
  /** A function: `export` names the stage object (or plain function) in `module`. */
  | { readonly type: "module"; readonly module: RelPath; readonly export: string }
  /** A program with its arguments (array, no shell) or a shell command (string). */
  | { readonly type: "command"; readonly command: string | readonly [string, ...string[]] }
  /** A task of a deno.json, with what decides its meaning. */
  | { readonly type: "task"; readonly config: RelPath; readonly task: string };

/** One declared dependency. */
export interface DepSpec {
  /** The name that `run` gets it under; for unnamed ones the path. */
  readonly name: string;
  /** File or folder. A folder counts with all that is in it. */
  readonly path: RelPath;
  /** Glob relative to the project instead of one path (stock deno tasks). `path` is then its fixed folder. */
  readonly globs?: readonly string[];
}

/** How an output is kept. */
export type OutKind = "out" | "metric" | "plot" | "incremental";

/** One declared output. */
export interface OutSpec {
  readonly name: string;
  readonly kind: OutKind;
  readonly path: RelPath;
  /** Declared as `"dir/"`: a folder with all that is in it. */
  readonly directory: boolean;
  /** Stored in the cache (and then not in git). */
  readonly cache: boolean;
  /** Not removed before the stage runs. */
  readonly persist: boolean;
  /** As {@linkcode DepSpec.globs}, for outputs of stock deno tasks. */
  readonly globs?: readonly string[];
  readonly plot?: PlotSpec;
}

/** How a plot is drawn. */
export interface PlotSpec {
  /** Column on the horizontal axis. */
  readonly x?: string;
  /** Column on the vertical axis. */
  readonly y?: string;
  /** Heading of the plot. */
  readonly title?: string;
  /** Kind of chart. */
  readonly template?: string;
}

/** What a stage may do. `declared` = read its dependencies, write its outputs, nothing else. */
export type StagePermissions = "inherit" | "declared" | Readonly<Record<string, boolean | readonly string[]>>;

/** One stage, declared. */
export interface StageSpec {
  readonly name: StageName;
  /** Name without the matrix suffix. */
  readonly base: string;
  readonly action: StageAction;
  readonly deps: readonly DepSpec[];
  readonly outs: readonly OutSpec[];
  /** Defaults, `params.yaml` and `--set` merged. */
  readonly params: JsonObject;
  /** Names of the environment variables that count as inputs. */
  readonly env: readonly string[];
  /** Globs of files that count as code though analysis cannot see them. */
  readonly code: readonly string[];
  readonly permissions: StagePermissions;
  /** Stages that share a mutex name never run at once. */
  readonly mutex: readonly string[];
  /** 0 = none. */
  readonly timeoutMs: number;
  /** Tries after the first failure. */
  readonly retries: number;
  /** Runs each time. */
  readonly always: boolean;
  /** Never runs: its outputs are taken as they are. */
  readonly frozen: boolean;
  /** Stages that must come first though no file says so (task dependencies). */
  readonly after: readonly StageName[];
  readonly spot: SourceSpot;
}

/** All stages of a project, validated, with the edges that files and `after` make. */
export interface Pipeline {
  /** In a stable topological order: upstream first, declaration order among equals. */
  readonly stages: readonly StageSpec[];
  readonly byName: ReadonlyMap<StageName, StageSpec>;
  /** Direct upstreams of each stage. */
  readonly upstream: ReadonlyMap<StageName, readonly StageName[]>;
  /** Direct downstreams of each stage. */
  readonly downstream: ReadonlyMap<StageName, readonly StageName[]>;
  /** The stage that makes a path (or the folder that holds it). */
  producerOf(path: RelPath): StageSpec | undefined;
}
