// Steps side by side. Invariants: at most `limit` at once; with `failFast` the first that does not succeed cancels the
// others; nothing is left running when this settles.

import type { Outcome } from "./events.ts";
import type { Step } from "./plan.ts";

/** Runs all steps and sums up: aborted from outside, else errored, else failed, else succeeded. */
export async function inParallel(
  step: Extract<Step, { type: "in_parallel" | "across" }>,
  options: {
    readonly signal: AbortSignal;
    readonly run: (step: Step, signal: AbortSignal) => Promise<Outcome>;
  },
): Promise<Outcome> {
  const others = new AbortController();
  const signal = AbortSignal.any([options.signal, others.signal]);
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async () => {
    while (!signal.aborted) {
      const each = step.steps[next++];
      if (each === undefined) return;
      const outcome = await options.run(each, signal);
      outcomes.push(outcome);
      if (outcome !== "succeeded" && step.failFast) others.abort(new DOMException("another step failed", "AbortError"));
    }
  };
  await Promise.all(Array.from({ length: Math.min(step.limit ?? step.steps.length, step.steps.length) }, work));
  if (options.signal.aborted) return "aborted";
  // What was cancelled because another step failed counts less than that failure.
  return (["errored", "failed", "aborted"] as const).find((outcome) => outcomes.includes(outcome)) ?? "succeeded";
}
