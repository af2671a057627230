// Concourse's semantics, a test per rule, with real processes that fail, hang or are cancelled.

import assert from "node:assert/strict";
import type { VolumeCache } from "../../../lib/volume/mod.ts";
import { job, runYaml, sh } from "./process_driver.ts";

const note = (word: string, then = "") => sh(word, `echo ${word} >> "$ROOT/log"; ${then}`);
const HANG = "echo up; sleep 60";

/** A task that fails until its `count`-th run. */
const flaky = (count: number) => `echo x >> "$ROOT/log"; test $(wc -l < "$ROOT/log") -ge ${count} || exit 7`;

function hooks(core: string): string {
  const base = core.replace(/ }$/, "");
  const each = ["on_success", "on_failure", "on_error", "on_abort", "ensure"]
    .map((hook) => `${hook}: ${note(hook)}`).join(", ");
  return `${base}, ${each} }`;
}

Deno.test("steps run in order, and outputs of one are inputs of the next", async () => {
  const { result, events } = await runYaml(job(
    sh("make", "echo made > out/file", ", outputs: [{ name: out }]"),
    sh("use", "cat in/file", ", inputs: [{ name: out, path: in }]"),
  ));
  assert.equal(result.outcome, "succeeded");
  assert.ok(events.some((event) => event.type === "task-output" && event.task === "use" && event.text === "made\n"));
});

Deno.test("do: a failing step ends its job, and later jobs are skipped", async () => {
  const { result, log } = await runYaml(
    `${job(note("a"), note("b", "exit 3"), note("c"))}- name: two\n  plan:\n  - ${note("d")}\n`,
  );
  assert.equal(result.outcome, "failed");
  assert.deepEqual(log, ["a", "b"]);
  assert.deepEqual(result.jobs.map((each) => each.outcome), ["failed", "skipped"]);
  assert.equal(result.tasks.at(-1)?.code, 3);
});

Deno.test("--job runs that job alone; an unknown one is a usage error", async () => {
  const text = `${job(note("a"))}- name: two\n  plan:\n  - ${note("d")}\n`;
  assert.deepEqual((await runYaml(text, { job: "two" })).log, ["d"]);
  await assert.rejects(() => runYaml(text, { job: "tow" }), { code: "unknown-job", hint: 'did you mean "two"?' });
});

Deno.test("a program that is not there is an error, not a failure", async () => {
  const { result, log } = await runYaml(job(hooks("{ task: t, config: { run: { path: /no/such/program } } }")));
  assert.equal(result.outcome, "errored");
  assert.match(result.tasks[0]?.message ?? "", /program/);
  assert.deepEqual(log, ["on_error", "ensure"]);
});

Deno.test("attempts: the first success wins", async () => {
  const { result, log } = await runYaml(job(sh("t", flaky(3)).replace(/ }$/, ", attempts: 5 }")));
  assert.equal(result.outcome, "succeeded");
  assert.equal(log.length, 3);
});

Deno.test("attempts: the last failure is reported", async () => {
  const { result, log } = await runYaml(job(sh("t", flaky(9)).replace(/ }$/, ", attempts: 2 }")));
  assert.equal(result.outcome, "failed");
  assert.deepEqual(result.tasks.map((task) => task.code), [7, 7]);
  assert.equal(log.length, 2);
});

Deno.test("attempts: each gets fresh outputs", async () => {
  const script = `test ! -e out/left || exit 9; touch out/left; ${flaky(2)}`;
  const { result } = await runYaml(
    job(sh("t", script, ", outputs: [{ name: out }]").replace(/ }$/, ", attempts: 2 }")),
  );
  assert.equal(result.outcome, "succeeded");
});

Deno.test("timeout: kills and counts as failure, in each attempt anew", async () => {
  const { result, events, log } = await runYaml(
    job(hooks(sh("t", HANG).replace(/ }$/, ", timeout: 150ms, attempts: 2 }"))),
  );
  assert.equal(result.outcome, "failed");
  assert.equal(events.filter((event) => event.type === "step-timed-out").length, 2);
  assert.deepEqual(log, ["on_failure", "ensure"]);
});

