// More of Concourse's semantics, where modifiers and hooks meet each other; with real processes, a test per rule.

import assert from "node:assert/strict";
import { job, runYaml, sh } from "./process_driver.ts";

const note = (word: string, then = "") => sh(word, `echo ${word} >> "$ROOT/log"; ${then}`);
const withMore = (step: string, more: string) => `${step.replace(/ }$/, "")}, ${more} }`;
const HANG = "echo up; sleep 60";
/** Notes how many tasks run while this one does, until `count` were seen at once or nobody else comes. */
const crowd = (max: number) =>
  `mkdir -p "$ROOT/in"; touch "$ROOT/in/$$"; n=$(ls "$ROOT/in" | wc -l); echo $n >> "$ROOT/log"; ` +
  `i=0; while test $(ls "$ROOT/in" | wc -l) -lt ${max} -a ! -e "$ROOT/met" -a $i -lt 200; do sleep 0.02; i=$((i+1)); done; ` +
  `touch "$ROOT/met"; sleep 0.1; rm "$ROOT/in/$$"`;

function largest(log: readonly string[]): number {
  return Math.max(...log.map(Number));
}

Deno.test("across: max_in_flight bounds how many run at once, and as many do", async () => {
  const { result, log } = await runYaml(
    job(withMore(sh("t", crowd(2)), "across: [{ var: v, values: [1, 2, 3, 4, 5], max_in_flight: 2 }]")),
  );
  assert.equal(result.outcome, "succeeded");
  assert.equal(log.length, 5);
  assert.equal(largest(log), 2);
});

Deno.test("across: each variable has its own bound, the outer first", async () => {
  const across = "across: [{ var: a, values: [1, 2] }, { var: b, values: [1, 2, 3], max_in_flight: all }]";
  const { log } = await runYaml(job(withMore(sh("t", crowd(3)), across)));
  assert.equal(log.length, 6);
  assert.equal(largest(log), 3);
});

Deno.test("across: attempts and timeout hold for each combination, its hooks for all of them together", async () => {
  const script = 'echo run-((.:v)) >> "$ROOT/log"; test ((.:v)) = ok || exit 1';
  const step = withMore(
    sh("t", script),
    `across: [{ var: v, values: [ok, bad] }], attempts: 2, on_failure: ${note("failure")}, ensure: ${note("ensure")}`,
  );
  const { result, log } = await runYaml(job(step));
  assert.equal(result.outcome, "failed");
  assert.deepEqual(log, ["run-ok", "run-bad", "run-bad", "failure", "ensure"]);
});

Deno.test("across: fail_fast cancels combinations that run", async () => {
  const script =
    'test ((.:v)) = bad || { touch "$ROOT/up"; sleep 60; }; while test ! -e "$ROOT/up"; do sleep 0.02; done; exit 3';
  const step = withMore(
    sh("t", script),
    "fail_fast: true, across: [{ var: v, values: [slow, bad], max_in_flight: all }]",
  );
  const { result } = await runYaml(job(step));
  assert.equal(result.outcome, "failed");
  assert.deepEqual(result.tasks.map(({ outcome }) => outcome).sort(), ["aborted", "failed"]);
});

Deno.test("in_parallel: limit bounds how many run at once, and as many do", async () => {
  const steps = ["a", "b", "c", "d", "e"].map((name) => sh(name, crowd(3))).join(", ");
  const { result, log } = await runYaml(job(`{ in_parallel: { limit: 3, steps: [${steps}] } }`));
  assert.equal(result.outcome, "succeeded");
  assert.equal(log.length, 5);
  assert.equal(largest(log), 3);
});

Deno.test("in_parallel: what could not be run weighs more than what failed", async () => {
  const { result } = await runYaml(
    job(`{ in_parallel: [${sh("a", "exit 1")}, { task: b, config: { run: { path: /no/such } } }, ${sh("c", "")}] }`),
  );
  assert.equal(result.outcome, "errored");
  assert.equal(result.tasks.length, 3);
});

Deno.test("in_parallel: a failure inside try does not stop the others, fail_fast or not", async () => {
  const steps = [`{ try: ${sh("a", "exit 1")} }`, note("b", "sleep 0.1")].join(", ");
  const { result, log } = await runYaml(job(`{ in_parallel: { fail_fast: true, steps: [${steps}] } }`));
  assert.equal(result.outcome, "succeeded");
  assert.deepEqual(log, ["b"]);
});

Deno.test("in_parallel: a cancel stops all of them, and each cleans up", async () => {
  const step = (name: string) => withMore(sh(name, HANG), `on_abort: ${note(`abort-${name}`)}`);
  // Both are up before the cancel: the second one says it, and waits for the first.
  const a = withMore(sh("a", 'touch "$ROOT/a"; sleep 60'), `on_abort: ${note("abort-a")}`);
  const b = step("b").replace("echo up", 'while test ! -e \\"$ROOT/a\\"; do sleep 0.02; done; echo up');
  const { result, log } = await runYaml(job(`{ in_parallel: [${a}, ${b}] }`), { abortOn: "up" });
  assert.equal(result.outcome, "aborted");
  assert.deepEqual(log.toSorted(), ["abort-a", "abort-b"]);
});

Deno.test("attempts: a cancel is not tried again", async () => {
  const step = withMore(sh("t", `echo x >> "$ROOT/log"; ${HANG}`), "attempts: 5");
  const { result, log } = await runYaml(job(step), { abortOn: "up" });
  assert.equal(result.outcome, "aborted");
  assert.equal(log.length, 1);
});

