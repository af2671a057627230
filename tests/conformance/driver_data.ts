// The contract of a driver: the files of volumes, in and out, through the archive and the cache of volumes.

import assert from "node:assert/strict";
import { lutimesSync } from "node:fs";
import { walk } from "../../lib/sys/mod.ts";
import {
  createVolumeCache,
  MemoryStore,
  type ObjectStore,
  openVolumeStore,
  type Volume,
} from "../../lib/volume/mod.ts";
import { archivePool, describeTree, makeSampleTree, sh, streamOf, tempFolder } from "../unit/volume/helpers.ts";
import type { Bench, DriverTest } from "./driver_suite.ts";

/** Tests of the data of volumes. */
export function dataTests(): Readonly<Record<string, DriverTest>> {
  return {
    "one of everything goes in and out again exactly": async (bench) => {
      await using pool = archivePool();
      using folder = tempFolder();
      Deno.mkdirSync(`${folder.path}/sample`);
      makeSampleTree(`${folder.path}/sample`);
      roundTimes(`${folder.path}/sample`, bench.under.timesMs);
      if (!bench.under.linkTimes) sh("find sample -type l -exec touch -h -d @0 {} +", folder.path);
      const store = new MemoryStore();
      const cacheOf = () => createVolumeCache({ store, pool, scratch: `${folder.path}/scratch` });
      const seed = cacheOf();
      await seed.restore("v", { kind: "folder", path: `${folder.path}/sample` });
      assert.equal((await seed.persist({ run: "succeeded" }))[0]?.status, "persisted");
      const volume = await bench.volume();
      const cache = cacheOf();
      const restored = await cache.restore("v", accessOf(volume));
      assert.equal(restored.status, "hit", String((restored as { error?: unknown }).error));
      assert.equal((await cache.persist({ run: "succeeded" }))[0]?.status, "unchanged");
      const touched = await bench.sh("test -x d/bin/tool && readlink d/dangling && cat d/z-hard && echo 1 > d/new", {
        mounts: { d: volume },
      });
      assert.deepEqual(touched, { code: 0, stdout: "/nowhere/at/all\nhello", stderr: "" });
      const [stored] = await cache.persist({ run: "succeeded" });
      assert.equal(stored?.status, "persisted", String((stored as { error?: unknown })?.error));
      const back = cacheOf();
      await back.restore("v", { kind: "folder", path: `${folder.path}/back` });
      Deno.removeSync(`${folder.path}/back/new`);
      assert.deepEqual(describeTree(`${folder.path}/back`), describeTree(`${folder.path}/sample`));
    },
    "what tasks made survives persist and restore into another volume": async (bench) => {
      await using pool = archivePool();
      using folder = tempFolder();
      const store = new MemoryStore();
      const first = await cachedVolume(bench, { store, pool, scratch: folder.path });
      const make = `cd d; i=0; while [ $i -lt 1000 ]; do echo $i > f$i; i=$((i+1)); done
        mkdir -p ${"s".repeat(90)}/${"t".repeat(90)}; echo long > ${"s".repeat(90)}/${"t".repeat(90)}/${"u".repeat(90)}
        echo x > tool; chmod 750 tool; ln tool hard; ln -s tool soft; ln -s /etc/passwd out; mkdir -m 700 empty; : > 'a b 🎉'`;
      assert.deepEqual(await bench.sh(make, { mounts: { d: first.volume } }), { code: 0, stdout: "", stderr: "" });
      assert.equal((await first.cache.persist({ run: "succeeded" }))[0]?.status, "persisted");
      const second = await cachedVolume(bench, { store, pool, scratch: folder.path });
      const look =
        `cd d; find . | wc -l; cat f0 f999 s*/t*/u*; stat -c '%a' tool empty; readlink soft; readlink out; test -e 'a b 🎉' && echo odd
        test tool -ef hard && echo linked; cat f* | cksum`;
      const [before, after] = await Promise.all(
        [first, second].map(({ volume }) => bench.sh(look, { mounts: { d: volume } })),
      );
      assert.equal(after?.stdout, before?.stdout);
      assert.match(after?.stdout ?? "", /^1010\n0\n999\nlong\n750\n700\ntool\n\/etc\/passwd\nodd\nlinked\n/);
      assert.equal((await second.cache.persist({ run: "succeeded" }))[0]?.status, "unchanged");
    },
    "an empty volume goes out and in": async (bench) => {
      await using pool = archivePool();
      using folder = tempFolder();
      const store = new MemoryStore();
      const first = await cachedVolume(bench, { store, pool, scratch: folder.path });
      assert.equal((await first.cache.persist({ run: "succeeded" }))[0]?.status, "persisted");
      const second = await cachedVolume(bench, { store, pool, scratch: folder.path });
      assert.equal((await bench.sh("ls -A d", { mounts: { d: second.volume } })).stdout, "");
    },
    "one file of a stored volume can be read": async (bench) => {
      await using pool = archivePool();
      using folder = tempFolder();
      const store = new MemoryStore();
      const { cache, volume } = await cachedVolume(bench, { store, pool, scratch: folder.path });
      await bench.sh("mkdir d/sub; echo some > d/sub/file; yes | head -c 3000000 > d/big", { mounts: { d: volume } });
      await cache.persist({ run: "succeeded" });
      const body = ReadableStream.from(openVolumeStore({ store, pool }).cat("v", "sub/file"));
      assert.equal(await new Response(body).text(), "some\n");
    },
    "a source that fails midway leaves the volume empty": async (bench) => {
      const volume = await bench.volume();
      const access = accessOf(volume);
      if (access.kind === "folder") return; // A folder is filled by the archive room, whose tests hold this.
      const tar = await tarOf(bench);
      for (const [name, source] of Object.entries(brokenStreams(tar))) {
        await assert.rejects(access.write(source(), {}), Error, name);
        assert.equal((await bench.sh("ls -A d", { mounts: { d: volume } })).stdout, "", name);
      }
      await access.write(streamOf(tar), {});
      assert.equal((await bench.sh("cat d/a d/z", { mounts: { d: volume } })).stdout, "first\nlast\n");
    },
    "moving data can be cancelled": async (bench) => {
      const volume = await bench.volume();
      const access = accessOf(volume);
      if (access.kind === "folder") return;
      const signal = AbortSignal.abort(new Error("not now"));
      await assert.rejects(access.read({ signal }), /not now/);
      await assert.rejects(access.write(streamOf(new Uint8Array(1024)), { signal }), /not now/);
      const abort = new AbortController();
      const endless = new ReadableStream<Uint8Array>({
        pull(controller) {
          abort.abort(new Error("in the middle"));
          controller.enqueue(new Uint8Array());
        },
      });
      await assert.rejects(access.write(endless, { signal: abort.signal }), /in the middle/);
    },
    "the data of a volume that is gone is an error, not an empty tar": async (bench) => {
      const volume = await bench.volume();
      const access = accessOf(volume);
      await bench.driver.removeVolume(volume);
      if (access.kind === "folder") return;
      await assert.rejects(access.read({}).then((body) => new Response(body).bytes()), { code: "volume-failed" });
    },
  };
}

