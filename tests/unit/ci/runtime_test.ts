// Pipelines in TypeScript, with real processes.

import assert from "node:assert/strict";
import { type CiEvent, type RunModuleOptions, runtime, runTypeScriptPipeline } from "../../../lib/ci/mod.ts";
import type { VolumeCache } from "../../../lib/volume/mod.ts";
import { processDriver } from "./process_driver.ts";

const DOOR = new URL("../../../lib/ci/mod.ts", import.meta.url).href;

type Ended = Awaited<ReturnType<typeof runTypeScriptPipeline>>;

async function runModule(source: string, options: Partial<RunModuleOptions> = {}): Promise<Ended & { shown: string }> {
  using driver = processDriver();
  const file = `${driver.root}/pipeline.ts`;
  Deno.writeTextFileSync(file, source);
  const events: CiEvent[] = [];
  const result = await runTypeScriptPipeline(new URL(`file://${encodeURI(file)}`), {
    driver,
    ...options,
    onEvent(event) {
      events.push(event);
      options.onEvent?.(event);
    },
  });
  return { ...result, shown: events.map((event) => event.type === "task-output" ? event.text : "").join("") };
}

/** How a module without imports gets its types. */
const TYPED = `declare const runtime: import(${JSON.stringify(DOOR)}).Runtime;`;

const SH = (script: string) => `{ path: "sh", args: ["-c", ${JSON.stringify(script)}] }`;

Deno.test("a module without imports uses the global; both spellings of mounts reach one volume", async () => {
  const { outcome, error, tasks } = await runModule(`
    ${TYPED}
    export async function pipeline() {
      const volume = await runtime.createVolume({ name: "deps", size: 1e6 });
      const made = await runtime.run({ name: "make", image: "x", command: ${SH("echo hi > v/f; echo err >&2; exit 3")},
        mounts: [{ name: "deps", path: "v" }] });
      if (made.code !== 3 || made.stderr !== "err\\n" || made.stdout !== "" || made.status !== "complete") throw made;
      const read = await runtime.run({ name: "read", image: "x", command: ${SH('cat w/f; cat; echo "$E"')},
        mounts: { w: volume }, env: { E: "e" }, stdin: "in " });
      if (read.stdout !== "hi\\nin e\\n") throw read;
    }`);
  assert.equal(error, undefined);
  assert.equal(outcome, "succeeded");
  assert.deepEqual(tasks.map(({ run, task, code }) => [run, task, code]), [[1, "make", 3], [2, "read", 0]]);
});

Deno.test("runtime can be imported, and outside of a pipeline says so", async () => {
  const { outcome } = await runModule(`import { runtime } from ${JSON.stringify(DOOR)};
    export const pipeline = () => runtime.run({ name: "t", command: { path: "true" } });`);
  assert.equal(outcome, "succeeded");
  assert.throws(() => runtime.run({ name: "t", command: { path: "true" } }), { code: "no-runtime" });
});

Deno.test("a pipeline that throws has failed, with its error; volumes are persisted by policy", async () => {
  const ended: string[] = [];
  const cache: VolumeCache = {
    restore: (volume) => Promise.resolve({ status: "miss", key: volume, reason: "absent" }),
    persist({ run }) {
      ended.push(run);
      return Promise.resolve([]);
    },
  };
  const { outcome, error } = await runModule(`export function pipeline() { throw new Error("no luck"); }`, { cache });
  assert.equal(outcome, "failed");
  assert.match(String(error), /no luck/);
  assert.deepEqual(ended, ["failed"]);
});

Deno.test("a module without a pipeline, and an unknown volume, are errors", async () => {
  const without = await runModule("export const pipelin = 1;");
  assert.match(String(without.error), /exports no function "pipeline"/);
  const unknown = await runModule(`${TYPED} export const pipeline = () =>
    runtime.run({ name: "t", command: { path: "true" }, mounts: [{ name: "v", path: "v" }] });`);
  assert.match(String(unknown.error), /there is no volume "v"/);
});

Deno.test("what runtime does not understand is an error before anything is made", async () => {
  const cases: readonly (readonly [call: string, message: RegExp, hint?: RegExp])[] = [
    ["run()", /runtime\.run\(\) takes an object, not undefined/],
    ["run({})", /needs a "name"/],
    ["run({ name: 't' })", /needs a "command"/],
    ["run({ name: 't', command: {} })", /"command" of runtime\.run\(\) needs a "path"/],
    ["run({ name: 't', command: 'echo hi' })", /"command" of .* is the text "echo hi", not \{ path, args, user \}/],
    ["run({ name: 't', command: { path: 'x', args: 'y' } })", /"args" of .* is the text "y", not a list of texts/],
    ["run({ name: 't', comand: {} })", /knows no "comand"/, /did you mean "command"\?/],
    ["run({ name: 't', command: { path: 'x', argv: [] } })", /knows no "argv"/, /known are path, args, user/],
    [
      "run({ name: 't', timeoutMs: '5s', command: { path: 'x' } })",
      /"timeoutMs" .* the text "5s", not a number above 0/,
    ],
    ["run({ name: 't', timeoutMs: 0, command: { path: 'x' } })", /"timeoutMs" .* is 0, not a number above 0/],
    ["run({ name: 't', env: { A: 1 }, command: { path: 'x' } })", /"env" .* not an object of texts/],
    ["run({ name: 't', mounts: { c: 'c' }, command: { path: 'x' } })", /mount at "c" .* the text "c", not a volume/],
    [
      "run({ name: 't', mounts: { c: runtime.createVolume({}) }, command: { path: 'x' } })",
      /mount at "c" .* is a promise, not a volume/,
      /await runtime\.createVolume/,
    ],
    [
      "run({ name: 't', mounts: [{ volume: 'c', path: 'c' }], command: { path: 'x' } })",
      /a mount .* knows no "volume"/,
    ],
    [
      "createVolume('cache')",
      /runtime\.createVolume\(\) takes an object, not the text "cache"/,
      /write \{ name, size \}/,
    ],
    ["createVolume({ name: 'c', size: '10Gi' })", /"size" .* the text "10Gi", not a number above 0/],
    ["createVolume({ name: '' })", /"name" of .* is empty/],
    ["createVolume({ nmae: 'c' })", /knows no "nmae"/, /did you mean "name"/],
  ];
  for (const [call, message, hint = /^/] of cases) {
    const { error, tasks, outcome } = await runModule(`export const pipeline = () => runtime.${call};`);
    assert.ok(error instanceof Error, call);
    assert.match(error.message, message);
    assert.match((error as Error & { hint?: string }).hint ?? "", hint);
    assert.equal((error as Error & { code?: string }).code, "bad-call");
    assert.deepEqual([outcome, tasks.length], ["failed", 0]);
  }
});

