// The cache on a real disk: what goes in comes back, and nothing else does.

import assert from "node:assert/strict";
import fc from "fast-check";
import { type Cache, createCache, createScanner, type Scanner } from "../../../lib/cache/mod.ts";
import {
  type CheckoutMode,
  type Content,
  type FileIndex,
  type IndexedFile,
  PivotError,
  type RelPath,
} from "../../../lib/core/mod.ts";
import { createPool, type WorkerPool } from "../../../lib/pool/mod.ts";
import { testWith } from "../../support/require.ts";

interface Bench extends AsyncDisposable {
  readonly root: string;
  readonly cache: Cache;
  readonly scanner: Scanner;
  readonly index: FileIndex;
  readonly jobs: () => number;
  see(path: string): Promise<Content | undefined>;
  store(path: string): Promise<Content>;
}

function bench(options: { modes?: CheckoutMode[]; cacheRoot?: string } = {}): Bench {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "pivot-cache-" }));
  const cacheRoot = options.cacheRoot ?? `${root}/.pivot/cache`;
  const map = new Map<string, IndexedFile>();
  const index: FileIndex = {
    get: (path) => map.get(path),
    put: (path, file) => void map.set(path, file),
    delete: (path) => void map.delete(path),
  };
  const inner = createPool({ hash: { permissions: { read: true }, size: 1 } });
  let jobs = 0;
  const pool: WorkerPool = {
    run: (kind, input, jobOptions) => {
      jobs += 1;
      return inner.run(kind, input, jobOptions);
    },
    width: (kind) => inner.width(kind),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
  const cache = createCache({
    projectRoot: root,
    root: cacheRoot,
    index,
    pool,
    ...(options.modes === undefined ? {} : { modes: options.modes }),
  });
  const scanner = createScanner({ projectRoot: root, cacheRoot, index, pool });
  const see = async (path: string) => {
    const request = { path: path as RelPath };
    return (await scanner.observe([request])).get(request);
  };
  return {
    root,
    cache,
    scanner,
    index,
    jobs: () => jobs,
    see,
    async store(path) {
      const content = await see(path);
      assert.ok(content !== undefined);
      cache.store([{ path: path as RelPath, content }]);
      return content;
    },
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      Deno.removeSync(root, { recursive: true });
    },
  };
}

/** Makes a file's time lie far enough back that its hash may be trusted. */
function age(path: string): void {
  const old = new Date(Date.now() - 60_000);
  Deno.utimeSync(path, old, old);
}

function picture(root: string, prefix = ""): string[] {
  return [...Deno.readDirSync(`${root}/${prefix}`)].flatMap((entry) => {
    const path = `${prefix}${entry.name}`;
    if (entry.isSymlink) return [`${path} -> ${Deno.readLinkSync(`${root}/${path}`)}`];
    if (entry.isDirectory) {
      const below = picture(root, `${path}/`);
      return below.length === 0 ? [`${path}/`] : below;
    }
    return [
      `${path} ${(Deno.lstatSync(`${root}/${path}`).mode ?? 0) & 0o111 ? "x" : "-"} ${
        Deno.readTextFileSync(`${root}/${path}`)
      }`,
    ];
  }).sort();
}

const name = fc.oneof(
  fc.constantFrom(
    "plain",
    "with space",
    "new\nline",
    "emoji \u{1f680}",
    "dot.file",
    ".hidden",
    "quote\"'",
    "back\\slash",
    "n".repeat(200),
  ),
  fc.stringMatching(/^[a-z]{1,6}$/),
);
type Tree = { readonly [name: string]: string | Tree | null };
const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree; entry: string | Tree | null }>((tie) => ({
  tree: fc.dictionary(name, tie("entry"), { maxKeys: 4 }) as fc.Arbitrary<Tree>,
  entry: fc.oneof({ depthSize: "small" }, fc.string({ maxLength: 6 }), fc.constant(null), tie("tree")),
})).tree;

/** A text is a file, executable when its length is odd; null a link to the folder's own "plain"; a map a folder. */
function plant(root: string, content: Tree): void {
  Deno.mkdirSync(root, { recursive: true });
  for (const [each, value] of Object.entries(content)) {
    const path = `${root}/${each}`;
    if (value === null) Deno.symlinkSync("plain", path);
    else if (typeof value === "string") {
      Deno.writeTextFileSync(path, value);
      Deno.chmodSync(path, value.length % 2 === 1 ? 0o755 : 0o644);
    } else plant(path, value);
  }
}

