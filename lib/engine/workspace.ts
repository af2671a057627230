// All that the engine works on, handed in by the app. Invariant: the engine builds none of this itself.

import type { CheckoutMode, Digest, StepHook } from "../core/mod.ts";
import type { Cache, Scanner } from "../cache/mod.ts";
import type { Fingerprinter } from "../fingerprint/mod.ts";
import type { Pipeline } from "../pipeline/mod.ts";
import type { Locks, State, Tracked } from "../state/mod.ts";

/** One project, open for deciding and running. */
export interface Workspace {
  readonly projectRoot: string;
  readonly pipeline: Pipeline;
  readonly state: State;
  readonly locks: Locks;
  readonly tracked: Tracked;
  readonly cache: Cache;
  readonly scanner: Scanner;
  readonly fingerprints: Fingerprinter;
  /** Digests of environment variables; null = not set. */
  readonly envDigests: (names: readonly string[]) => Readonly<Record<string, Digest | null>>;
  /** The `deno` that stages run with. */
  readonly deno: string;
  /** Starts the program that stages are compiled into, for one of them. */
  readonly selfCommand?: readonly [string, ...string[]];
  /** Only this mode for checkouts of this run, if one was asked for by name. */
  readonly checkoutMode?: CheckoutMode;
  /** For crash tests. */
  readonly onStep?: StepHook;
}
