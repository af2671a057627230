// Incremental outputs: what they start from, and what is never overwritten.

import assert from "node:assert/strict";
import { type TestProject, testProject } from "../support/project.ts";

const GROW = `import { dep, incremental, jsonl, stage, text } from "@pivot/pivot";
export const grow = stage({
  deps: { a: dep("a.txt", text()) },
  outs: { log: incremental("log.jsonl", jsonl<string>()) },
  run: ({ a }, { previous, outs }) => {
    if (a === "fail") { Deno.writeTextFileSync(outs.log, "half"); throw new Error("asked to"); }
    return { log: [...(previous.log as string[]), a] };
  },
});
`;

function project(): TestProject {
  return testProject({ "pivot.ts": GROW, "a.txt": "one" });
}

Deno.test("a file that no run made is not overwritten; commit takes it as it is", async () => {
  using at = project();
  at.write("log.jsonl", '"mine"\n');
  const { err } = await at.expect(1, "run");
  assert.match(err, /incremental output "log\.jsonl" exists, but no run made it/);
  assert.equal(at.read("log.jsonl"), '"mine"\n');
  await at.expect(0, "commit");
  at.write("a.txt", "two");
  await at.expect(0, "run");
  assert.equal(at.read("log.jsonl"), '"mine"\n"two"\n');
});

Deno.test("a change by hand is not overwritten; checkout --force and commit are the ways out", async () => {
  using at = project();
  await at.expect(0, "run");
  at.write("log.jsonl", '"by hand"\n');
  at.write("a.txt", "two");
  const { err } = await at.expect(1, "run");
  assert.match(err, /was changed since the last run/);
  assert.match(err, /checkout --force log\.jsonl/);
  assert.equal(at.read("log.jsonl"), '"by hand"\n');
  await at.expect(0, "checkout", "--force", "log.jsonl");
  await at.expect(0, "run");
  assert.equal(at.read("log.jsonl"), '"one"\n"two"\n');
});

Deno.test("what a failed run left is ours to replace", async () => {
  using at = project();
  at.write("a.txt", "fail");
  await at.expect(1, "run");
  at.write("a.txt", "one");
  await at.expect(0, "run");
  at.write("a.txt", "fail");
  await at.expect(1, "run");
  assert.equal(at.read("log.jsonl"), "half");
  at.write("a.txt", "two");
  await at.expect(0, "run");
  assert.equal(at.read("log.jsonl"), '"one"\n"two"\n');
});

Deno.test("a lost previous content is told instead of started afresh", async () => {
  using at = project();
  await at.expect(0, "run");
  Deno.removeSync(`${at.root}/log.jsonl`);
  Deno.removeSync(`${at.root}/.pivot/cache`, { recursive: true });
  const { err } = await at.expect(1, "run");
  assert.match(err, /cannot be restored: its content is not in the cache/);
  assert.match(err, /remove \.pivot\/stages\/grow\.lock/);
});
