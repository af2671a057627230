// The only reader of environment variables (cloud credential chains excepted). Values of variables that count as inputs leave here
// as digests alone, since secrets must reach neither locks nor state.

import type { Digest } from "../core/mod.ts";
import { hashText } from "../sys/mod.ts";

/** What the environment says to Pivot itself. */
export interface Environment {
  /** Variables that override settings. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly noColor: boolean;
  /** A continuous-integration service runs us: plain output. */
  readonly ci: boolean;
  /** Reads any variable: those that a pipeline or a driver names. */
  readonly variable: (name: string) => string | undefined;
  /** Names of all variables. */
  readonly names: () => readonly string[];
  /** Absolute path of a folder of this user for what is on its way. */
  readonly scratch: string;
  /** Name of a step at which a crash test wants the process to be killed. */
  readonly crashAt: string | undefined;
}

/** Reads the environment once. */
export function readEnvironment(): Environment {
  const get = (name: string) => Deno.env.get(name);
  return {
    variables: {
      PIVOT_CACHE_DIR: get("PIVOT_CACHE_DIR"),
      PIVOT_JOBS: get("PIVOT_JOBS"),
      PIVOT_REMOTE: get("PIVOT_REMOTE"),
    },
    noColor: (get("NO_COLOR") ?? "") !== "",
    ci: (get("CI") ?? "") !== "",
    variable: get,
    names: () => Object.keys(Deno.env.toObject()),
    scratch: `${get("TMPDIR") ?? get("TEMP") ?? "/tmp"}/pivot-ci-${Deno.uid() ?? 0}`,
    crashAt: get("PIVOT_TEST_CRASH_AT"),
  };
}

/** Digests of variables by name; null = not set. */
export function envDigests(names: readonly string[]): Readonly<Record<string, Digest | null>> {
  return Object.fromEntries(names.map((name) => {
    const value = Deno.env.get(name);
    return [name, value === undefined ? null : hashText(value)];
  }));
}
