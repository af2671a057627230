// The disk, for real: writes that are whole, joins that stay inside, locks between processes.

import assert from "node:assert/strict";
import fc from "fast-check";
import { PivotError } from "../../../lib/core/mod.ts";
import {
  createHasher,
  hashBytes,
  hashFile,
  hashText,
  isRacy,
  lockFile,
  readLockHolder,
  safeJoin,
  sameStamp,
  spawnChild,
  statPath,
  tryLockFile,
  walk,
  writeDurable,
} from "../../../lib/sys/mod.ts";

function folder(): { readonly path: string } & Disposable {
  const path = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "pivot-sys-" }));
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

Deno.test("hashes are xxhash64 with seed 0", () => {
  assert.equal(hashText(""), "ef46db3751d8e999");
  assert.equal(hashText("abc"), "44bc2cf5ad770999");
  fc.assert(fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(5000), (bytes, cut) => {
    const hasher = createHasher().update(bytes.subarray(0, cut)).update(bytes.subarray(cut));
    assert.equal(hasher.digest(), hashBytes(bytes));
  }));
});

Deno.test("a file hashes the same whatever its size is to the buffer's", () => {
  using at = folder();
  for (const size of [0, 1, 1 << 20, (1 << 20) - 1, (1 << 20) + 1, 3 * (1 << 20)]) {
    const bytes = new Uint8Array(size).map((_, index) => index * 7);
    Deno.writeFileSync(`${at.path}/f`, bytes);
    const { hash, size: read } = hashFile(`${at.path}/f`);
    assert.deepEqual([hash, read], [hashBytes(bytes), size]);
  }
});

Deno.test("writeDurable replaces a file whole, makes its folder, and leaves the old one when it cannot write", () => {
  using at = folder();
  const path = `${at.path}/a/b/c.txt`;
  writeDurable(path, "one");
  writeDurable(path, "two", { mode: 0o600 });
  assert.equal(Deno.readTextFileSync(path), "two");
  assert.equal((Deno.statSync(path).mode ?? 0) & 0o777, 0o600);
  assert.deepEqual([...Deno.readDirSync(`${at.path}/a/b`)].map((entry) => entry.name), ["c.txt"]);
  Deno.writeTextFileSync(`${at.path}/plain`, "");
  assert.throws(
    () => writeDurable(`${at.path}/plain/x`, "three"),
    (error) => error instanceof PivotError && error.code === "write-failed",
  );
});

Deno.test("safeJoin never leaves its root, by name or by link", () => {
  using at = folder();
  Deno.mkdirSync(`${at.path}/root/in`, { recursive: true });
  Deno.symlinkSync("..", `${at.path}/root/up`);
  const root = `${at.path}/root`;
  assert.equal(safeJoin(root, "in/x"), `${root}/in/x`);
  for (const bad of ["", "/etc/passwd", "..", "in/../../x", "in//x", "./x", "up/x", "a\0b"]) {
    assert.throws(
      () => safeJoin(root, bad),
      (error) => error instanceof PivotError && error.code === "unsafe-path",
      bad,
    );
  }
  fc.assert(fc.property(fc.array(fc.constantFrom("..", ".", "", "a", "up", "in"), { maxLength: 6 }), (segments) => {
    try {
      assert.ok(safeJoin(root, segments.join("/")).startsWith(`${root}/`));
    } catch (error) {
      assert.ok(error instanceof PivotError);
    }
  }));
});

Deno.test("walk lists everything, sorted, without following links", () => {
  using at = folder();
  Deno.mkdirSync(`${at.path}/b/empty`, { recursive: true });
  Deno.writeTextFileSync(`${at.path}/b/z`, "");
  Deno.writeTextFileSync(`${at.path}/a`, "");
  Deno.symlinkSync("b", `${at.path}/link`);
  assert.deepEqual(walk(at.path).map(({ path, stat }) => `${path} ${stat.kind}`), [
    "a file",
    "b directory",
    "b/empty directory",
    "b/z file",
    "link symlink",
  ]);
  assert.deepEqual(walk(at.path, { ignore: (path) => path === "b" }).map(({ path }) => path), ["a", "link"]);
});

