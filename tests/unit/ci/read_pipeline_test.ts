// What is refused before anything runs, and where.

import assert from "node:assert/strict";
import { readPipeline } from "../../../lib/ci/mod.ts";
import { PivotFindings } from "../../../lib/core/mod.ts";

const RUN = "config: { run: { path: x } }";

async function findings(text: string): Promise<string[]> {
  try {
    await readPipeline(text, { file: "p.yml" });
    return [];
  } catch (error) {
    if (!(error instanceof PivotFindings)) throw error;
    return error.findings.map(({ spot, message, hint }) =>
      `${spot?.line}:${spot?.column} ${message}${hint === undefined ? "" : ` (${hint})`}`
    );
  }
}

const job = (...steps: string[]) => `jobs:\n- name: a\n  plan:\n${steps.map((step) => `  - ${step}\n`).join("")}`;

for (
  const [what, text, expected] of [
    [
      "an unknown key of a step",
      job(`{ task: t, ${RUN}, atempts: 2 }`),
      /^4:\d+ unknown key "atempts".*did you mean "attempts"/,
    ],
    [
      "an unknown key of a config",
      job("{ task: t, config: { run: { path: x }, input: [] } }"),
      /did you mean "inputs"/,
    ],
    ["an unsupported step", job("{ get: repo }"), /^4:5 step "get" is not supported/],
    ["an unsupported key", job(`{ task: t, privileged: true, ${RUN} }`), /"privileged".*not supported/],
    ["resources", `resources: []\n${job(`{ task: t, ${RUN} }`)}`, /^1:1 "resources".*not supported/],
    ["a step of two kinds", job(`{ task: t, do: [], ${RUN} }`), /a step is one of/],
    [
      "an undefined input",
      job("{ task: t, config: { inputs: [{ name: src }], run: { path: x } } }"),
      /input "src".*no output/,
    ],
    ["a task without run", job("{ task: t, config: {} }"), /"run" of the task is missing/],
    ["a task without a name", job(`{ task: "", ${RUN} }`), /name of the task is missing/],
    ["a task without config", job("{ task: t }"), /either "config" or "file"/],
    ["negative attempts", job(`{ task: t, attempts: -1, ${RUN} }`), /"attempts" is "-1"/],
    ["a limit of zero", job(`{ in_parallel: { limit: 0, steps: [{ task: t, ${RUN} }] } }`), /"limit" is "0"/],
    [
      "a fraction in flight",
      job(`{ task: t, across: [{ var: v, values: [1], max_in_flight: 1.5 }], ${RUN} }`),
      /"1.5"/,
    ],
    ["a bad timeout", job(`{ task: t, timeout: soon, ${RUN} }`), /"soon" is not a duration/],
    ["fail_fast without across", job(`{ task: t, fail_fast: true, ${RUN} }`), /"fail_fast" needs "across"/],
    [
      "two jobs of one name",
      `${job(`{ task: t, ${RUN} }`)}- { name: a, plan: [{ task: t, ${RUN} }] }\n`,
      /^5:3 job "a" is given twice/,
    ],
    ["no jobs", "jobs: []\n", /no jobs/],
    ["an empty file", "", /not a mapping|no jobs/],
    [
      "a variable without value",
      job("{ task: ((nmae)), config: { run: { path: x } } }"),
      /"nmae" has no value.*--param nmae/,
    ],
    [
      "two outputs of one name",
      job("{ task: t, config: { outputs: [{ name: o }, { name: o, path: p }], run: { path: x } } }"),
      /"o" is given twice/,
    ],
    [
      "two volumes at one path",
      job("{ task: t, config: { outputs: [{ name: o }], caches: [{ path: ./o/ }], run: { path: x } } }"),
      /taken by an output/,
    ],
    [
      "one cache in two spellings",
      job("{ task: t, config: { caches: [{ path: c }, { path: ./c/ }], run: { path: x } } }"),
      /taken by a cache/,
    ],
    [
      "a cache outside the task",
      job("{ task: t, config: { caches: [{ path: ../x }], run: { path: x } } }"),
      /leaves the task's folder/,
    ],
    ["a file outside the project", job("{ task: t, file: ../../etc/passwd }"), /cannot read task file/],
    ["broken YAML", "jobs: [\n", /^\d+:\d+ /],
    ["a key given twice", "jobs: []\njobs: []\n", /^2:1 .*unique/],
  ] as const
) {
  Deno.test(`${what} is refused with line and column`, async () => {
    const found = await findings(text);
    assert.ok(found.some((each) => expected.test(each)), found.join("\n"));
  });
}

