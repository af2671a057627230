// What runs in the process of one function stage: load, run, save, say how it ended. Thin: the work is in lib/pipeline.
// The program on standard input imports this and the stage's module by literals, which Deno allows without permission to read.

import { toWire } from "../lib/core/mod.ts";
import type { StageMessage, StageRequest } from "../lib/engine/mod.ts";
import { executeStage } from "../lib/pipeline/execute_stage.ts";

const STOP_GRACE_MS = 500;

/** Executes the stage that `load` imports, reports on standard error, and ends the process. */
export async function runStage(request: StageRequest, load: () => Promise<unknown>): Promise<never> {
  // Kept before user code can replace them.
  const exit: (code?: number) => never = Deno.exit;
  const send = sender(request.nonce);
  const fail = (thrown: unknown): never => {
    console.error(thrown);
    send({ type: "failed", error: toWire(thrown) });
    return exit(1);
  };
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
  const signal = stopSignal(exit);
  try {
    const module = await load() as Record<string, unknown>;
    await executeStage(module[request.export], {
      stage: request.stage,
      deps: request.deps,
      outs: request.outs,
      params: request.params,
      signal,
      log: (...values) => console.log(...values),
      progress: (fraction, message) => send({ type: "progress", fraction, message }),
    });
  } catch (thrown) {
    fail(thrown);
  }
  send({ type: "done" });
  // What the stage left behind (timers, sockets) must not keep it alive.
  return exit(0);
}

/** Writes control lines (see lib/engine) to standard error. */
function sender(nonce: string): (message: StageMessage) => void {
  const encoder = new TextEncoder();
  const write = Deno.stderr.writeSync.bind(Deno.stderr);
  return (message) => {
    const bytes = encoder.encode(`\x1e${nonce} ${JSON.stringify(message)}\n`);
    for (let sent = 0; sent < bytes.length;) sent += write(bytes.subarray(sent));
  };
}

/** Aborted when the stage is asked to stop; the process ends soon after. */
function stopSignal(exit: (code?: number) => never): AbortSignal {
  const stopped = new AbortController();
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", () => {
      stopped.abort(new DOMException("the stage was stopped", "AbortError"));
      setTimeout(() => exit(143), STOP_GRACE_MS);
    });
  }
  return stopped.signal;
}
