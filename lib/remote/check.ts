// Trying a remote out, ability by ability. Invariant: the object that it writes is gone afterwards, also after a failure.

import { formatDuration, parseSha256, PivotError } from "../core/mod.ts";
import { createHash } from "node:crypto";
import type { Backend } from "./backends/backend.ts";
import { reasonOf, remoteProblem, type RemoteReason } from "./backends/problems.ts";
import { readUpTo } from "./backends/streams.ts";

/** One step of a check. */
export interface CheckStep {
  /** What was tried. */
  readonly name: "reach" | "credentials" | "write" | "read" | "clock" | "list" | "delete";
  /** Absent = it works. */
  readonly error?: PivotError;
  /** What was found, where that is more than that it works. */
  readonly found?: string;
  /** Milliseconds. */
  readonly durationMs: number;
}

/** Failures that tell of the credentials: the place itself answered, or there was nothing to ask it with. */
const OF_CREDENTIALS: ReadonlySet<RemoteReason> = new Set([
  "no-credentials",
  "bad-credentials",
  "expired-token",
  "denied",
]);

/** Providers refuse requests that are signed a quarter of an hour off; well below that it is worth telling. */
const MAX_CLOCK_MS = 5 * 60_000;

/** Tries each ability with a small object of its own, which is removed again; stops at the first failure but always cleans up. */
export async function remoteCheck(
  backend: Backend,
  options: { readonly signal?: AbortSignal } = {},
): Promise<CheckStep[]> {
  const key = `pivot-check/${crypto.randomUUID()}`;
  const bytes = new TextEncoder().encode(key);
  const sha256 = parseSha256(createHash("sha256").update(bytes).digest("hex"));
  const same = (read: Uint8Array | undefined): boolean => read !== undefined && new TextDecoder().decode(read) === key;
  let wroteMs = Date.now();
  const clock = async (): Promise<string> => {
    const offMs = ((await backend.head(key, options))?.modifiedMs ?? wroteMs) - wroteMs;
    const off = `${formatDuration(Math.abs(offMs))} ${offMs < 0 ? "behind" : "ahead of"} this machine's`;
    // Places tell whole seconds.
    if (Math.abs(offMs) < MAX_CLOCK_MS) return Math.abs(offMs) < 2000 ? "same as this machine's" : off;
    throw remoteProblem("clock-skew", { url: backend.url, tried: "agree on the time", said: `its clock is ${off}` });
  };
  const acts: readonly (readonly [CheckStep["name"], () => Promise<boolean | string>])[] = [
    ["write", async () => {
      const done = await backend.put(key, bytes, { ...options, sha256 });
      wroteMs = Date.now();
      return done === "stored";
    }],
    ["read", async () => {
      const found = await backend.get(key, options);
      return found !== undefined && same(await readUpTo(found.body, bytes.length));
    }],
    ["clock", clock],
    ["list", async () => {
      for await (const info of backend.list(key, options)) if (info.key === key) return true;
      return false;
    }],
    ["delete", async () => {
      await backend.delete(key, options);
      return await backend.head(key, options) === undefined;
    }],
  ];
  const reached = await tryStep(backend, "reach", async () => await backend.head(key, options) === undefined);
  options.signal?.throwIfAborted();
  const steps = reachSteps(reached);
  if (steps.some(({ error }) => error !== undefined)) return steps;
  for (const [name, act] of acts) {
    const step = await tryStep(backend, name, act);
    steps.push(step);
    if (step.error === undefined || name === "clock") continue;
    if (name !== "delete") await backend.delete(key).catch(() => undefined);
    break;
  }
  options.signal?.throwIfAborted();
  return steps;
}

/** One request tells of two things: whether the place answers, and whether it takes us for who we say. */
function reachSteps(reached: CheckStep): CheckStep[] {
  const { error, durationMs } = reached;
  const reason = reasonOf(error);
  if (error === undefined) return [reached, { name: "credentials", durationMs: 0 }];
  if (reason === undefined || !OF_CREDENTIALS.has(reason)) return [reached];
  const refused: CheckStep = { name: "credentials", durationMs, error };
  return reason === "no-credentials" ? [refused] : [{ name: "reach", durationMs }, refused];
}

async function tryStep(
  backend: Backend,
  name: CheckStep["name"],
  act: () => Promise<boolean | string>,
): Promise<CheckStep> {
  const startedMs = performance.now();
  const done = (error?: PivotError): CheckStep => {
    const durationMs = performance.now() - startedMs;
    return error === undefined ? { name, durationMs } : { name, durationMs, error };
  };
  try {
    const found = await act();
    if (typeof found === "string") return { ...done(), found };
    if (found) return done();
    const message = `${backend.url} did not show what was just written to it`;
    return done(new PivotError(message, { code: "remote-inconsistent", kind: "remote" }));
  } catch (error) {
    if (error instanceof PivotError) return done(error);
    throw error;
  }
}
