// What is told before anything starts: the pipeline against its driver, parameters, kinds of files. No engine is asked.

import assert from "node:assert/strict";
import { parseDriverDsn } from "../../lib/volume/mod.ts";
import { ciFolder, oneJob, shTask } from "../support/ci.ts";

const NO_ENGINE = "docker://?host=unix:///nowhere.sock";
const PLAIN = shTask("t", 'touch "$ROOT/ran"');

Deno.test("a task without an image is told before the engine is asked, unless the driver has one for all", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob(PLAIN, PLAIN.replace("task: t", "task: u")) });
  const { err } = await at.expect(3, "run", "pipeline.yml", "--driver", NO_ENGINE);
  assert.match(err, /task "t" of job "one" names no image\n {2}hint: .*docker:\/\/\?image=busybox/);
  assert.match(err, /task "u" of job "one" names no image/);
  await at.expect(3, "run", "pipeline.yml", "--driver", NO_ENGINE, "--plan");
  await at.expect(0, "run", "pipeline.yml", "--driver", `${NO_ENGINE}&image=busybox`, "--plan");
  const asked = await at.expect(14, "run", "pipeline.yml", "--driver", `${NO_ENGINE}&image=busybox`);
  assert.match(asked.err, /cannot reach the Docker engine/);
});

Deno.test("a task for another platform is an error in containers, and a warning on this machine", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob(PLAIN.replace("linux", "windows")) });
  const { err } = await at.expect(3, "run", "pipeline.yml", "--driver", `${NO_ENGINE}&image=busybox`);
  assert.match(err, /task "t" of job "one" is for windows, but containers run Linux/);
  assert.ok(!at.exists("ran"));
  const native = await at.expect(0, "run", "pipeline.yml", "--json");
  assert.match(native.err, /^warning: task "t" of job "one" is for windows, but this machine runs /);
  assert.equal(JSON.parse(native.out).outcome, "succeeded");
});

Deno.test("--param that nothing uses is a warning, --secret-env is not", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob("{ task: ((name)), config: { run: { path: 'true' } } }") }, {
    WORD: "w-o-r-d",
  });
  const args = ["run", "pipeline.yml", "--param", "name=t", "--secret-env", "WORD"];
  assert.doesNotMatch((await at.expect(0, ...args)).err, /warning/);
  for (const more of [[], ["--plan"], ["--json"]]) {
    const { err } = await at.expect(0, ...args, "--param", "nmae=x", ...more);
    assert.match(err, /warning: --param nmae is used nowhere in the pipeline: there is no \(\(nmae\)\)/);
  }
});

Deno.test("--plan shows the chosen job alone, and refuses a mistyped driver or job", async () => {
  using at = ciFolder({ "pipeline.yml": `${oneJob(PLAIN)}- name: two\n  plan:\n  - ${shTask("second", "true")}\n` });
  assert.match(
    (await at.expect(0, "run", "pipeline.yml", "--plan", "--job", "two")).out,
    /^job two\n {2}task second: sh -c true\n$/,
  );
  const json = JSON.parse((await at.expect(0, "run", "pipeline.yml", "--plan", "--job", "two", "--json")).out);
  assert.deepEqual(json.jobs.map(({ name }: { name: string }) => name), ["two"]);
  assert.match((await at.expect(2, "run", "pipeline.yml", "--plan", "--job", "tow")).err, /did you mean "two"/);
  assert.match(
    (await at.expect(2, "run", "pipeline.yml", "--plan", "--driver", "dokcer")).err,
    /"dokcer" is no driver/,
  );
});

Deno.test("a file that is neither YAML nor a module is not run", async () => {
  using at = ciFolder({ "pipeline.txt": "export const pipeline = () => {};\n" });
  assert.match((await at.expect(2, "run", "pipeline.txt")).err, /is neither YAML nor a module/);
});

Deno.test("a pipeline that cannot be read is a usage error, wherever its link leads", async () => {
  using at = ciFolder({});
  Deno.mkdirSync(`${at.root}/folder.yml`);
  for (
    const [target, name] of [["folder.yml", "a.yml"], ["loop.yml", "loop.yml"], ["nothing.yml", "b.yml"], [
      "folder.yml",
      "c.ts",
    ]]
  ) {
    Deno.symlinkSync(target ?? "", `${at.root}/${name}`);
    assert.match((await at.expect(2, "run", name ?? "")).err, /cannot read the pipeline/);
  }
  assert.match((await at.expect(2, "run", "folder.yml")).err, /is no file/);
});

Deno.test("an unknown job is told before the driver is opened", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob(PLAIN) });
  const { err } = await at.expect(2, "run", "pipeline.yml", "--driver", `${NO_ENGINE}&image=busybox`, "--job", "oen");
  assert.match(err, /there is no job "oen"\n {2}hint: did you mean "one"/);
});

Deno.test("why a task cannot be run comes with what to do, in text and in JSON", async () => {
  using at = ciFolder({ "pipeline.yml": oneJob("{ task: t, config: { run: { path: no-such-program } } }") });
  assert.match((await at.expect(14, "run", "pipeline.yml")).err, /t \| {3}hint: install it/);
  const { out } = await at.expect(14, "run", "pipeline.yml", "--json");
  assert.match(JSON.parse(out).tasks[0].hint, /install it/);
});

Deno.test("--help names every driver and every parameter that a DSN takes", async () => {
  using at = ciFolder({});
  const { out } = await at.expect(0, "run", "--help");
  const words = new Set(out.split(/[^a-z0-9_:/]+/));
  for (const driver of ["native", "docker", "k8s"]) {
    for (const cache of ["", "&cache=s3://b", "&cache=minio://h/b", "&cache=gcs://b", "&cache=file:///c"]) {
      assert.throws(() => parseDriverDsn(`${driver}://?nonsense=1${cache}`), (error: Error & { hint?: string }) => {
        const known = /known are (.*)$/.exec(error.hint ?? "")?.[1]?.split(", ") ?? [];
        assert.ok(known.length >= 4);
        for (const name of known) assert.ok(words.has(name), `"${name}" of ${driver} is not in the help`);
        return true;
      });
    }
  }
});
