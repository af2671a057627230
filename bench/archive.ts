// Archiving and extracting against GNU tar with zstd -T0, in one run: ratios over 1 mean that we are faster.
// `deno run -A bench/archive.ts [FOLDER]`; without a folder a tree of many small files and one large one is made.

import { listTree, readArchive, writeArchive } from "../lib/volume/mod.ts";
import { openRange } from "../lib/volume/cache/spool.ts";
import { createPool } from "../lib/pool/mod.ts";

const ROUNDS = 4;
const SMALL_FILES = 20_000;
const LARGE_BYTES = 512 * 1024 * 1024;

function makeTree(root: string): void {
  const words = new TextEncoder().encode(
    "export const value = require('./lib/index'); // some text of a module\n".repeat(400),
  );
  for (let at = 0; at < SMALL_FILES; at++) {
    const folder = `${root}/pkg-${at % 400}/lib`;
    if (at < 400) Deno.mkdirSync(folder, { recursive: true });
    const size = 200 + (at * 7919) % 9000;
    const bytes = words.slice(at % 60, at % 60 + size);
    for (let byte = 0; byte < size; byte += 11) bytes[byte] = (Math.imul(at + byte, 2654435761) >>> 24) & 0x7f;
    Deno.writeFileSync(`${folder}/file-${at}.js`, bytes);
  }
  using large = Deno.openSync(`${root}/large.bin`, { write: true, create: true });
  const block = new Uint8Array(1024 * 1024);
  for (let written = 0; written < LARGE_BYTES; written += block.length) {
    crypto.getRandomValues(block.subarray(0, 65536));
    block.copyWithin(200_000, 0, 65536);
    for (let at = 500_000; at < block.length; at += 5) block[at] = (Math.imul(at + written, 40503) >>> 9) & 0xff;
    large.writeSync(block);
  }
}

async function timed(work: () => Promise<unknown> | unknown): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function sh(script: string): void {
  const { code } = new Deno.Command("sh", { args: ["-ec", script], stdout: "null", stderr: "inherit" }).outputSync();
  if (code !== 0) throw new Error(`failed: ${script}`);
}

/**
 * The best of some rounds, which take turns: other work on the machine only ever makes it slower. What a round made is
 * removed before the next, so that nobody pays alone for memory or disk that is touched for the first time.
 */
async function best(...works: (() => Promise<unknown> | unknown)[]): Promise<number[]> {
  const least = works.map(() => Infinity);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [at, work] of works.entries()) {
      least[at] = Math.min(least[at] ?? Infinity, await timed(work));
      Deno.removeSync(`${temp}/out`, { recursive: true });
      Deno.mkdirSync(`${temp}/out`);
    }
  }
  return least;
}

/** Most memory that this process ever held. */
function peakMiB(): string {
  const peak = /VmHWM:\s+(\d+) kB/.exec(Deno.readTextFileSync("/proc/self/status"))?.[1];
  return (Number(peak) / 1024).toFixed(0);
}

const temp = Deno.makeTempDirSync({ prefix: "pivot-bench-" });
try {
  const root = Deno.args[0] ?? `${temp}/tree`;
  Deno.mkdirSync(`${temp}/out`);
  if (Deno.args[0] === undefined) makeTree(root);
  await using pool = createPool({ archive: { permissions: { read: true, write: true } } });
  const listing = listTree(root);
  console.log(
    `${listing.entries.length} members, ${(listing.bytes / 1e6).toFixed(0)} MB, ${navigator.hardwareConcurrency} cores`,
  );

  const write = async () => {
    using file = Deno.openSync(`${temp}/ours.tar.zst`, { write: true, create: true, truncate: true });
    const chunks = writeArchive({ root, listing: listTree(root), compression: "zstd", pool });
    for await (const chunk of chunks) for (let at = 0; at < chunk.length;) at += file.writeSync(chunk.subarray(at));
  };
  const [oursWrite = 0, tarWrite = 0] = await best(
    write,
    () => sh(`tar -C ${root} -cf - . | zstd -q -f -T0 -o ${temp}/theirs.tar.zst`),
  );
  const afterWrite = peakMiB();
  const read = async (file: string) => {
    await readArchive(openRange(file, { offset: 0, length: Deno.statSync(file).size }), {
      target: `${temp}/out/tree`,
      pool,
    });
  };
  const [oursRead = 0, foreign = 0, tarRead = 0] = await best(
    () => read(`${temp}/ours.tar.zst`),
    () => read(`${temp}/theirs.tar.zst`),
    () => sh(`zstd -q -dc ${temp}/theirs.tar.zst | tar -C ${temp}/out -xf -`),
  );
  const [list = 0, bare = 0] = await best(
    () => void listTree(root),
    () => {
      for (const entry of listing.entries) Deno.lstatSync(`${root}/${entry.path}`);
    },
  );
  const size = (name: string) => Deno.statSync(`${temp}/${name}.tar.zst`).size;
  const line = (what: string, ours: number, theirs: number) =>
    console.log(`${what}: ours ${ours.toFixed(0)} ms, theirs ${theirs.toFixed(0)} ms, ${(theirs / ours).toFixed(2)}x`);
  line("write (tar | zstd -T0)", oursWrite, tarWrite);
  line("extract (zstd -d | tar x)", oursRead, tarRead);
  line("extract theirs, one frame", foreign, tarRead);
  line("list for changes (bare lstat of each)", list, bare);
  console.log(`size: ours ${size("ours")}, theirs ${size("theirs")}, ${(size("ours") / size("theirs")).toFixed(3)}`);
  console.log(`peak memory: after writing ${afterWrite} MiB, at the end ${peakMiB()} MiB`);
} finally {
  Deno.removeSync(temp, { recursive: true });
}
