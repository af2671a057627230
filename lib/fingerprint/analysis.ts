// What is remembered of one source file: its top-level units, its imports and exports. Plain JSON, kept in the state database
// under the file's content digest. Grows its version when the analysis says more or something else.

import type { Digest } from "../core/mod.ts";
import type { Use } from "./uses.ts";

/** Version of the analyser; analyses of another one are not used. */
export const ANALYSIS_VERSION = 1;

/** One top-level declaration, or a statement that does something. */
export interface Unit {
  /** Names that it binds; none for a statement. */
  readonly names: readonly string[];
  /** `function class const let var enum namespace default statement`. */
  readonly kind: string;
  /** Hash of the canonical text of what counts. */
  readonly hash: Digest;
  readonly uses: readonly Use[];
  readonly dynamicImports: readonly string[];
  readonly urls: readonly string[];
  readonly opaque: readonly string[];
  /** Evaluating it may change something beyond the names that it binds. */
  readonly acts: boolean;
  /** Binds something that can be changed through a reference: an object, an array, a `let`. */
  readonly stateful: boolean;
  readonly line: number;
  readonly column: number;
  /** For `X = stage({…})`: what each output brings to those that depend on it, by name. */
  readonly outs?: Readonly<Record<string, OutUnit>>;
}

/** The loader of one output of a stage. */
export interface OutUnit {
  readonly hash: Digest;
  readonly uses: readonly Use[];
}

/** One imported name. */
export interface Import {
  readonly local: string;
  readonly specifier: string;
  /** Name in the other module, `default`, or `*`. */
  readonly imported: string;
  /** `json`, `text`, `bytes` of an import attribute. */
  readonly as?: string;
}

/** One exported name. */
export type Export =
  | { readonly name: string; readonly local: string }
  | { readonly name: string; readonly specifier: string; readonly imported: string; readonly as?: string };

/** A source file, analysed. */
export interface FileAnalysis {
  readonly units: readonly Unit[];
  readonly imports: readonly Import[];
  readonly exports: readonly Export[];
  /** Specifiers of `export * from`. */
  readonly stars: readonly string[];
  /** Specifiers of everything that is evaluated, in order, types excluded. */
  readonly evaluates: readonly { readonly specifier: string; readonly as?: string }[];
}