Deno.test("everything that is wrong is told at once", async () => {
  assert.equal(
    (await findings(job(`{ task: t, attempts: 0, timeout: x, nonsense: 1, ${RUN} }`, "{ put: r }"))).length,
    4,
  );
});

Deno.test("outputs of steps side by side are not each other's inputs, but those of later steps", async () => {
  const put = "{ task: p, config: { outputs: [{ name: o }], run: { path: x } } }";
  const take = "{ task: t, config: { inputs: [{ name: o }], run: { path: x } } }";
  assert.equal((await findings(job(`{ in_parallel: [${put}, ${take}] }`))).length, 1);
  assert.deepEqual(await findings(job(`{ in_parallel: [${put}, ${put}] }`, take)), []);
  assert.equal((await findings(job(`{ do: [${put}], across: [{ var: v, values: [1] }] }`, take))).length, 1);
});

Deno.test("modifiers nest as Concourse nests them, and the plan is plain JSON", async () => {
  const plan = await readPipeline(
    job(
      `{ task: t, timeout: 1m30s, attempts: 2, across: [{ var: v, values: [1] }], ensure: { task: e, ${RUN} }, ${RUN} }`,
    ),
    { file: "p.yml" },
  );
  const chain: string[] = [];
  const [first] = plan.jobs[0]?.plan.type === "do" ? plan.jobs[0].plan.steps : [];
  for (let step = first; step !== undefined;) {
    chain.push(step.type);
    step = "step" in step ? step.step : step.type === "across" ? step.steps[0] : undefined;
  }
  assert.deepEqual(chain, ["hook", "across", "attempts", "timeout", "task"]);
  assert.match(JSON.stringify(plan), /"ms":90000/);
});

Deno.test("anchors work; an alias bomb is refused", async () => {
  const text =
    `jobs:\n- name: a\n  plan:\n  - task: t\n    config: &c { run: { path: x } }\n  - { task: u, config: *c }\n`;
  assert.deepEqual(await findings(text), []);
  const levels = Array.from(
    { length: 12 },
    (_, i) => `  - &l${i} [${Array(10).fill(i === 0 ? "x" : `*l${i - 1}`).join(", ")}]`,
  );
  const [bomb] = await findings(`jobs:\n${levels.join("\n")}\n`);
  assert.match(bomb ?? "", /^\d+:\d+ more than 50000 values/);
});

Deno.test("merge keys take what the mapping itself does not say; x- keys hold anchors", async () => {
  const text = `x-base: &base { image: a, platform: linux, run: { path: x } }
x-env: &env { params: { A: 1 } }
jobs:
- name: a
  plan:
  - task: t
    config: { <<: [*base, *env], image: b }
`;
  const plan = await readPipeline(text, { file: "p.yml" });
  const step = plan.jobs[0]?.plan.type === "do" ? plan.jobs[0].plan.steps[0] : undefined;
  assert.ok(step?.type === "task");
  assert.deepEqual(
    [step.config.image, step.config.platform, step.config.env, step.config.command],
    ["b", "linux", { A: "1" }, ["x"]],
  );
});

Deno.test("an anchor that is given again is the later one from there on", async () => {
  const text = `jobs:
- name: a
  plan:
  - { task: &n one, config: { run: { path: *n } } }
  - { task: &n two, config: { run: { path: *n } } }
`;
  const plan = await readPipeline(text, { file: "p.yml" });
  assert.match(JSON.stringify(plan), /"name":"one".*"command":\["one"\].*"name":"two".*"command":\["two"\]/);
});