Deno.test("attempts: what could not be run is tried again too", async () => {
  const missing = "{ task: t, attempts: 3, config: { run: { path: /no/such } } }";
  const { result, events } = await runYaml(job(missing));
  assert.equal(result.outcome, "errored");
  assert.equal(result.tasks.length, 3);
  assert.deepEqual(
    events.flatMap((event) => event.type === "attempt-failed" ? [`${event.attempt}/${event.of}`] : []),
    ["1/3", "2/3", "3/3"],
  );
});

Deno.test("attempts: hooks of the step see the last attempt only; those inside see each", async () => {
  const inner = withMore(
    sh("t", 'echo x >> "$ROOT/n"; test $(wc -l < "$ROOT/n") -ge 2'),
    `on_failure: ${note("inner")}`,
  );
  const { result, log } = await runYaml(
    job(`{ do: [${inner}], attempts: 3, on_failure: ${note("outer")}, on_success: ${note("success")} }`),
  );
  assert.equal(result.outcome, "succeeded");
  assert.deepEqual(log, ["inner", "success"]);
});

Deno.test("timeout: ends everything inside, and what comes after it goes on if it was tried", async () => {
  const pids = 'echo $$ >> "$ROOT/pids"; sleep 60';
  const { result, log, driver } = await runYaml(
    job(
      `{ try: { in_parallel: [${sh("a", pids)}, ${sh("b", pids)}], timeout: 400ms } }`,
      note("after", 'cat "$ROOT/pids" >> "$ROOT/log"'),
    ),
  );
  assert.equal(result.outcome, "succeeded");
  assert.equal(log[0], "after");
  for (const pid of log.slice(1)) assert.throws(() => Deno.statSync(`/proc/${pid}`), Deno.errors.NotFound);
  assert.equal(driver.created.length, 0);
});

Deno.test("timeout: a step that is done in time is not touched, and one of a hook holds for the hook", async () => {
  const { result, log } = await runYaml(
    job(withMore(note("t", "exit 1"), `timeout: 20s, ensure: ${withMore(sh("hook", HANG), "timeout: 100ms")}`)),
  );
  assert.equal(result.outcome, "failed");
  assert.deepEqual(log, ["t"]);
  assert.deepEqual(result.tasks.map(({ task, outcome }) => [task, outcome]), [["t", "failed"], ["hook", "aborted"]]);
});

Deno.test("hooks: on_failure reads what the failed task put out", async () => {
  const step = withMore(
    sh("t", "echo report > out/file; exit 1", ", outputs: [{ name: out }]"),
    `on_failure: ${sh("read", 'cat out/file >> "$ROOT/log"', ", inputs: [{ name: out }]")}`,
  );
  assert.deepEqual((await runYaml(job(step))).log, ["report"]);
});

Deno.test("hooks: a hook has hooks of its own, and several kinds of one step run in order", async () => {
  const hook = withMore(note("failure", "exit 1"), `on_failure: ${note("deeper")}`);
  const { result, log } = await runYaml(
    job(withMore(note("t", "exit 1"), `on_failure: ${hook}, ensure: ${note("ensure")}`)),
  );
  assert.equal(result.outcome, "failed");
  assert.deepEqual(log, ["t", "failure", "deeper", "ensure"]);
});

Deno.test("hooks: those of a job run after an error and after a cancel", async () => {
  const hooks = `  on_error: ${note("error")}\n  on_abort: ${note("abort")}\n  on_failure: ${note("failure")}\n`;
  const errored = await runYaml(`${job("{ task: t, config: { run: { path: /no/such } } }")}${hooks}`);
  assert.deepEqual(errored.log, ["error"]);
  const aborted = await runYaml(`${job(sh("t", HANG))}${hooks}`, { abortOn: "up" });
  assert.deepEqual(aborted.log, ["abort"]);
});

Deno.test("hooks: on_success that hangs is cancelled like any step, and ensure still runs", async () => {
  const step = withMore(note("t"), `on_success: ${sh("hook", HANG)}, ensure: ${note("ensure")}`);
  const { result, log } = await runYaml(job(step, note("next")), { abortOn: "up" });
  assert.equal(result.outcome, "aborted");
  assert.deepEqual(log, ["t", "ensure"]);
});

Deno.test("a volume whose task was stopped by a timeout is treated as that of a failed run", async () => {
  const ended: string[] = [];
  await runYaml(job(withMore(sh("t", HANG, ", caches: [{ path: c }]"), "timeout: 100ms")), {
    cache: {
      restore: (volume) => Promise.resolve({ status: "miss", key: volume, reason: "absent" }),
      persist({ run }) {
        ended.push(run);
        return Promise.resolve([]);
      },
    },
  });
  assert.deepEqual(ended, ["failed"]);
});

Deno.test("an output at the path of an input is that input, as the task leaves it", async () => {
  const { result, log } = await runYaml(job(
    sh("make", "echo one > repo/file", ", outputs: [{ name: repo }]"),
    sh("change", "cat repo/file; echo two >> repo/file", ", inputs: [{ name: repo }], outputs: [{ name: repo }]"),
    sh(
      "rename",
      "echo three >> src/file",
      ", inputs: [{ name: repo, path: src }], outputs: [{ name: built, path: src/ }]",
    ),
    sh("read", 'cat built/file >> "$ROOT/log"', ", inputs: [{ name: built }]"),
  ));
  assert.equal(result.outcome, "succeeded");
  assert.deepEqual(log, ["one", "two", "three"]);
});