Deno.test("a stamp changes with the content; one that was taken too soon after a write is not trusted", () => {
  using at = folder();
  Deno.writeTextFileSync(`${at.path}/f`, "one");
  const before = statPath(`${at.path}/f`);
  Deno.writeTextFileSync(`${at.path}/f`, "three");
  const after = statPath(`${at.path}/f`);
  assert.ok(before !== undefined && after !== undefined && !sameStamp(before, after));
  assert.ok(isRacy({ ...after, mtimeMs: 1_000_001 }, 1_000_005));
  assert.ok(!isRacy({ ...after, mtimeMs: 1_000_001 }, 1_000_100));
  assert.ok(isRacy({ ...after, mtimeMs: 1_000_000 }, 1_001_000), "a file system with whole seconds");
  assert.equal(statPath(`${at.path}/nowhere`), undefined);
});

Deno.test("a lock is held by one process and gone when that dies", async () => {
  using at = folder();
  const path = `${at.path}/locks/a`;
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      `const { tryLockFile } = await import(${
        JSON.stringify(new URL("../../../lib/sys/mod.ts", import.meta.url).href)
      });
      const lock = tryLockFile(${
        JSON.stringify(path)
      }, "testing"); console.log(lock.path); await new Promise(() => setTimeout(() => {}, 60000));`,
    ],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  assert.equal(tryLockFile(path, "me"), undefined);
  assert.equal(readLockHolder(path)?.pid, child.pid);
  let waited = 0;
  await assert.rejects(
    lockFile(path, { what: "me", waitMs: 20, onWait: () => waited++ }),
    (error) => error instanceof PivotError && error.exitCode === 11,
  );
  assert.equal(waited, 1);
  const later = lockFile(path, { what: "me" });
  child.kill("SIGKILL");
  using lock = await later;
  assert.equal(readLockHolder(path)?.pid, Deno.pid);
  assert.equal(lock.path, path);
  await reader.cancel();
  await child.status;
});

Deno.test("waiting for a lock ends with the signal's reason", async () => {
  using at = folder();
  using _held = tryLockFile(`${at.path}/l`, "one");
  const controller = new AbortController();
  const waiting = lockFile(`${at.path}/l`, { what: "two", signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
});

Deno.test("a child's output comes in order per stream, its exit is a value, its input is what was given", async () => {
  using at = folder();
  const seen = { stdout: "", stderr: "" };
  const decoder = new TextDecoder();
  const child = spawnChild({
    command: ["sh", "-c", "cat; echo out; echo err >&2; exit 7"],
    cwd: at.path,
    stdin: new TextEncoder().encode("in\n"),
    onOutput: (chunk, stream) => seen[stream] += decoder.decode(chunk),
  });
  assert.deepEqual(await child.exit, { code: 7, signal: null });
  assert.deepEqual(seen, { stdout: "in\nout\n", stderr: "err\n" });
});

Deno.test("stopping a child ends its whole group, also what ignores SIGTERM", async () => {
  using at = folder();
  const controller = new AbortController();
  let pid = 0;
  const child = spawnChild({
    command: ["sh", "-c", "trap '' TERM; (trap '' TERM; echo $$; sleep 1000) & wait; sleep 1000"],
    cwd: at.path,
    signal: controller.signal,
    graceMs: 50,
    onOutput: (chunk) => {
      pid = Number(new TextDecoder().decode(chunk));
      controller.abort();
    },
  });
  const { signal } = await child.exit;
  assert.equal(signal, "SIGKILL");
  assert.ok(pid > 0);
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pgid=,stat="] }).output();
  const living = new TextDecoder().decode(stdout).split("\n").map((line) => line.trim().split(/\s+/))
    .filter(([group, state]) => group === String(child.pid) && !state?.startsWith("Z"));
  assert.deepEqual(living, []);
});
