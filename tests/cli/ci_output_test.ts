// What `pivot ci run` shows while tasks run.

import assert from "node:assert/strict";
import { ciFolder, oneJob, shTask } from "../support/ci.ts";

Deno.test("a line without an end is shown in pieces, whole and soon; secrets in it are not", async () => {
  const size = 8_000_000;
  const script =
    `head -c ${size} /dev/zero | tr '\\0' x; printf '%s' "$DEPLOY_TOKEN"; head -c ${size} /dev/zero | tr '\\0' x`;
  using at = ciFolder({ "pipeline.yml": oneJob(shTask("t", script)) }, { DEPLOY_TOKEN: "tok-1234567" });
  const { err } = await at.expect(0, "run", "pipeline.yml");
  assert.equal(err.match(/x/g)?.length, 2 * size);
  assert.equal(err.match(/\*\*\*/g)?.length, 1);
  assert.doesNotMatch(err, /tok-/);
});

Deno.test("lines of tasks side by side are not mixed, and the last one needs no end", async () => {
  const script = (word: string) =>
    `for i in 1 2 3 4 5 6 7 8 9; do printf ${word}; sleep 0.01; printf "${word}\\n"; done; printf ${word}${word}`;
  using at = ciFolder({
    "pipeline.yml": oneJob(`{ in_parallel: [${shTask("one", script("a"))}, ${shTask("two", script("b"))}] }`),
  });
  const { err } = await at.expect(0, "run", "pipeline.yml");
  assert.equal(err.match(/^one \| aa$/gm)?.length, 10);
  assert.equal(err.match(/^two \| bb$/gm)?.length, 10);
});

Deno.test("--jsonl is one JSON object per line, from the first event to the result; stderr is empty", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob(shTask("t", "echo out; echo err >&2; exit 4")) });
  const { out, err } = await at.expect(1, "run", "pipeline.yml", "--jsonl");
  const events = out.trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(events[0].type, "job-started");
  assert.deepEqual(events.at(-1).tasks.map(({ task, code }: { task: string; code: number }) => [task, code]), [[
    "t",
    4,
  ]]);
  assert.equal(events.at(-1).type, "result");
  assert.equal(err, "");
});