/** Cuts the times of a tree to what a driver keeps. */
function roundTimes(root: string, unitMs: number): void {
  for (const { path, stat } of walk(root).toReversed()) {
    const cut = Math.floor(stat.mtimeMs / unitMs) * unitMs;
    const time = new Date(unitMs === 1 ? cut : Math.max(0, cut));
    lutimesSync(`${root}/${path}`, time, time);
  }
}

function accessOf(volume: Volume): NonNullable<Volume["access"]> {
  assert.ok(volume.access !== undefined, "the driver gives no way to the volume's files");
  return volume.access;
}

async function cachedVolume(
  bench: Bench,
  options: { readonly store: ObjectStore; readonly pool: ReturnType<typeof archivePool>; readonly scratch: string },
) {
  const cache = createVolumeCache(options);
  const volume = await bench.volume("cached/🎉");
  const outcome = await cache.restore("v", accessOf(volume));
  assert.notEqual(outcome.status, "failed", String((outcome as { error?: unknown }).error));
  return { cache, volume };
}

/** The bytes of a tar with a few files, as the driver itself gives them. */
async function tarOf(bench: Bench): Promise<Uint8Array> {
  const volume = await bench.volume();
  await bench.sh("echo first > d/a; head -c 2000000 /dev/urandom > d/m; echo last > d/z", { mounts: { d: volume } });
  const access = accessOf(volume);
  assert.ok(access.kind === "tar");
  return await new Response(await access.read({})).bytes();
}

function brokenStreams(tar: Uint8Array): Readonly<Record<string, () => ReadableStream<Uint8Array>>> {
  const half = tar.subarray(0, tar.length >> 1);
  return {
    "an error in the middle": () => {
      const reader = streamOf(half).getReader();
      return new ReadableStream({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) throw new Error("the source broke");
          controller.enqueue(value);
        },
      });
    },
    "cut off in a file": () => streamOf(half),
    "cut off before the end marker": () => streamOf(tar.subarray(0, endOfMembers(tar))),
    "no tar at all": () => streamOf(new TextEncoder().encode("hello ".repeat(1000))),
    "nothing": () => streamOf(new Uint8Array()),
  };
}

function endOfMembers(tar: Uint8Array): number {
  let end = tar.length;
  while (end > 0 && tar.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512;
  return end;
}
