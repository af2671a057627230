// SIGKILL between any two steps: the next run is right, and no output carries bytes that its record does not name.

import assert from "node:assert/strict";
import { testProject } from "../support/project.ts";

const FILES = {
  "a.txt": "one",
  "pivot.ts": `import { dep, json, out, stage, text } from "@pivot/pivot";
export const make = stage({
  deps: { a: dep("a.txt", text()) },
  outs: { one: out("one.txt", text()), many: out("many/", text()) },
  run: ({ a }) => ({ one: a, many: { "x.txt": a + "x", "sub/y.txt": a + "y" } }),
});
export const join = stage({
  deps: { one: make.outs.one, many: dep("many/", text()) },
  outs: { joined: out("joined.json", json({ indent: 0 })) },
  run: ({ one, many }) => ({ joined: [one, many] }),
});
`,
};

const STEPS = ["outputs-removed", "outputs-written", "blobs-stored", "lock-written", "state-committed"];

function expected(a: string): string {
  return `${JSON.stringify([a, { "sub/y.txt": `${a}y`, "x.txt": `${a}x` }])}\n`;
}

for (const step of STEPS) {
  for (const when of ["in the first run", "in a later run"]) {
    Deno.test(`kill -9 at ${step} ${when}: the next run is right`, async () => {
      using project = testProject(FILES);
      if (when === "in a later run") {
        await project.run();
        project.write("a.txt", "two");
      }
      const { code, signal } = await project.start(["run"], { PIVOT_TEST_CRASH_AT: step }).output();
      assert.ok(code !== 0 && signal === "SIGKILL", `the process was to die at ${step}`);
      await project.expect(0, "verify", "--cache");
      await project.run();
      assert.equal(project.read("joined.json"), expected(project.read("a.txt")));
      assert.deepEqual(await project.run(), { make: "skipped", join: "skipped" });
      for (const path of ["one.txt", "many", "joined.json"]) {
        Deno.removeSync(`${project.root}/${path}`, { recursive: true });
      }
      assert.deepEqual(await project.run(), { make: "restored", join: "restored" });
      assert.equal(project.read("joined.json"), expected(project.read("a.txt")));
      await project.expect(0, "verify", "--cache");
    });
  }
}