for (const mode of ["hardlink", "symlink", "copy"] as const) {
  Deno.test(`storing and checking out any tree gives it back exactly (${mode})`, async () => {
    await using at = bench({ modes: [mode] });
    await fc.assert(
      fc.asyncProperty(tree, async (content) => {
        const root = `${at.root}/out`;
        plant(root, content);
        const before = picture(root);
        const stored = await at.store("out");
        assert.deepEqual((await at.see("out"))?.hash, stored.hash);
        Deno.removeSync(root, { recursive: true });
        at.cache.checkout([{ path: "out" as RelPath, content: stored }]);
        if (mode !== "symlink") assert.deepEqual(picture(root), before);
        assert.deepEqual((await at.see("out"))?.hash, stored.hash);
        Deno.removeSync(root, { recursive: true });
      }),
      { numRuns: 25 },
    );
  });
}

Deno.test("what is known is seen again without a worker", async () => {
  await using at = bench();
  Deno.mkdirSync(`${at.root}/d`);
  for (let file = 0; file < 50; file++) {
    Deno.writeTextFileSync(`${at.root}/d/${file}`, String(file));
    age(`${at.root}/d/${file}`);
  }
  const first = await at.see("d");
  const jobs = at.jobs();
  assert.deepEqual(await at.see("d"), first);
  assert.equal(at.jobs(), jobs);
  Deno.writeTextFileSync(`${at.root}/d/7`, "other");
  assert.notEqual((await at.see("d"))?.hash, first?.hash);
});

Deno.test("a blob that is altered through its link is set aside, and never checked out", async () => {
  await using at = bench();
  Deno.writeTextFileSync(`${at.root}/o`, "right");
  age(`${at.root}/o`);
  const content = await at.store("o");
  assert.ok(at.cache.has(content));
  Deno.chmodSync(`${at.root}/o`, 0o644);
  Deno.writeTextFileSync(`${at.root}/o`, "wrong");
  assert.equal(at.cache.has(content), false);
  const { quarantined } = await at.cache.audit([content]);
  assert.equal(quarantined.length, 1);
  Deno.removeSync(`${at.root}/o`);
  assert.throws(
    () => at.cache.checkout([{ path: "o" as RelPath, content }]),
    (error) => error instanceof PivotError && error.code === "blob-missing",
  );
  assert.throws(() => Deno.lstatSync(`${at.root}/o`), Deno.errors.NotFound);
});

Deno.test("a file with another name elsewhere is copied, and stays writable there", async () => {
  await using at = bench();
  Deno.writeTextFileSync(`${at.root}/source`, "mine");
  Deno.linkSync(`${at.root}/source`, `${at.root}/o`);
  await at.store("o");
  assert.equal((Deno.statSync(`${at.root}/source`).mode ?? 0) & 0o200, 0o200);
  Deno.writeTextFileSync(`${at.root}/source`, "edited");
  assert.equal(Deno.readTextFileSync(`${at.root}/o`), "mine");
});

Deno.test("equal bytes with and without the x bit do not disturb each other", async () => {
  await using at = bench();
  for (const [file, mode] of [["a", 0o644], ["b", 0o755]] as const) {
    Deno.writeTextFileSync(`${at.root}/${file}`, "same");
    Deno.chmodSync(`${at.root}/${file}`, mode);
  }
  const [a, b] = [await at.store("a"), await at.store("b")];
  assert.equal(a.hash, b.hash);
  Deno.removeSync(`${at.root}/a`);
  Deno.removeSync(`${at.root}/b`);
  at.cache.checkout([{ path: "a" as RelPath, content: a }, { path: "b" as RelPath, content: b }]);
  assert.equal((Deno.statSync(`${at.root}/a`).mode ?? 0) & 0o111, 0);
  assert.notEqual((Deno.statSync(`${at.root}/b`).mode ?? 0) & 0o111, 0);
});

Deno.test("a writable checkout is a copy of its own", async () => {
  await using at = bench();
  Deno.writeTextFileSync(`${at.root}/o`, "one");
  const content = await at.store("o");
  at.cache.checkout([{ path: "o" as RelPath, content, writable: true }]);
  Deno.writeTextFileSync(`${at.root}/o`, "two");
  assert.ok(at.cache.has(content));
  assert.equal((await at.cache.verify()).damaged.length, 0);
});

Deno.test("a hostile listing cannot leave its folder", async () => {
  await using at = bench();
  Deno.writeTextFileSync(`${at.root}/o`, "x");
  const file = await at.store("o");
  assert.ok(file.type === "file");
  for (const path of ["../escaped", "/etc/escaped", "a/../../escaped"]) {
    const content: Content = { type: "directory", hash: file.hash, size: 1, files: [{ ...file, type: "file", path }] };
    assert.throws(
      () => at.cache.checkout([{ path: "d" as RelPath, content }]),
      (error) => error instanceof PivotError && error.code === "unsafe-path",
    );
  }
});

