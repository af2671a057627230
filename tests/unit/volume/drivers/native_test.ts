// What only the native driver has to take care of: the machine around its tasks.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Driver, openDriver, parseDriverDsn, type Volume } from "../../../../lib/volume/mod.ts";
import { cleanPath, isWithin, placeMounts } from "../../../../lib/volume/drivers/mount_paths.ts";
import { fails } from "../../../conformance/driver_support.ts";
import { tempFolder } from "../helpers.ts";

interface Native extends AsyncDisposable {
  readonly driver: Driver;
  readonly scratch: string;
  volume(): Promise<Volume>;
  sh(script: string, mounts?: Readonly<Record<string, Volume>>, signal?: AbortSignal): Promise<string>;
}

async function open(dsn: string): Promise<Native> {
  const folder = tempFolder();
  const driver = await openDriver(parseDriverDsn(dsn), { scratch: folder.path, graceMs: 200 });
  const { signal: never } = new AbortController();
  return {
    driver,
    scratch: folder.path,
    volume: () => driver.createVolume({ name: "data", signal: never }),
    async sh(script, mounts = {}, signal = never) {
      let output = "";
      const { code } = await driver.run({
        name: "task",
        image: undefined,
        command: ["sh", "-c", script],
        dir: undefined,
        user: undefined,
        env: {},
        mounts: Object.entries(mounts).map(([path, volume]) => ({ path, volume })),
        signal,
        onOutput: (chunk) => output += new TextDecoder().decode(chunk),
      });
      return code === 0 ? output : `${output}[${code}]`;
    },
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}

const folderOf = (volume: Volume) => volume.access?.kind === "folder" ? volume.access.path : "";

for (const dsn of ["native://?mounts=links", "native"]) {
  Deno.test(`${dsn}: a place within a volume that leads out of it by a link is refused`, async () => {
    await using native = await open(dsn);
    const [outer, inner] = [await native.volume(), await native.volume()];
    Deno.mkdirSync(`${native.scratch}/outside`);
    Deno.symlinkSync(`${native.scratch}/outside`, `${folderOf(outer)}/link`);
    await fails(native.sh("true", { repo: outer, "repo/link/deep": inner }), "bad-mount", /is a link/);
    await fails(native.sh("true", { repo: outer, "repo/link": inner }), "bad-mount", /a symlink is there/);
    assert.deepEqual([...Deno.readDirSync(`${native.scratch}/outside`)], []);
  });

  Deno.test(`${dsn}: a file where a volume shall be is an error, and stays`, async () => {
    await using native = await open(dsn);
    const [outer, inner] = [await native.volume(), await native.volume()];
    Deno.writeTextFileSync(`${folderOf(outer)}/file`, "kept");
    await fails(
      native.sh("true", { repo: outer, "repo/new/place": inner, "repo/file": inner }),
      "bad-mount",
      /a file is there/,
    );
    assert.deepEqual([...Deno.readDirSync(folderOf(outer))].map(({ name }) => name), ["file"]);
  });

  Deno.test(`${dsn}: a daemon that left its process group ends with its task`, async () => {
    await using native = await open(dsn);
    const data = await native.volume();
    const script =
      "setsid sh -c 'echo $$ > d/pid; exec sleep 1000' & until test -s d/pid; do sleep 0.02; done; cat d/pid";
    const pid = (await native.sh(script, { d: data })).trim();
    assert.match(pid, /^\d+$/);
    assert.equal(
      await native.sh(`kill -0 ${pid} 2>/dev/null && grep -s State /proc/${pid}/status | grep -v zombie; true`),
      "",
    );
  });

  Deno.test(`${dsn}: an abort ends a daemon too, even one that let go of its output`, async () => {
    await using native = await open(dsn);
    const data = await native.volume();
    const abort = new AbortController();
    const daemon = "setsid sh -c 'trap \"\" TERM; echo $$ > d/pid; while :; do sleep 0.05; done' > /dev/null 2>&1 &";
    const running = native.sh(`${daemon} while :; do sleep 0.02; done`, { d: data }, abort.signal);
    const pid = (await native.sh("until test -s d/pid; do sleep 0.02; done; cat d/pid", { d: data })).trim();
    abort.abort(new Error("stop"));
    await assert.rejects(running, /stop/);
    assert.equal(await native.sh(`grep -s State /proc/${pid}/status | grep -v zombie; true`), "");
  });

  Deno.test(`${dsn}: folders without the right to write are removed all the same`, async () => {
    await using native = await open(dsn);
    const data = await native.volume();
    await native.sh("mkdir -p d/a/b own/c; : > d/a/b/f; chmod -R 555 d/a own", { d: data });
    await native.driver.removeVolume(data);
    assert.throws(() => Deno.lstatSync(folderOf(data)), Deno.errors.NotFound);
  });

  Deno.test(`${dsn}: a task sees the variables of the machine and its own mark`, async () => {
    await using native = await open(dsn);
    assert.match(await native.sh('echo "$PIVOT_TASK"; test -n "$PATH"'), /\/native\/run-[0-9a-f]{8}\/tasks\/\d+\/\n$/);
  });
}

Deno.test("with links, a task that puts a folder in a volume's place has filled the volume", async () => {
  await using native = await open("native://?mounts=links");
  const data = await native.volume();
  await native.sh("echo old > d/old", { d: data });
  await native.sh("rm -r d; mkdir d; echo new > d/new", { d: data });
  assert.equal(await native.sh("ls d; cat d/new", { d: data }), "new\nnew\n");
});

Deno.test("with links, another volume in a place that is in use is refused", async () => {
  await using native = await open("native://?mounts=links");
  const [repo, a, b] = [await native.volume(), await native.volume(), await native.volume()];
  const first = native.sh(": > repo/.git/up; until test -e repo/.git/go; do sleep 0.02; done", {
    repo,
    "repo/.git": a,
  });
  try {
    assert.equal(await native.sh("until test -e a/up; do sleep 0.02; done", { a }), "");
    await fails(native.sh("true", { repo, "repo/.git": b }), "bad-mount", /at the same time/);
  } finally {
    Deno.writeTextFileSync(`${folderOf(a)}/go`, "");
    await first;
  }
  assert.equal(await native.sh("ls -A repo", { repo }), "");
});

Deno.test("an absolute mount needs a folder that is there, and never hides the driver's own files", async () => {
  await using native = await open("native");
  const data = await native.volume();
  await fails(native.sh("true", { "/no/such/folder": data }), "bad-mount", /no such folder|absolute/);
  await fails(native.sh("true", { [native.scratch]: data }), "bad-mount", /own files|absolute/);
});

Deno.test("root= is where the driver's files are", async () => {
  using folder = tempFolder();
  const dsn = parseDriverDsn(`native://?root=${encodeURIComponent(`${folder.path}/my root`)}`);
  await using driver = await openDriver(dsn, { scratch: "/no/such" });
  const volume = await driver.createVolume({ name: "v", signal: new AbortController().signal });
  assert.ok(folderOf(volume).startsWith(`${folder.path}/my root/run-`));
});

Deno.test("a volume of another driver is refused", async () => {
  await using one = await open("native");
  await using two = await open("native");
  await fails(two.sh("true", { d: await one.volume() }), "volume-failed", /another driver/);
});

Deno.test("paths of mounts stay in the task's folder, whatever they are made of", () => {
  const segment = fc.constantFrom("a", "b", ".", "..", "", " ", "🎉", "...");
  fc.assert(fc.property(fc.array(segment), fc.boolean(), (segments, absolute) => {
    const path = `${absolute ? "/" : ""}${segments.join("/")}`;
    let clean: string;
    try {
      clean = cleanPath(path, "bad-dir");
    } catch {
      return assert.ok(segments.includes(".."));
    }
    assert.equal(clean.startsWith("/"), path.startsWith("/"));
    assert.ok(!clean.split("/").some((each) => each === "." || each === ".."));
    assert.equal(cleanPath(clean, "bad-dir"), clean);
    assert.equal(new URL(`file:///x/${clean}`).pathname.startsWith("/x/"), true);
  }));
});

Deno.test("outer mounts come before inner ones", () => {
  const volume: Volume = { name: "v", access: undefined };
  const paths = ["repo/.git", "z", "/abs/in", "repo", ".", "/abs", "repo/.git/deep"];
  const placed = placeMounts(paths.map((path) => ({ volume, path }))).map(({ path }) => path);
  assert.deepEqual(placed.toSorted(), paths.map((path) => path === "." ? "" : path).toSorted());
  for (const [index, path] of placed.entries()) {
    assert.ok(!placed.slice(index + 1).some((later) => isWithin(path, later)), `${path} comes too early`);
  }
});
