// Describing a module while its sources are looked at: what is kept belongs to the sources that it is kept for.

import assert from "node:assert/strict";
import { loadPipeline } from "../../../lib/pipeline/mod.ts";
import { IMPORTS, makeProject, type TestProject } from "./project.ts";

const declaring = (path: string) =>
  `${IMPORTS}export const a = stage({ outs: { o: out("${path}", text()) }, run: () => ({ o: "x" }) });\n`;

/** Loads as a command would, with a look at the sources that the test plays. */
async function outputOf(
  project: TestProject,
  look: { readonly digest: string; readonly settled: boolean; readonly meanwhile?: () => void },
): Promise<string | undefined> {
  const { pipeline } = await loadPipeline({
    projectRoot: project.root,
    graphDigest: async (_module, onStale) => {
      await onStale();
      look.meanwhile?.();
      return look.digest;
    },
    graphSettledAt: () => look.settled,
    declarations: { get: (key) => project.store.get(key), put: (key, value) => void project.store.set(key, value) },
  });
  return pipeline.stages[0]?.outs[0]?.path;
}

Deno.test("an answer that began before the sources were looked at is taken while they are as they were", async () => {
  using project = makeProject({ "pivot.ts": declaring("one.txt") });
  assert.equal(await outputOf(project, { digest: "1", settled: true }), "one.txt");
  assert.equal(project.store.size, 2);
});

Deno.test("an answer that began before an edit is not kept for the edited sources", async () => {
  using project = makeProject({ "pivot.ts": declaring("one.txt") });
  const meanwhile = () => Deno.writeTextFileSync(`${project.root}/pivot.ts`, declaring("two.txt"));
  assert.equal(await outputOf(project, { digest: "2", settled: false, meanwhile }), "two.txt");
  assert.equal(await outputOf(project, { digest: "2", settled: true }), "two.txt", "nor is it in the store");
});

Deno.test("what turns out to be known already comes from the store, and the process that began is ended", async () => {
  using project = makeProject({ "pivot.ts": declaring("one.txt") });
  assert.equal(await outputOf(project, { digest: "1", settled: true }), "one.txt");
  Deno.writeTextFileSync(`${project.root}/pivot.ts`, `await new Promise(() => setInterval(() => {}, 1000));`);
  assert.equal(await outputOf(project, { digest: "1", settled: true }), "one.txt");
});

Deno.test("a look that fails ends the process that began", async () => {
  using project = makeProject({ "pivot.ts": `await new Promise(() => setInterval(() => {}, 1000));` });
  const meanwhile = () => {
    throw new Error("unreadable");
  };
  await assert.rejects(outputOf(project, { digest: "1", settled: true, meanwhile }), /unreadable/);
});
