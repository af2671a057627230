// The table of faults for remotes without a wire: a folder and memory behind a backend that breaks, and what really happens to folders.

import assert from "node:assert/strict";
import { fileBackend } from "../../../lib/remote/backends/file.ts";
import { withRetry } from "../../../lib/remote/backends/retry.ts";
import {
  type Backend,
  blobKey,
  type BlobRequest,
  type BreakableCall,
  directoryStore,
  faulty,
  type InjectedFault,
  memoryBackend,
  Remote,
  RemoteConfig,
  type SyncResult,
} from "../../../lib/remote/mod.ts";
import { addBlob, temporaryFolder } from "../../support/remote.ts";
import { testWith } from "../../support/require.ts";

const MIB = 1024 * 1024;

interface Case {
  readonly name: string;
  readonly fault: (call: BreakableCall) => InjectedFault | undefined;
  /** Code of every failure; undefined = success is expected. */
  readonly code?: string;
  readonly size?: number;
  readonly stallMs?: number;
  readonly direction?: "push" | "pull";
}

const fail = (reason: Extract<InjectedFault, { type: "fail" }>["reason"]): InjectedFault => ({ type: "fail", reason });
const atFirst = (count: number, fault: InjectedFault) => ({ number }: BreakableCall) =>
  number <= count ? fault : undefined;
/** Faults for blobs alone, numbered by kind. */
function on(kind: BreakableCall["kind"], faultFor: (number: number) => InjectedFault | undefined): Case["fault"] {
  let count = 0;
  return (call) => call.kind === kind && call.key.startsWith("files/") ? faultFor(++count) : undefined;
}

const cases = (): readonly Case[] => [
  { name: "three server errors", fault: atFirst(3, fail("server-error")) },
  { name: "throttled three times", fault: atFirst(3, fail("throttled")) },
  {
    name: "interrupted at every third call",
    fault: ({ number }) => number % 3 === 0 ? fail("interrupted") : undefined,
  },
  { name: "server errors without end", fault: () => fail("server-error"), code: "remote-server-error" },
  { name: "denied", fault: () => fail("denied"), code: "remote-denied" },
  { name: "an expired token", fault: () => fail("expired-token"), code: "remote-expired-token" },
  { name: "a clock that is wrong", fault: () => fail("clock-skew"), code: "remote-clock-skew" },
  {
    name: "a place that goes away midway",
    fault: ({ number }) => number > 1 ? fail("no-bucket") : undefined,
    code: "remote-no-bucket",
    size: 20 * MIB,
    direction: "push",
  },
  { name: "a stall", fault: atFirst(1, { type: "stall" }), stallMs: 30 },
  {
    name: "a body cut twice",
    fault: on("get", (n) => n <= 2 ? { type: "cut", afterBytes: 1000 } : undefined),
    direction: "pull",
  },
  {
    name: "a body cut at its first byte",
    fault: on("get", (n) => n === 1 ? { type: "cut", afterBytes: 0 } : undefined),
    direction: "pull",
  },
  {
    name: "a large body cut in each range once",
    fault: on("get", (n) => n % 2 === 1 ? { type: "cut", afterBytes: 100_000 } : undefined),
    size: 20 * MIB,
    direction: "pull",
  },
  {
    name: "a flipped bit on the way back",
    fault: on("get", () => ({ type: "flip", at: 500 })),
    code: "remote-blob-altered",
    direction: "pull",
  },
  { name: "a bit flipped on its way there", fault: on("put", (n) => n === 1 ? { type: "flip", at: 500 } : undefined) },
  { name: "an answer that is lost", fault: on("put", (n) => n === 1 ? { type: "lose-answer" } : undefined) },
  {
    name: "a large upload, each call broken once",
    fault: on("part", (n) => n % 2 === 1 ? fail("interrupted") : undefined),
    size: 40 * MIB,
    direction: "push",
  },
  {
    name: "a large upload, each answer lost once",
    fault: on("part", (n) => n % 2 === 1 ? { type: "lose-answer" } : undefined),
    size: 20 * MIB,
    direction: "push",
  },
];

async function move(
  direction: "push" | "pull",
  blobs: readonly BlobRequest[],
  about: { readonly backend: Backend; readonly root: string; readonly stallMs?: number },
): Promise<SyncResult> {
  const config = RemoteConfig.fromUrl("test", "memory://test");
  const backend = withRetry(about.backend, { tries: 6, stallMs: about.stallMs ?? 10_000, firstWaitMs: 1 });
  await using remote = await Remote.fromConfig(config, { store: directoryStore(about.root), backend });
  const bytes = blobs.reduce((sum, { size }) => sum + size, 0);
  return await remote.execute({ direction, url: config.url, move: blobs, same: [], failures: [], bytes });
}

function codes({ errors }: SyncResult): string[] {
  return [...new Set(errors.map(({ error }) => error.code))];
}

