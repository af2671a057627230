// Jobs to workers and back. The workers are data: URLs, so that each test has just the one it needs.

import assert from "node:assert/strict";
import { PivotError } from "../../../lib/core/mod.ts";
import { createPool, type WorkerPool } from "../../../lib/pool/mod.ts";

const SERVE = new URL("../../../lib/pool/mod.ts", import.meta.url).href;
const CORE = new URL("../../../lib/core/mod.ts", import.meta.url).href;

function poolOf(handler: string, options: { size?: number; jobsPerWorker?: number; before?: string } = {}): WorkerPool {
  const source = `import { serveJobs } from ${JSON.stringify(SERVE)};
import { PivotError } from ${JSON.stringify(CORE)};
globalThis.PivotError = PivotError;
${options.before ?? ""}
serveJobs(${handler});`;
  const { size = 1, jobsPerWorker = 1 } = options;
  const url = new URL(`data:application/javascript,${encodeURIComponent(source)}`);
  return createPool({ hash: { url, permissions: "inherit", size, jobsPerWorker } });
}

Deno.test("jobs are answered, progress is told, buffers move", async () => {
  await using pool = poolOf(`(input, { progress, transfer }) => {
    progress("half");
    const buffer = new Uint8Array(input).buffer;
    transfer(buffer);
    return buffer;
  }`);
  const seen: unknown[] = [];
  const result = await pool.run<number[], ArrayBuffer>("hash", [1, 2, 3], { onProgress: (value) => seen.push(value) });
  assert.deepEqual([...new Uint8Array(result)], [1, 2, 3]);
  assert.deepEqual(seen, ["half"]);
});

Deno.test("what a handler throws arrives as the same class with its fields", async () => {
  await using pool = poolOf(
    `() => { throw new PivotError("no", { code: "mine", kind: "integrity", data: { a: 1 } }); }`,
  );
  await assert.rejects(
    pool.run("hash", 1),
    (error) => error instanceof PivotError && error.code === "mine" && error.exitCode === 12 && error.data.a === 1,
  );
});

Deno.test("a worker that listens late loses no job", async () => {
  await using pool = poolOf(`(input) => input + 1`, {
    before: "await new Promise((resolve) => setTimeout(resolve, 100));",
  });
  assert.equal(await pool.run<number, number>("hash", 1), 2);
});

Deno.test("a worker that dies fails its own job and is replaced", async () => {
  await using pool = poolOf(
    `(input) => { if (input === "die") { setTimeout(() => { throw new Error("gone"); }); return new Promise(() => {}); } return input; }`,
  );
  await assert.rejects(pool.run("hash", "die"), (error) => error instanceof PivotError && error.code === "worker-died");
  assert.equal(await pool.run("hash", "live"), "live");
});

Deno.test("cancelling rejects at once with the reason, queued jobs too, and reaches the handler", async () => {
  await using pool = poolOf(
    `(input, { signal }) => input === "ask" ? globalThis.seen : new Promise(() => signal.addEventListener("abort", () => { globalThis.seen = signal.reason.message; }))`,
    { jobsPerWorker: 2 },
  );
  const controller = new AbortController();
  const job = pool.run("hash", "wait", { signal: controller.signal });
  controller.abort(new Error("changed my mind"));
  await assert.rejects(job, /changed my mind/);
  await assert.rejects(pool.run("hash", "never", { signal: controller.signal }), /changed my mind/);
  assert.equal(await pool.run("hash", "ask"), "changed my mind");
});

Deno.test("never more jobs at once than workers times jobs per worker", async () => {
  await using pool = poolOf(
    `async () => {
    globalThis.now = (globalThis.now ?? 0) + 1;
    const seen = globalThis.now;
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.now -= 1;
    return seen;
  }`,
    { size: 2, jobsPerWorker: 2 },
  );
  assert.equal(pool.width("hash"), 4);
  const seen = await Promise.all(Array.from({ length: 20 }, () => pool.run<null, number>("hash", null)));
  assert.equal(Math.max(...seen), 2);
});

Deno.test("a closed pool refuses, and its running jobs end", async () => {
  const pool = poolOf(`() => new Promise(() => {})`);
  const job = pool.run("hash", 1);
  const ended = assert.rejects(job, /closed/);
  await pool[Symbol.asyncDispose]();
  await ended;
  await assert.rejects(pool.run("hash", 1), /closed/);
});