Deno.test("hooks: success", async () => {
  assert.deepEqual((await runYaml(job(hooks(note("t"))))).log, ["t", "on_success", "ensure"]);
});

Deno.test("hooks: failure, which stays one", async () => {
  const { result, log } = await runYaml(job(hooks(note("t", "exit 1"))));
  assert.deepEqual(log, ["t", "on_failure", "ensure"]);
  assert.equal(result.outcome, "failed");
});

Deno.test("hooks: on_abort and ensure run after a cancel, and the run is aborted", async () => {
  const { result, log } = await runYaml(job(hooks(sh("t", HANG)), note("next")), { abortOn: "up" });
  assert.deepEqual(log, ["on_abort", "ensure"]);
  assert.equal(result.outcome, "aborted");
});

for (const hook of ["on_success", "ensure"]) {
  Deno.test(`a failing ${hook} fails the step`, async () => {
    const step = `${note("t").replace(/ }$/, "")}, ${hook}: ${sh("hook", "exit 1")} }`;
    assert.equal((await runYaml(job(step, note("next")))).result.outcome, "failed");
  });
}

Deno.test("hooks of a job run after its plan", async () => {
  const { log } = await runYaml(`${job(note("a", "exit 1"))}  on_failure: ${note("f")}\n  ensure: ${note("e")}\n`);
  assert.deepEqual(log, ["a", "f", "e"]);
});

Deno.test("try: a failure is swallowed", async () => {
  const { result, log } = await runYaml(job(`{ try: ${note("a", "exit 1")} }`, note("b")));
  assert.equal(result.outcome, "succeeded");
  assert.deepEqual(log, ["a", "b"]);
});

Deno.test("try: a cancel is not", async () => {
  const { result, log } = await runYaml(job(`{ try: ${sh("a", HANG)} }`, note("b")), { abortOn: "up" });
  assert.equal(result.outcome, "aborted");
  assert.deepEqual(log, []);
});

Deno.test("try: a cancel during the last step leaves the run aborted", async () => {
  const { result } = await runYaml(job(`{ try: ${sh("a", HANG)} }`), { abortOn: "up" });
  assert.equal(result.outcome, "aborted");
});

Deno.test("in_parallel: steps run at once", async () => {
  const meet = (own: string, other: string) =>
    sh(own, `mkfifo "$ROOT/f" 2>/dev/null; ${own === "a" ? 'echo hi > "$ROOT/f"' : 'cat "$ROOT/f"'}; echo ${other}`);
  const { result } = await runYaml(job(`{ in_parallel: [${meet("a", "b")}, ${meet("b", "a")}], timeout: 20s }`));
  assert.equal(result.outcome, "succeeded");
});

Deno.test("in_parallel: limit holds, and without fail_fast all run", async () => {
  const step = (name: string, code: number) =>
    sh(name, `mkdir "$ROOT/lock" || exit 9; echo ${name} >> "$ROOT/log"; sleep 0.05; rmdir "$ROOT/lock"; exit ${code}`);
  const { result, log } = await runYaml(
    job(`{ in_parallel: { limit: 1, steps: [${step("a", 1)}, ${step("b", 0)}, ${step("c", 0)}] } }`),
  );
  assert.equal(result.outcome, "failed");
  assert.deepEqual(log, ["a", "b", "c"]);
  assert.deepEqual(result.tasks.map((task) => task.code), [1, 0, 0]);
});

Deno.test("in_parallel: fail_fast cancels the rest, whose on_abort runs, and the step fails", async () => {
  const hanging = `${sh("a", 'touch "$ROOT/up"; sleep 60').replace(/ }$/, "")}, on_abort: ${note("cleanup")} }`;
  const failing = sh("b", 'while test ! -e "$ROOT/up"; do sleep 0.02; done; exit 1');
  const { result, log } = await runYaml(
    job(`{ in_parallel: { fail_fast: true, limit: 2, steps: [${hanging}, ${failing}, ${note("c")}] } }`),
  );
  assert.equal(result.outcome, "failed");
  assert.deepEqual(log, ["cleanup"]);
});

