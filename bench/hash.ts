// Hashing through the worker pool against `xxhsum -H1` (Debian's package xxhash), storing against hashing, checkout against a
// bare loop of links, and the memory that hashing a large file takes. Goals on two cores: hashing 0.8x on one worker, 1.5x on two, 1x for
// small files; storing at most 1.2x of hashing; checkout at most 2x of links; under 300 MB.

import { createCache, createScanner } from "../lib/cache/mod.ts";
import type { FileIndex, IndexedFile, RelPath } from "../lib/core/mod.ts";
import { createPool } from "../lib/pool/mod.ts";
import { command, median, ms, report, scratch, SMALL, timed } from "./support.ts";

const BIG_FILES = 4;
const BIG_BYTES = SMALL ? 16 << 20 : 1 << 30;
const SMALL_FILES = SMALL ? 500 : 10_000;
const RUNS = 3;
const checkoutMs: number[] = [];

using folder = scratch();
const root = folder.path;

function memoryIndex(): FileIndex & { clear(): void } {
  const map = new Map<string, IndexedFile>();
  return {
    get: (path) => map.get(path),
    put: (path, file) => void map.set(path, file),
    delete: (path) => void map.delete(path),
    clear: () => map.clear(),
  };
}

function writeBig(path: string, bytes: number): void {
  using file = Deno.openSync(path, { write: true, create: true });
  const block = new Uint8Array(1 << 20);
  crypto.getRandomValues(block.subarray(0, 65536));
  for (let at = 65536; at < block.length; at += 65536) block.copyWithin(at, 0, 65536);
  for (let written = 0; written < bytes; written += block.length) {
    block[0] = written >> 20;
    file.writeSync(block);
  }
}

Deno.mkdirSync(`${root}/big`);
Deno.mkdirSync(`${root}/small`);
for (let file = 0; file < BIG_FILES; file++) writeBig(`${root}/big/${file}`, BIG_BYTES);
for (let file = 0; file < SMALL_FILES; file++) {
  Deno.writeFileSync(`${root}/small/${file}`, crypto.getRandomValues(new Uint8Array(4096)));
}
const old = new Date(Date.now() - 3_600_000);
for (const each of ["big", "small"]) {
  for (const entry of Deno.readDirSync(`${root}/${each}`)) Deno.utimeSync(`${root}/${each}/${entry.name}`, old, old);
}

const has = await command(root, "xxhsum", "--version").then(() => true, () => false);
if (!has) console.log("xxhsum is not installed (apt-get install xxhash): no comparison");

for (const [what, goals] of [["big", { 1: 0.8, 2: 1.5 }], ["small", { 1: 1, 2: 1 }]] as const) {
  const shell = `xxhsum -H1 ${what}/* > /dev/null`;
  const bare = has ? median(await timed(RUNS, () => command(root, "bash", "-c", shell))) : NaN;
  for (const workers of [1, 2] as const) {
    await using pool = createPool({ hash: { permissions: { read: true }, size: workers } });
    const index = memoryIndex();
    const scanner = createScanner({ projectRoot: root, cacheRoot: `${root}/cache`, index, pool });
    await scanner.observe([{ path: what as RelPath }]);
    const own = median(
      await timed(RUNS, () => {
        index.clear();
        return scanner.observe([{ path: what as RelPath }]);
      }),
    );
    const amount = what === "big" ? `${(BIG_FILES * BIG_BYTES / 1e9).toFixed(1)} GB` : `${SMALL_FILES} x 4 KiB`;
    report(
      `hash ${amount}, ${workers} worker${workers > 1 ? "s" : ""}`,
      ms(own),
      `xxhsum ${ms(bare)}, speed ${(bare / own).toFixed(2)}x (goal ${goals[workers]}x)`,
    );
  }
}

await using pool = createPool({ hash: { permissions: { read: true }, size: 2 } });
for (const what of ["big", "small"]) {
  const index = memoryIndex();
  const cacheRoot = `${root}/cache-${what}`;
  const scanner = createScanner({ projectRoot: root, cacheRoot, index, pool });
  const cache = createCache({ projectRoot: root, root: cacheRoot, index, pool });
  const request = { path: what as RelPath };
  await scanner.observe([request]);
  index.clear();
  const [hashing = NaN] = await timed(1, () => scanner.observe([request]));
  const content = (await scanner.observe([request])).get(request);
  if (content === undefined) throw new Error("nothing was seen");
  const [storing = NaN] = await timed(1, () => cache.store([{ path: request.path, content }]));
  report(
    `store ${what} files`,
    ms(hashing + storing),
    `hashing ${ms(hashing)}, ratio ${((hashing + storing) / hashing).toFixed(2)} (goal 1.2)`,
  );
  if (what === "big") continue;
  const links = median(await timed(RUNS, () => linkLoop(`${root}/small`, `${root}/links`)));
  const checkouts = await timed(RUNS, () => {
    Deno.removeSync(`${root}/small`, { recursive: true });
    const start = performance.now();
    cache.checkout([{ path: request.path, content }]);
    checkoutMs.push(performance.now() - start);
  });
  if (checkouts.length === 0) throw new Error("nothing was checked out");
  const own = median(checkoutMs.sort((a, b) => a - b));
  report(
    `check out ${SMALL_FILES} files`,
    ms(own),
    `bare links ${ms(links)}, ratio ${(own / links).toFixed(2)} (goal 2)`,
  );
}

const status = Deno.readTextFileSync("/proc/self/status");
report(
  "peak memory of all this",
  `${(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1000).toFixed(0)} MB`,
  "goal 300 MB",
);

function linkLoop(from: string, to: string): void {
  Deno.mkdirSync(to, { recursive: true });
  for (const entry of Deno.readDirSync(from)) Deno.linkSync(`${from}/${entry.name}`, `${to}/${entry.name}`);
  Deno.removeSync(to, { recursive: true });
}