Deno.test("sockets, pipes and links that leave are errors; .pivotignore leaves them out", async () => {
  await using at = bench();
  Deno.mkdirSync(`${at.root}/d`);
  await new Deno.Command("mkfifo", { args: [`${at.root}/d/pipe`] }).output();
  await assert.rejects(at.see("d"), (error) => error instanceof PivotError && error.message.includes("d/pipe"));
  Deno.writeTextFileSync(`${at.root}/.pivotignore`, "pipe\n");
  assert.equal((await at.see("d"))?.type, "directory");
  Deno.symlinkSync("../../outside", `${at.root}/d/link`);
  await assert.rejects(at.see("d"), /leads out of its folder/);
});

Deno.test("gc keeps what is named, and what is young", async () => {
  await using at = bench();
  for (const file of ["a", "b"]) Deno.writeTextFileSync(`${at.root}/${file}`, file);
  const [a, b] = [await at.store("a"), await at.store("b")];
  assert.equal(at.cache.gc(new Set(), { youngerThanMs: 60_000 }).removed.length, 0);
  assert.deepEqual(at.cache.gc(new Set([a.hash]), { dryRun: true }).removed.map((blob) => blob.hash), [b.hash]);
  assert.ok(at.cache.has(b));
  at.cache.gc(new Set([a.hash]));
  assert.ok(at.cache.has(a) && !at.cache.has(b));
});

testWith(
  { name: "mount", missing: sharedMemory() ? undefined : "there is no /dev/shm beside the temporary folder" },
  "a cache on another file system falls back from links, but not when a mode was asked for by name",
  async () => {
    const cacheRoot = Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "pivot-cache-" });
    try {
      await using at = bench({ cacheRoot });
      Deno.writeTextFileSync(`${at.root}/o`, "far");
      const content = await at.store("o");
      assert.ok(Deno.lstatSync(`${at.root}/o`).isSymlink);
      assert.throws(
        () => at.cache.checkout([{ path: "p" as RelPath, content }], { mode: "hardlink" }),
        (error) =>
          error instanceof PivotError && error.code === "other-device" && /--checkout-mode copy/.test(error.hint ?? ""),
      );
      at.cache.checkout([{ path: "p" as RelPath, content }], { mode: "copy" });
      assert.equal(Deno.readTextFileSync(`${at.root}/p`), "far");
    } finally {
      Deno.removeSync(cacheRoot, { recursive: true });
    }
  },
);

/** Whether there is a second file system to test with. */
function sharedMemory(): boolean {
  try {
    return Deno.statSync("/dev/shm").dev !== Deno.statSync(Deno.env.get("TMPDIR") ?? "/tmp").dev;
  } catch {
    return false;
  }
}

/** A file system of one megabyte that goes away with the test. */
interface SmallDisk extends Disposable {
  readonly path: string;
}

/** Why there can be no small disk; undefined if there can. */
function smallDiskMissing(): string | undefined {
  try {
    smallDisk()[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function smallDisk(): SmallDisk {
  const path = Deno.makeTempDirSync({ prefix: "pivot-full-" });
  const run = (program: string, ...args: string[]): void => {
    const { success, stderr } = new Deno.Command(program, { args }).outputSync();
    if (!success) throw new Error(`${program} said: ${new TextDecoder().decode(stderr).trim()}`);
  };
  try {
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path);
  } catch (error) {
    Deno.removeSync(path);
    throw new Error(`a tmpfs of one megabyte cannot be mounted here: ${(error as Error).message}`);
  }
  return {
    path,
    [Symbol.dispose]() {
      run("umount", path);
      Deno.removeSync(path);
    },
  };
}

testWith(
  { name: "mount", missing: smallDiskMissing() },
  "a full disk is told as such, and nothing is lost",
  async () => {
    using disk = smallDisk();
    await using at = bench({ cacheRoot: `${disk.path}/cache` });
    Deno.writeFileSync(`${at.root}/big`, new Uint8Array(2 << 20).fill(7));
    await assert.rejects(at.store("big"), (error) => error instanceof PivotError && error.code === "disk-full");
    assert.equal(Deno.statSync(`${at.root}/big`).size, 2 << 20);
    Deno.writeTextFileSync(`${at.root}/small`, "fits");
    assert.ok(at.cache.has(await at.store("small")));
  },
);
