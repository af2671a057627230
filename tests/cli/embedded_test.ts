// A program that stages are compiled into: it runs where no sources are, and a manifest that is not theirs is refused.

import assert from "node:assert/strict";
import { outcomes, REPOSITORY, testProject, TWO_STAGES } from "../support/project.ts";

const PROGRAM = `import { main } from "${REPOSITORY}/cli.ts";
import * as stages from "./pivot.ts";
import manifest from "./pivot_manifest.json" with { type: "json" };
Deno.exit(await main(Deno.args, { embedded: { stages, manifest } }));
`;

async function run(
  program: string,
  cwd: string,
  ...args: string[]
): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--quiet", program, ...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("stages that are compiled in run and skip where no sources are; stale manifests are refused", async () => {
  using sources = testProject({ ...TWO_STAGES, "program.ts": PROGRAM });
  // The program runs under the repository's import map; no lock file comes up meanwhile, since that would count as a change.
  const config = Deno.readTextFileSync(`${REPOSITORY}/deno.json`).replaceAll('"./', `"${REPOSITORY}/`);
  sources.write("deno.json", JSON.stringify({ ...JSON.parse(config), lock: false }));
  await sources.expect(1, "compile-manifest", "--check");
  await sources.expect(0, "compile-manifest");
  await sources.expect(0, "compile-manifest", "--check");
  using place = testProject({ "a.txt": "hello" });
  const program = `${sources.root}/program.ts`;
  const first = await run(program, place.root, "run", "--json");
  assert.equal(first.code, 0, first.err);
  assert.deepEqual(outcomes(first.out), { upper: "ran", twice: "ran" });
  assert.equal(place.read("out/twice.txt"), "HELLO!HELLO!");
  assert.deepEqual(outcomes((await run(program, place.root, "run", "--json")).out), {
    upper: "skipped",
    twice: "skipped",
  });
  // From its sources the same record holds: the identities are the same.
  assert.deepEqual(outcomes((await run(program, sources.root, "run", "--json")).out), { upper: "ran", twice: "ran" });
  assert.deepEqual(await sources.run(), { upper: "skipped", twice: "skipped" });

  sources.edit("lib/marks.ts", '"!"', '"?"');
  await sources.expect(1, "compile-manifest", "--check");
  const stale = await run(program, sources.root, "run");
  assert.equal(stale.code, 3);
  assert.match(stale.err, /manifest is stale: the sources of "pivot\.ts" changed/);
  sources.edit("pivot.ts", "a.toUpperCase()", "a.toLowerCase()");
  const elsewhere = await run(program, place.root, "run");
  assert.equal(elsewhere.code, 3);
  assert.match(elsewhere.err, /the functions of "upper" differ/);
});