Deno.test("numbers, dates and flags reach variables as they are written", async () => {
  const params =
    "{ A: 1.10, B: 0o17, C: 1e3, D: 2020-01-01, E: true, F: yes, G: 1_000, H: .5, I: -0, J: 12345678901234567890 }";
  const plan = await readPipeline(job(`{ task: t, params: ${params}, ${RUN} }`), { file: "p.yml" });
  const step = plan.jobs[0]?.plan.type === "do" ? plan.jobs[0].plan.steps[0] : undefined;
  assert.deepEqual(step?.type === "task" && Object.values(step.config.env), [
    "1.10",
    "0o17",
    "1e3",
    "2020-01-01",
    "true",
    "yes",
    "1_000",
    ".5",
    "-0",
    "12345678901234567890",
  ]);
});

Deno.test("what is of the wrong kind is told once, with what it is and how it is written", async () => {
  const cases: readonly (readonly [text: string, expected: string])[] = [
    ["", "1:1 the pipeline is empty, not a mapping (write { jobs: … })"],
    ["jobs: [hello]\n", "1:8 a job is a text, not a mapping (write { name: … })"],
    ["jobs: [a, b]\n", "1:8 a job is a text, not a mapping (write { name: … })"],
    ["jobs:\n", '1:6 "jobs" is empty, not a list (write each item on a line of its own, after a dash, or [a, b])'],
    [
      "jobs:\n- name: a\n  plan:\n",
      '3:8 plan of job "a" is empty, not a list (write each item on a line of its own, after a dash, or [a, b])',
    ],
    [job("hello"), "4:5 a step is a text, not a mapping (write { task: … })"],
    [job(""), "4:5 a step is empty, not a mapping (write { task: … })"],
    [job("[{ task: t }]"), "4:5 a step is a list, not a mapping (put several steps under do: or in_parallel:)"],
    [
      job(`{ task: t, ${RUN}, on_failure: [{ task: u, ${RUN} }] }`),
      "4:58 a step is a list, not a mapping (put several steps under do: or in_parallel:)",
    ],
    [
      job("{ task: t, config: { run: echo hi } }"),
      "4:31 run is a text, not a mapping (write run: { path: sh, args: [-c, COMMAND] })",
    ],
    [
      job("{ task: t, config: { caches: [c], run: { path: x } } }"),
      "4:35 a cache is a text, not a mapping (write { path: … })",
    ],
    [
      job("{ task: t, config: { params: [A=b], run: { path: x } } }"),
      "4:34 params is a list, not a mapping (write { NAME: value })",
    ],
    [job("{ task: t, config: }"), "4:24 the task's config is empty, not a mapping (write { run: { path: … } })"],
    [job(`{ task: t, attempts: [1], ${RUN} }`), '4:26 "attempts" is a list, not a text'],
    [
      job(`{ in_parallel: { fail_fast: yes, steps: [{ task: t, ${RUN} }] } }`),
      '4:33 "fail_fast" is neither true nor false (write true or false, without quotes)',
    ],
    [job(`{ task: t, across: [], ${RUN} }`), '4:24 "across" has no variables'],
    [
      job('{ task: t, config: { run: { path: "a\\0b" } } }'),
      "4:39 path of run has a NUL in it, which no program can take",
    ],
    [
      job("{ task: t, file: ci/none.yml }"),
      `4:22 cannot read task file "ci/none.yml": there is no such file (paths are relative to the pipeline's folder; a file that an earlier step put out cannot be used)`,
    ],
    [job("{ in_parallel: { limit: 2 } }"), '4:20 "in_parallel" has no steps'],
    [job("{ in_parallel: [] }"), '4:20 "in_parallel" has no steps'],
    [job("{ in_parallel: }"), '4:20 "in_parallel" is empty, not a mapping (write { steps: … })'],
    [job("{ do: [] }"), '4:11 "do" has no steps'],
    [
      job(`{ task: t, across: [{ var: v, values: abc }], ${RUN} }`),
      "4:43 values is a text, not a list (write each item on a line of its own, after a dash, or [a, b])",
    ],
    [
      job("{ task: t, across: [{ var: v, values: [1, 2] }], config: { run: { path: ((v)) } } }"),
      '4:77 "v" has no value (did you mean ".:v"?)',
    ],
    [job(`{ task: t, timeout: 1000h, ${RUN} }`), '4:25 "1000h" is not a duration (write 90s, 5m, 1h30m; at most 596h)'],
    [job("{ task: t, file: [a] }"), "4:22 file is a list, not a text"],
    [job("{ task: t, file: }"), "4:22 file is empty, not a text"],
    [job("{ task: t, config: *nowhere }"), '4:24 there is no anchor "&nowhere" above'],
    ["jobs: &x\n- *x\n", "2:1 an alias leads to what it is part of"],
    ["jobs: &x [{ name: a, plan: *x }]\n", "1:10 an alias leads to what it is part of"],
    [job(`{ <<: text, task: t, ${RUN} }`), '4:11 "<<" merges mappings, as in "<<: *anchor"'],
    [job(`{ task: !secret t, ${RUN} }`), "4:13 Unresolved tag: !secret"],
    ["jobs:\n\t- name: a\n", "2:1 tabs cannot indent; use spaces"],
    ["jobs: []\njobs: []\n", "2:1 the key is given twice; keys must be unique"],
    ["jobs: []\n---\njobs: []\n", "2:1 the file has more than one document; a pipeline is one"],
  ];
  const first = await Promise.all(cases.map(async ([text]) => [text, (await findings(text))[0]]));
  assert.deepEqual(first, cases);
  for (const [text] of cases) {
    const count = text === "jobs: [a, b]\n" ? 2 : 1;
    assert.equal((await findings(text)).length, count, JSON.stringify([text, await findings(text)]));
  }
});

