// All that the engine works on, handed in by the app. Invariant: the engine builds none of this itself.

import type { CheckoutMode, Digest, StepHook } from "../core/mod.ts";
import type { Cache, Scanner } from "../cache/mod.ts";
import type { Fingerprinter } from "../fingerprint/mod.ts";
import type { Pipeline, StageSpec } from "../pipeline/mod.ts";
import type { Decision } from "./decision.ts";
import type { Plan } from "./plan.ts";
import type { Locks, State, Tracked } from "../state/mod.ts";

/** A place that has what others made. */
export interface Elsewhere {
  /**
   * Brings at once what restores will need if everything is as recorded. Problems are told by it and not thrown.
   *
   * @returns Whether something came, so that all is decided again.
   */
  prepare(
    plan: Plan,
    about: { readonly stages: readonly StageSpec[]; readonly signal?: AbortSignal },
  ): Promise<boolean>;
  /**
   * Brings what spares a stage its run: blobs that its record names, or what others made of the same inputs. Problems of that place
   * are told by it and not thrown.
   *
   * @returns Whether something came, so that the stage is decided about again.
   */
  bring(spec: StageSpec, decision: Decision, signal?: AbortSignal): Promise<boolean>;
}

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
  /** Asked before a stage is run. */
  readonly elsewhere?: Elsewhere;
  /** For crash tests. */
  readonly onStep?: StepHook;
}
