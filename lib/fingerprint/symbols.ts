// What a name in code can stand for, and what is told of each thing that a stage reaches. Invariant: two references are the same
// thing exactly when their keys are equal.

import { type Digest, PivotError } from "../core/mod.ts";
import { hashText } from "../sys/mod.ts";
import type { Module } from "./modules.ts";
import type { Resolver, Target } from "./resolve.ts";

/** Something that a name can stand for. */
export type Ref =
  | { readonly type: "unit"; readonly path: string; readonly at: number }
  /** What one output of a stage brings along: its loader. */
  | { readonly type: "out"; readonly path: string; readonly at: number; readonly out: string }
  | { readonly type: "namespace"; readonly path: string }
  | { readonly type: "data"; readonly path: string }
  | { readonly type: "file"; readonly path: string }
  | { readonly type: "package"; readonly id: string; readonly hash: Digest }
  | { readonly type: "builtin"; readonly id: string }
  | { readonly type: "pivot" }
  | { readonly type: "global"; readonly name: string };

/** One reached symbol. */
export interface Reached {
  readonly ref: Ref;
  /** Kind and name for the manifest: `function:normalise`. */
  readonly label: string;
  /** Path of the file it stands in; empty for packages. */
  readonly path: string;
  readonly hash: Digest;
  readonly line: number;
  readonly column: number;
  /** Key of the symbol that led here; absent for the start. */
  readonly from: string | undefined;
}

/** What a stage reaches. */
export interface Reach {
  readonly symbols: ReadonlyMap<string, Reached>;
  /** Keys of included effects, in the order of evaluation. */
  readonly effects: readonly string[];
  readonly warnings: readonly string[];
}

/** Options of {@linkcode SymbolGraph}. */
export interface SymbolGraphOptions {
  readonly modules: ReadonlyMap<string, Module>;
  readonly resolver: Resolver;
  readonly entry: string;
  /** Content of a file that code names by URL. */
  readonly digestOf: (path: string) => Digest | undefined;
  /** Count `Deno.*` and `node:` by Deno's minor version. */
  readonly runtime: string | undefined;
  readonly shortPath: (path: string) => string;
  /** Identity of Pivot's own loaders. */
  readonly pivotHash: Digest;
}

/** Identity of a reference within one graph. */
export function keyOf(ref: Ref): string {
  switch (ref.type) {
    case "unit":
      return `unit ${ref.path} ${ref.at}`;
    case "out":
      return `out ${ref.path} ${ref.at} ${ref.out}`;
    case "package":
    case "builtin":
      return `${ref.type} ${ref.id}`;
    case "pivot":
      return "pivot";
    case "global":
      return `global ${ref.name}`;
    default:
      return `${ref.type} ${ref.path}`;
  }
}

/** A module that code imports is not on the disk. */
export function notFound(file: string): PivotError {
  return new PivotError(`module "${file}" is not there`, {
    code: "module-not-found",
    kind: "invalid",
    spot: { file },
    hint: "correct the import, or create the file",
  });
}

/** What a specifier stands for that leads out of the project. */
export function refOf(target: Exclude<Target, { type: "file" }>): Ref {
  return target.type === "unknown"
    ? { type: "package", id: target.specifier, hash: hashText(target.specifier) }
    : target;
}
