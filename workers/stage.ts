// The process of one function stage: import its module, load, run, save, say how it ended. Thin: the work is in
// lib/pipeline. The request comes as JSON on standard input; control lines go to standard error (see lib/engine).

import { toWire } from "../lib/core/mod.ts";
import type { StageMessage, StageRequest } from "../lib/engine/mod.ts";
import { executeStage } from "../lib/pipeline/execute_stage.ts";

const encoder = new TextEncoder();
// Kept before user code can replace them.
const exit: (code?: number) => never = Deno.exit;
const writeError = Deno.stderr.writeSync.bind(Deno.stderr);

const request = JSON.parse(await new Response(Deno.stdin.readable).text()) as StageRequest;

function send(message: StageMessage): void {
  const bytes = encoder.encode(`\x1e${request.nonce} ${JSON.stringify(message)}\n`);
  for (let sent = 0; sent < bytes.length;) sent += writeError(bytes.subarray(sent));
}

function fail(thrown: unknown): never {
  console.error(thrown);
  send({ type: "failed", error: toWire(thrown) });
  exit(1);
}

globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fail(event.reason);
});
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  fail(event.error);
});

const STOP_GRACE_MS = 500;
const stopped = new AbortController();
if (Deno.build.os !== "windows") {
  Deno.addSignalListener("SIGTERM", () => {
    stopped.abort(new DOMException("the stage was stopped", "AbortError"));
    setTimeout(() => exit(143), STOP_GRACE_MS);
  });
}

try {
  const module = await import(request.module) as Record<string, unknown>;
  await executeStage(module[request.export], {
    stage: request.stage,
    deps: request.deps,
    outs: request.outs,
    params: request.params,
    signal: stopped.signal,
    log: (...values) => console.log(...values),
    progress: (fraction, message) => send({ type: "progress", fraction, message }),
  });
} catch (thrown) {
  fail(thrown);
}
send({ type: "done" });
// What the stage left behind (timers, sockets) must not keep it alive.
exit(0);