async function tryCase(inner: Backend, each: Case): Promise<void> {
  using folder = temporaryFolder();
  const [here, there] = [`${folder.path}/here`, `${folder.path}/there`];
  const blob = addBlob(here, each.size ?? 70_000);
  const expected = each.code === undefined ? [] : [each.code];
  const backend = faulty(inner, each.fault);
  const stall = each.stallMs === undefined ? {} : { stallMs: each.stallMs };
  if (each.direction !== "pull") {
    assert.deepEqual(codes(await move("push", [blob], { backend, root: here, ...stall })), expected);
    const found = await inner.head(blobKey(blob.digest));
    assert.ok(found === undefined ? each.code !== undefined : found.size === blob.size, "whole or not at all");
  }
  assert.deepEqual(codes(await move("push", [blob], { backend: inner, root: here })), []);
  if (each.direction === "push") return;
  const pulled = await move("pull", [blob], { backend, root: there, ...stall });
  assert.deepEqual(codes(pulled), expected);
  assert.ok(pulled.errors.every(({ error }) => error.exitCode === (each.code === "remote-blob-altered" ? 12 : 13)));
  if (each.code !== undefined) {
    assert.deepEqual([...Deno.readDirSync(`${there}/tmp`)], []);
    assert.deepEqual(codes(await move("pull", [blob], { backend: inner, root: there })), []);
  }
  const path = blobKey(blob.digest);
  assert.deepEqual(Deno.readFileSync(`${there}/${path}`), Deno.readFileSync(`${here}/${path}`));
}

Deno.test("faults of a remote in memory", async (t) => {
  for (const each of cases()) await t.step(each.name, () => tryCase(memoryBackend("test"), each));
});

Deno.test("faults of a remote in a folder", async (t) => {
  for (const each of cases()) {
    await t.step(each.name, async () => {
      using folder = temporaryFolder();
      await tryCase(fileBackend(`${folder.path}/remote`), each);
    });
  }
});

Deno.test("an object in a folder that was cut off or altered behind our back is refused, and a push heals nothing silently", async () => {
  using folder = temporaryFolder();
  const [here, there, root] = ["here", "there", "remote"].map((name) => `${folder.path}/${name}`);
  assert.ok(here && there && root);
  const [cut, altered] = [addBlob(here, 5000), addBlob(here, 6000)];
  const backend = fileBackend(root);
  assert.deepEqual(codes(await move("push", [cut, altered], { backend, root: here })), []);
  const spoil = ({ digest }: BlobRequest, act: (path: string) => void) => {
    const path = `${root}/${blobKey(digest)}`;
    Deno.chmodSync(path, 0o644);
    act(path);
  };
  spoil(cut, (path) => Deno.truncateSync(path, 100));
  spoil(altered, (path) => Deno.writeFileSync(path, new Uint8Array(6000)));
  const pulled = await move("pull", [cut, altered], { backend, root: there });
  assert.equal(pulled.errors.length, 2);
  assert.deepEqual(codes(pulled), ["remote-blob-altered"]);
  assert.deepEqual([...Deno.readDirSync(`${there}/tmp`)], []);
  const again = await move("push", [cut], { backend, root: here });
  assert.deepEqual(codes(again), ["remote-content-conflict"]);
});

testWith(
  { name: "mount", missing: mountMissing() },
  "a folder on a full disk, then on one that is read-only: named failures, nothing half-written, and a second push finishes",
  async () => {
    using folder = temporaryFolder();
    const [here, disk] = [`${folder.path}/here`, `${folder.path}/disk`];
    const [small, large] = [addBlob(here, 1000), addBlob(here, 3 * MIB)];
    Deno.mkdirSync(disk);
    run("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk);
    try {
      const backend = fileBackend(`${disk}/remote`);
      const full = await move("push", [large, small], { backend, root: here });
      assert.deepEqual(codes(full), ["remote-no-space"]);
      assert.deepEqual(full.errors.map(({ error }) => error.exitCode), [13]);
      assert.deepEqual(full.pushed.map(({ digest }) => digest), [small.digest]);
      assert.equal(await backend.head(blobKey(large.digest)), undefined);
      assert.deepEqual([...Deno.readDirSync(`${disk}/remote/.pivot-uploads`)], [], "what was begun takes no room");
      run("mount", "-o", "remount,ro", disk);
      assert.deepEqual(codes(await move("push", [large], { backend, root: here })), ["remote-denied"]);
      run("mount", "-o", "remount,rw,size=16m", disk);
      assert.deepEqual(codes(await move("push", [large, small], { backend, root: here })), []);
      assert.equal((await backend.head(blobKey(large.digest)))?.size, large.size);
    } finally {
      run("umount", disk);
    }
  },
);

function run(program: string, ...args: string[]): void {
  const { success, stderr } = new Deno.Command(program, { args, stdout: "null", stderr: "piped" }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
}

/** Why no disk can be mounted here. */
function mountMissing(): string | undefined {
  using folder = temporaryFolder();
  try {
    run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder.path);
    run("umount", folder.path);
    return undefined;
  } catch (error) {
    return `no tmpfs can be mounted: ${(error as Error).message}`;
  }
}
