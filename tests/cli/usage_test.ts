// Whose fault an error is: a wrong command line ends with 2, a wrong project with 3, whatever the command.

import assert from "node:assert/strict";
import { testProject } from "../support/project.ts";

const FILES = {
  "pivot.yaml": "stages:\n  train: { cmd: 'echo 1 > o.csv', params: { rate: 1 }, outs: [o.csv] }\n",
} as const;

const WRONG_SETTINGS = [
  ["trian.rate=2", /there is no stage "trian"\n.*did you mean "train"/],
  ["train.rat=2", /has no parameter "rat"\n.*did you mean "rate"/],
  ["train.rate=fast", /parameter "rate" of stage "train" is a string, its default a number/],
  ["rate", /cannot use --set "rate"/],
] as const;

Deno.test("a wrong value of --set is a usage error of every command that takes it", async () => {
  using project = testProject(FILES);
  for (const [set, message] of WRONG_SETTINGS) {
    for (const command of [["run"], ["status"], ["params", "show"], ["run", "--watch"]]) {
      const { out, err } = await project.expect(2, ...command, "--set", set);
      assert.match(err, message);
      assert.equal(out, "");
    }
  }
  const { out } = await project.expect(2, "run", "--json", "-S", "train.rate=fast");
  const { error } = JSON.parse(out);
  assert.deepEqual([error.exitCode, error.findings[0].code, error.findings[0].exitCode], [2, "bad-params", 2]);
  assert.ok(!project.exists("o.csv"));
});

Deno.test("-S sets as --set does", async () => {
  using project = testProject(FILES);
  const { out } = await project.expect(0, "params", "show", "--json", "-S", "train.rate=7");
  assert.match(out, /7/);
});

Deno.test("other wrong values of flags are usage errors too; the same value in a file is the project's", async () => {
  using project = testProject({ ...FILES, "params.yaml": "train: { rate: fast }\n" });
  await project.expect(3, "run");
  await project.expect(3, "status");
  project.write("params.yaml", "train: { rate: 2 }\n");
  for (
    const args of [
      ["run", "--jobs", "0"],
      ["run", "--jobs", "many"],
      ["run", "--checkout-mode", "magic"],
      ["run", "nowhere"],
      ["run", "--json", "--jsonl"],
      ["diff", "--limit", "-1"],
      ["config", "set", "cache.modes", "magic"],
      ["push", "--remote", "nowhere"],
      ["show", "nothing"],
      ["logs", "nowhere"],
      ["checkout", "nowhere"],
      ["commit", "nowhere"],
      ["plots", "show", "nowhere"],
      ["dag", "nowhere"],
      ["metrics", "show", "nowhere"],
      ["gc", "--keep-days", "soon"],
    ]
  ) await project.expect(2, ...args);
});
