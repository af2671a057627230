// How long each stage last ran on this machine.

import type { StageName } from "../core/mod.ts";
import type { State } from "../state/mod.ts";

/** Remembers a stage's last duration, in milliseconds; durable with the next commit. */
export function rememberDuration(state: State, stage: StageName, ms: number): void {
  state.kv("durations").put(stage, new TextEncoder().encode(String(Math.round(ms))));
}

/** Milliseconds that a stage last ran for; undefined if it never ran here. */
export function lastDuration(state: State, stage: StageName): number | undefined {
  const bytes = state.kv("durations").get(stage);
  return bytes === undefined ? undefined : Number(new TextDecoder().decode(bytes));
}
