// A project opened by a program: the same acts as on the command line, with values instead of text.

import assert from "node:assert/strict";
import { openRepository, PivotError, type SyncEvent } from "../../../mod.ts";
import { type TestProject, testProject, TWO_STAGES } from "../../support/project.ts";

async function pushed(): Promise<TestProject> {
  const project = testProject(TWO_STAGES);
  await project.expect(0, "remote", "add", "origin", `file://${project.root}/shared`);
  await project.run();
  return project;
}

function clone(project: TestProject): TestProject {
  const files = ["a.txt", "lib/marks.ts", "pivot.ts", ".pivot/config.yaml"].concat(
    ["upper", "twice"].map((name) => `.pivot/stages/${name}.lock`),
  );
  return testProject(Object.fromEntries(files.map((file) => [file, project.read(file)])));
}

Deno.test("a program pushes, pulls and asks how things stand; progress is told", async () => {
  using project = await pushed();
  {
    await using repository = await openRepository(project.root);
    assert.equal(repository.root, project.root);
    assert.deepEqual((await repository.status()).ahead, { files: 2, bytes: 18 });
    const events: SyncEvent["type"][] = [];
    const result = await repository.push({ jobs: 2, onEvent: ({ type }) => events.push(type) });
    assert.deepEqual([result.success, result.pushed.length, result.bytesTransferred], [true, 2, 18]);
    assert.deepEqual([events[0], events.filter((type) => type === "moved").length], ["started", 2]);
    assert.deepEqual([(await repository.push()).pushed.length, (await repository.status()).same.files], [0, 2]);
  }
  using other = clone(project);
  await using repository = await openRepository(`${other.root}/lib`);
  const some = await repository.fetch({ targets: ["upper"] });
  assert.deepEqual([some.pulled.length, some.restored.length, other.exists("out/upper.txt")], [1, 0, false]);
  const rest = await repository.pull();
  assert.deepEqual([rest.pulled.length, [...rest.restored].sort()], [1, ["out/twice.txt", "out/upper.txt"]]);
  assert.equal(other.read("out/twice.txt"), "HELLO!HELLO!");
  const again = await repository.sync();
  assert.deepEqual([again.success, again.pulled.length, again.pushed.length, again.restored.length], [true, 0, 0, 0]);
});

Deno.test("a pull leaves files changed by hand alone and says which; force overwrites them", async () => {
  using project = await pushed();
  await project.expect(0, "push");
  using other = clone(project);
  other.write("out/upper.txt", "by hand");
  await using repository = await openRepository(other.root);
  const result = await repository.pull();
  assert.deepEqual([result.success, result.modified, result.restored], [false, ["out/upper.txt"], ["out/twice.txt"]]);
  assert.equal(other.read("out/upper.txt"), "by hand");
  assert.deepEqual((await repository.pull({ force: true })).restored, ["out/upper.txt"]);
  assert.equal(other.read("out/upper.txt"), "HELLO!");
});

Deno.test("an abort rejects with its reason; what is not there is a named error", async () => {
  using project = await pushed();
  await using repository = await openRepository(project.root);
  await assert.rejects(repository.push({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  const code = (error: unknown) => error instanceof PivotError ? error.code : String(error);
  await assert.rejects(repository.push({ remote: "orgin" }), (error) => code(error) === "no-remote");
  await assert.rejects(repository.pull({ targets: ["nobody"] }), (error) => code(error) === "unknown-stage");
  using folder = testProject({});
  Deno.removeSync(`${folder.root}/.pivot`, { recursive: true });
  await assert.rejects(openRepository(folder.root), (error) => code(error) === "no-project");
});