Deno.test("a timeout kills the process and is a status", async () => {
  const { error } = await runModule(`${TYPED} export async function pipeline() {
    const result = await runtime.run({ name: "t", timeoutMs: 150, command: ${SH("echo up; sleep 60")} });
    if (result.status !== "timeout" || result.stdout !== "up\\n") throw result;
  }`);
  assert.equal(error, undefined);
});

Deno.test("an abort kills the process, starts no other one, and the run is aborted", async () => {
  const abort = new AbortController();
  const { outcome, tasks } = await runModule(
    `${TYPED} export async function pipeline() {
      const result = await runtime.run({ name: "t", command: ${SH("echo up; sleep 60")} });
      if (result.status !== "abort") throw result;
      await runtime.run({ name: "next", command: { path: "true" } });
    }`,
    {
      signal: abort.signal,
      onEvent: (event) => event.type === "task-output" && event.text.includes("up") && abort.abort(new Error("stop")),
    },
  );
  assert.equal(outcome, "aborted");
  assert.deepEqual(tasks.map((task) => task.task), ["t"]);
});

Deno.test("the pipeline gets output whole; what is shown has no secrets", async () => {
  const { shown, error } = await runModule(
    `${TYPED} export async function pipeline() {
      const { stdout } = await runtime.run({ name: "t", command: ${SH("echo x-hunter2-x")} });
      if (stdout !== "x-hunter2-x\\n") throw new Error(stdout);
    }`,
    { secrets: ["hunter2"] },
  );
  assert.equal(error, undefined);
  assert.equal(shown, "x-***-x\n");
});

Deno.test("tasks side by side are counted apart", async () => {
  const { tasks } = await runModule(`${TYPED} export const pipeline = () =>
    Promise.all(["a", "b", "c"].map((name) => runtime.run({ name, command: { path: "true" } })));`);
  assert.deepEqual(tasks.map((task) => task.run).toSorted(), [1, 2, 3]);
});

Deno.test("when the pipeline throws, tasks that it started side by side are stopped before volumes are stored", async () => {
  const order: string[] = [];
  const cache: VolumeCache = {
    restore: () => Promise.resolve({ status: "miss", key: "k", reason: "absent" }),
    persist({ run }) {
      order.push(`persist ${run}`);
      return Promise.resolve([]);
    },
  };
  const { outcome, error } = await runModule(
    `${TYPED} export const pipeline = async () => {
      const bad = async () => { throw new Error("one is bad: " + (await runtime.run({ name: "short", command: { path: "true" } })).code); };
      await Promise.all([runtime.run({ name: "long", command: ${SH("sleep 60")} }), bad()]);
    };`,
    {
      cache,
      onEvent: (event) => event.type === "task-finished" && void order.push(`${event.task} ${event.outcome}`),
    },
  );
  assert.equal(outcome, "failed");
  assert.match(String(error), /one is bad: 0/);
  assert.deepEqual(order, ["short succeeded", "long aborted", "persist failed"]);
});

Deno.test("a task that nobody waits for ends before volumes are stored", async () => {
  const { outcome, tasks } = await runModule(`${TYPED} export const pipeline = () => {
    runtime.run({ name: "left alone", command: ${SH("sleep 0.1")} });
    runtime.run({ name: "not there", command: { path: "no-such-program" } });
  };`);
  assert.equal(outcome, "succeeded");
  assert.deepEqual(tasks.map((task) => `${task.task} ${task.outcome}`), ["not there errored", "left alone succeeded"]);
});

Deno.test("an abort ends a pipeline that waits for something else; an abort while storing reaches the cache", async () => {
  const stuck = new AbortController();
  const { outcome } = await runModule(
    `${TYPED} export const pipeline = async () => {
      await runtime.run({ name: "t", command: { path: "true" } });
      await new Promise(() => {});
    };`,
    { signal: stuck.signal, onEvent: (event) => event.type === "task-finished" && stuck.abort(new Error("stop")) },
  );
  assert.equal(outcome, "aborted");
  const late = new AbortController();
  const cache: VolumeCache = {
    restore: () => Promise.resolve({ status: "miss", key: "k", reason: "absent" }),
    persist({ signal }) {
      late.abort(new Error("stop"));
      assert.ok(signal?.aborted);
      return Promise.resolve([]);
    },
  };
  const ended = await runModule("export const pipeline = () => {};", { signal: late.signal, cache });
  assert.equal(ended.outcome, "aborted");
});
