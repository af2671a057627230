// Shared by the tests of volumes: a pool of archive workers, temporary folders, comparing trees.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createPool, type WorkerPool } from "../../../lib/pool/mod.ts";
import { statPath, walk } from "../../../lib/sys/mod.ts";

/** A pool with two archive workers. */
export function archivePool(): WorkerPool {
  return createPool({ archive: { permissions: { read: true, write: true }, size: 2 } });
}

/** A folder that goes away with its scope. */
export function tempFolder(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync({ prefix: "pivot-volume-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Everything that an archive keeps of a tree, as text that can be compared. */
export function describeTree(root: string): string[] {
  const firstNames = new Map<number, string>();
  return walk(root).map(({ path, stat }) => {
    const full = `${root}/${path}`;
    if (stat.kind === "symlink") return `${path} -> ${Deno.readLinkSync(full)}`;
    if (stat.kind === "directory") return `${path}/ ${stat.mode.toString(8)} ${stat.mtimeMs}`;
    const first = stat.links > 1 ? firstNames.get(stat.inode) : undefined;
    firstNames.set(stat.inode, path);
    const content = stat.size > 100_000 ? digest(Deno.readFileSync(full)) : Deno.readTextFileSync(full);
    return `${path} ${stat.mode.toString(8)} ${stat.mtimeMs} ${stat.size} ${content}${
      first === undefined ? "" : ` = ${first}`
    }`;
  });
}

function digest(bytes: Uint8Array): string {
  let sum = 7;
  for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
  return String(sum);
}

/** A tree with one of everything that an archive holds. */
export function makeSampleTree(root: string): void {
  const write = (path: string, content: string | Uint8Array, mode = 0o644) => {
    const full = `${root}/${path}`;
    Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(full, content);
    else Deno.writeFileSync(full, content);
    Deno.chmodSync(full, mode);
  };
  write("plain.txt", "hello");
  write("empty", "");
  write("bin/tool", "#!/bin/sh\n", 0o755);
  write("secret", "x", 0o600);
  write("ünïcödé/日本語.txt", "text");
  write(`${"long-segment-".repeat(12)}/${"d".repeat(120)}/file`, "deep");
  write("a".repeat(255), "longest name");
  write("with space/and\nline feed", "odd");
  Deno.mkdirSync(`${root}/empty-folder/inner`, { recursive: true });
  Deno.chmodSync(`${root}/empty-folder`, 0o711);
  Deno.linkSync(`${root}/plain.txt`, `${root}/z-hard`);
  Deno.symlinkSync("plain.txt", `${root}/soft`);
  Deno.symlinkSync("/nowhere/at/all", `${root}/dangling`);
  Deno.symlinkSync(`${"x".repeat(150)}/é`, `${root}/long-link`);
  const big = new Uint8Array(9 * 1024 * 1024 + 123);
  for (let at = 0; at < big.length; at += 3) big[at] = (at * 2654435761) >>> 24;
  write("big.bin", big);
  write("exactly", big.subarray(0, 8 * 1024 * 1024));
  Deno.utimeSync(`${root}/plain.txt`, new Date(1_234_567_890_123), new Date(1_234_567_890_123));
  Deno.utimeSync(`${root}/empty`, new Date(-86_400_000), new Date(-86_400_000));
  Deno.utimeSync(`${root}/ünïcödé`, new Date(1_600_000_000_000), new Date(1_600_000_000_000));
}

/** All bytes of a generator. */
export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** Bytes as a stream of small chunks. */
export function streamOf(bytes: Uint8Array, chunkBytes = 60_001): ReadableStream<Uint8Array> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset >= bytes.length) return controller.close();
      controller.enqueue(bytes.subarray(offset, offset + chunkBytes));
      offset += chunkBytes;
    },
  });
}

/** Runs a program and fails unless it succeeds. */
export function sh(script: string, cwd: string): void {
  const { code, stderr } = new Deno.Command("sh", { args: ["-ec", script], cwd, env: { LC_ALL: "C.UTF-8" } })
    .outputSync();
  if (code !== 0) throw new Error(`sh failed with ${code}: ${script}: ${new TextDecoder().decode(stderr)}`);
}

/** Whether a program is installed. */
export function hasProgram(name: string): boolean {
  return new Deno.Command("sh", { args: ["-c", `command -v ${name}`], stdout: "null" }).outputSync().code === 0;
}

/** Whether something is at a path. */
export function exists(path: string): boolean {
  return statPath(path) !== undefined;
}

/** Compares without printing megabytes. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.equal(actual.length, expected.length);
  assert.ok(Buffer.compare(actual, expected) === 0, "the bytes differ");
}