Deno.test("across: every combination runs, one at a time unless said otherwise, a failure does not stop it", async () => {
  const script = 'echo ((.:a))-((.:b)) >> "$ROOT/log"; test ((.:a)) != x';
  const step =
    `{ task: t, across: [{ var: a, values: [x, y] }, { var: b, values: [1, 2] }], config: { run: { path: sh, args: [-c, ${
      JSON.stringify(script)
    }] } } }`;
  const { result, log } = await runYaml(job(step));
  assert.equal(result.outcome, "failed");
  assert.deepEqual(log, ["x-1", "x-2", "y-1", "y-2"]);
  const fast = await runYaml(job(step.replace(/ }$/, ", fail_fast: true }")));
  assert.equal(fast.result.outcome, "failed");
  assert.deepEqual(fast.log, ["x-1"]);
});

Deno.test("across: max_in_flight all runs all at once", async () => {
  const script = 'touch "$ROOT/((.:a))"; while test ! -e "$ROOT/x" || test ! -e "$ROOT/y"; do sleep 0.02; done';
  const { result } = await runYaml(job(
    `{ task: t, timeout: 20s, across: [{ var: a, values: [x, y], max_in_flight: all }], config: { run: { path: sh, args: [-c, ${
      JSON.stringify(script)
    }] } } }`,
  ));
  assert.equal(result.outcome, "succeeded");
});

Deno.test("a cache is one volume, restored once and persisted once, also for tasks side by side", async () => {
  const calls: string[] = [];
  const cache: VolumeCache = {
    restore(volume) {
      calls.push(`restore ${volume}`);
      return Promise.resolve({ status: "miss", key: volume, reason: "absent" });
    },
    persist({ run }) {
      calls.push(`persist ${run}`);
      return Promise.resolve([]);
    },
  };
  const use = (name: string) => sh(name, `touch node_modules/${name}`, ", caches: [{ path: node_modules }]");
  const { result, driver } = await runYaml(
    `${job(`{ in_parallel: [${use("a")}, ${use("b")}] }`)}- name: two\n  plan:\n  - ${
      sh("c", "test -e node_modules/a -a -e node_modules/b", ", caches: [{ path: ./node_modules/ }]")
    }\n`,
    { cache },
  );
  assert.equal(result.outcome, "succeeded");
  assert.deepEqual(calls, ["restore cache-node_modules", "persist succeeded"]);
  assert.deepEqual(driver.created, ["cache-node_modules"]);
});

Deno.test("how the run ended is told to the cache", async () => {
  const ended: string[] = [];
  const cache: VolumeCache = {
    restore: (volume) => Promise.resolve({ status: "miss", key: volume, reason: "absent" }),
    persist({ run }) {
      ended.push(run);
      return Promise.resolve([]);
    },
  };
  await runYaml(job(sh("t", "exit 1")), { cache });
  await runYaml(job("{ task: t, config: { run: { path: /no/such } } }"), { cache });
  await runYaml(job(sh("t", HANG)), { cache, abortOn: "up" });
  assert.deepEqual(ended, ["failed", "failed", "aborted"]);
});

Deno.test("secrets are not shown, also when they come in pieces", async () => {
  const { events } = await runYaml(job(sh("t", "printf 'a hun'; sleep 0.1; printf 'ter2 b hunt'")), {
    secrets: ["hunter2"],
  });
  const text = events.map((event) => event.type === "task-output" ? event.text : "").join("");
  assert.equal(text, "a *** b hunt");
});

Deno.test("variables, folder and arguments reach the process as they are", async () => {
  const { events } = await runYaml(job(
    `{ task: t, params: { B: step }, config: { outputs: [{ name: o }], params: { A: 1, B: config, C: }, ` +
      `run: { path: sh, args: [-c, 'pwd; echo "$A-$B-$C-$1"', x, "a  'b'"], dir: o } } }`,
  ));
  const text = events.map((event) => event.type === "task-output" ? event.text : "").join("");
  assert.match(text, /volume 1\n1-step--a {2}'b'\n$|\/o\n1-step--a {2}'b'\n$/);
});
