// Fifty thousand objects: pushed, counted, collected and pulled, through a real S3 server and a folder, as commands with bounded memory.
// Minutes of work: `deno task test:heavy` runs it; PIVOT_TEST_VERSITYGW names a server that is made for so many.

import assert from "node:assert/strict";
import { type Ended, type TestProject, testProject } from "../support/project.ts";
import { type S3Server, startS3 } from "../support/s3.ts";

const FILES = Number(Deno.env.get("PIVOT_HEAVY_FILES") ?? 50_000);
const FOLDERS = 500;
/** What two workers with a cloud library and the coordinator hold, and some kilobytes for each file. */
const MAX_MIB = 350 + FILES / 100;
const heavy = Deno.env.get("PIVOT_HEAVY") === "1";
const skipped = heavy ? "" : " (skipped: takes minutes; PIVOT_HEAVY=1 or `deno task test:heavy` runs it)";

interface Measured extends Ended {
  readonly seconds: number;
  /** The most that the process ever held. */
  readonly peakMiB: number;
}

async function measured(project: TestProject, ...args: string[]): Promise<Measured> {
  const started = performance.now();
  const child = project.start(args);
  let peakKiB = 0;
  const timer = setInterval(() => {
    try {
      const status = Deno.readTextFileSync(`/proc/${child.pid}/status`);
      peakKiB = Math.max(peakKiB, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
    } catch {
      // It has ended, or this system has no such file.
    }
  }, 50);
  const { code, stdout, stderr } = await child.output();
  clearInterval(timer);
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  const ended = { code, out: out ?? "", err: err ?? "" };
  const seconds = (performance.now() - started) / 1000;
  console.log(`${args.join(" ")}: ${seconds.toFixed(1)} s, ${(peakKiB / 1024).toFixed(0)} MiB`);
  assert.equal(code, 0, `${ended.out}\n${ended.err}`);
  assert.ok(peakKiB / 1024 < MAX_MIB, `${args.join(" ")} held ${(peakKiB / 1024).toFixed(0)} MiB`);
  return { ...ended, seconds, peakMiB: peakKiB / 1024 };
}

/** A project with a tracked folder of many small files, no two alike. */
async function bigProject(): Promise<TestProject> {
  const project = testProject({ "pivot.ts": "export {};\n" });
  for (let folder = 0; folder < FOLDERS; folder++) {
    Deno.mkdirSync(`${project.root}/data/${folder}`, { recursive: true });
  }
  for (let at = 0; at < FILES; at++) {
    Deno.writeTextFileSync(`${project.root}/data/${at % FOLDERS}/${at}.txt`, `line ${at}\n`.repeat(1 + at % 20));
  }
  await measured(project, "track", "data");
  return project;
}

/** What git would bring to another machine. */
function cloneOf(project: TestProject): TestProject {
  const clone = testProject({ "pivot.ts": "export {};\n" });
  for (const name of ["data.lock"]) clone.write(`.pivot/tracked/${name}`, project.read(`.pivot/tracked/${name}`));
  clone.write(".pivot/config.yaml", project.read(".pivot/config.yaml"));
  return clone;
}

async function story(project: TestProject, url: string, server?: S3Server): Promise<void> {
  const endpoint = server === undefined ? [] : ["--endpoint", server.endpoint];
  const name = `r${crypto.randomUUID().slice(0, 8)}`;
  await project.expect(0, "remote", "add", name, url, ...endpoint);
  await project.expect(0, "remote", "default", name);
  const pushed = await measured(project, "push");
  assert.match(pushed.out, new RegExp(`^Pushed ${FILES} files`, "m"));
  const again = await measured(project, "push");
  assert.match(again.out, /^Pushed 0 files/m);
  const status = await measured(project, "remote", "status", "--json");
  assert.match(status.out, new RegExp(String(FILES)));
  const listed = await measured(project, "remote", "ls");
  assert.equal(listed.out.trim().split("\n").filter((line) => /^[0-9a-f]{16}\b/.test(line)).length, FILES);
  using clone = cloneOf(project);
  const pulled = await measured(clone, "pull");
  assert.match(pulled.out, new RegExp(`^Pulled ${FILES} files`, "m"));
  assert.equal(clone.read(`data/${7 % FOLDERS}/7.txt`), project.read(`data/${7 % FOLDERS}/7.txt`));
  const nothing = await measured(clone, "push");
  assert.match(nothing.out, /^Pushed 0 files/m);
}

Deno.test({
  name: `fifty thousand objects through S3${skipped}`,
  ignore: !heavy,
  sanitizeOps: false,
  sanitizeResources: false,
}, async () => {
  await using server = await startS3();
  using project = await bigProject();
  await story(project, `s3://${server.bucket}/many`, server);
});

Deno.test({ name: `fifty thousand objects through a folder${skipped}`, ignore: !heavy }, async () => {
  using project = await bigProject();
  await story(project, `file://${project.root}/shared`);
});
