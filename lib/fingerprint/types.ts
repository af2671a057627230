// What the engine asks of code fingerprints.

import type { Digest, PivotError, RelPath, SourceSpot } from "../core/mod.ts";
import type { StageSpec } from "../pipeline/mod.ts";

/** The code identity of one stage. */
export interface StageCode {
  /** Equal digests: nothing that can change what the stage does has changed. */
  readonly digest: Digest;
  /**
   * Manifest: `kind:name` (with ` (module path)` when a name repeats) to hash, sorted by key. Kinds are `function class const let enum
   * namespace import module json npm jsr https task command file`. It is written into the lock.
   */
  readonly symbols: Readonly<Record<string, Digest>>;
  /** Doubts worth a warning: widened modules, missing deno.lock. */
  readonly warnings: readonly string[];
}

/** Where a symbol of a manifest stands, and how the stage gets to it. */
export interface SymbolPlace {
  /** Where it stands; absent for packages. */
  readonly spot?: SourceSpot;
  /** Manifest keys from the stage's own symbol to this one, both included. */
  readonly chain: readonly string[];
}

/** Computes code identities from source, never importing user modules. */
export interface Fingerprinter {
  /** Analyses what changed since it was last analysed; must come before the synchronous questions about these stages. */
  prepare(stages: readonly StageSpec[]): Promise<void>;
  /**
   * Reads the modules that importing `module` would read; must come before {@linkcode Fingerprinter.moduleGraph}.
   *
   * @param onStale Called, and awaited, before the work begins, if something changed since it was last done.
   */
  prepareGraph(module: RelPath, onStale?: () => Promise<void>): Promise<void>;
  /**
   * The code identity of a stage.
   *
   * @throws {PivotError} `syntax-error` (kind `invalid`, with the place), `module-not-found`.
   */
  codeOf(stage: StageSpec): StageCode;
  /** Places of the symbols in the stage's manifest, worked out on demand. */
  placesOf(stage: StageSpec): ReadonlyMap<string, SymbolPlace>;
  /**
   * Every project file that importing `module` would read, with one digest over their contents and the resolved
   * versions of packages: equal digests mean that importing it declares the same.
   */
  moduleGraph(module: RelPath): { readonly digest: Digest; readonly files: readonly RelPath[] };
  /** Whether no file that this digest rests on can have been written since `timeMs` (milliseconds since the epoch). */
  graphSettledAt(module: RelPath, timeMs: number): boolean;
}

/** Result of asking for a code identity, as a value. */
export type CodeResult = { readonly ok: true; readonly code: StageCode } | {
  readonly ok: false;
  readonly error: PivotError;
};

/** Keeps per-file analyses between runs; the state database implements it. */
export interface AnalysisStore {
  get(key: string): Uint8Array | undefined;
  put(key: string, value: Uint8Array): void;
}