Deno.test("lists and variables of a task that have nothing in them are as if left out", async () => {
  const text = `jobs:
- name: a
  plan:
  - task: t
    params:
    config:
      inputs:
      outputs:
      caches:
      env:
      run: { path: x, args: }
`;
  assert.deepEqual(await findings(text), []);
});

Deno.test("YAML that is nested without reason is a finding, not a crash", async () => {
  const [told] = await findings(`jobs: ${"[".repeat(9000)}${"]".repeat(9000)}\n`);
  assert.match(told ?? "", /^1:\d+ this is nested too deeply$/);
  const steps = Array(150).fill("{ do: [").join("") + `{ task: t, ${RUN} }` + "] }".repeat(150);
  assert.match((await findings(job(steps)))[0] ?? "", /the plan is too deep/);
});

Deno.test("file: and --param", async () => {
  const plan = await readPipeline(job("{ task: ((name)), file: ci/t.yml, params: { A: ((name))! } }"), {
    file: "p.yml",
    variables: { name: "unit" },
    readFile: (path) => path === "ci/t.yml" ? "image: alpine\nparams: { A: no, B: 2 }\nrun: { path: ((name)) }\n" : "",
  });
  const step = plan.jobs[0]?.plan.type === "do" ? plan.jobs[0].plan.steps[0] : undefined;
  assert.ok(step?.type === "task");
  assert.equal(step.name, "unit");
  assert.equal(step.config.image, "alpine");
  assert.deepEqual(step.config.env, { A: "unit!", B: "2" });
  assert.deepEqual(step.config.command, ["unit"]);
});

Deno.test("arithmetic of a shell is no variable", async () => {
  const text =
    "jobs: [{ name: a, plan: [{ task: t, config: { platform: linux, run: { path: sh, args: [-c, 'echo $((1+1)) $((x * 2)) ((name))'] } } }] }]";
  const plan = await readPipeline(text, { file: "p.yml", variables: { name: "N" } });
  const json = JSON.stringify(plan);
  assert.match(json, /echo \$\(\(1\+1\)\) \$\(\(x \* 2\)\) N/);
});
