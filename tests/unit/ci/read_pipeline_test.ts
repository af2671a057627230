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
  await assert.rejects(
    () => readPipeline(`jobs:\n${levels.join("\n")}\n`, { file: "p.yml" }),
    /more than 50000 values/,
  );
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
