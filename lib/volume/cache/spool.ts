// An archive on its way to the store, kept in a scratch file until it is whole: only then are its length and SHA-256 known,
// and an upload can go in parts and try again. Invariant: the file goes away with its scope.

import { createHash } from "node:crypto";
import { assert, isSha256, messageOf, PivotError, type Sha256, STREAM_CHUNK_BYTES } from "../../core/mod.ts";
import { parentOf, removeIfThere } from "../../sys/mod.ts";
import { release } from "../archive/mod.ts";
import type { ByteRange, ObjectSource } from "../ports.ts";

/** A whole archive on disk. */
export interface SpooledArchive extends Disposable, ObjectSource {
  readonly sha256: Sha256;
}

/** Writes chunks, which are its own to free, to a new file at `path`. The file is gone when this throws, and when the result is disposed of. */
export async function spool(chunks: AsyncIterable<Uint8Array>, path: string): Promise<SpooledArchive> {
  const hash = createHash("sha256");
  let size = 0;
  try {
    using file = openNew(path);
    for await (const chunk of chunks) {
      hash.update(chunk);
      await writeAll(file, chunk, path);
      size += chunk.length;
      release(chunk);
    }
  } catch (error) {
    removeIfThere(path);
    throw error;
  }
  const sha256 = hash.digest("hex");
  assert(isSha256(sha256), "SHA-256 has 64 hex digits");
  return {
    size,
    sha256,
    open: (range = { offset: 0, length: size }) => openRange(path, range),
    [Symbol.dispose]: () => void removeIfThere(path),
  };
}

function openNew(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  } catch (error) {
    throw cannotSpool(path, error);
  }
}

async function writeAll(file: Deno.FsFile, chunk: Uint8Array, path: string): Promise<void> {
  try {
    for (let written = 0; written < chunk.length;) written += await file.write(chunk.subarray(written));
  } catch (error) {
    throw cannotSpool(path, error);
  }
}

function cannotSpool(path: string, error: unknown): PivotError {
  return new PivotError(`cannot keep the archive in "${parentOf(path)}" before it is sent: ${messageOf(error)}`, {
    code: "scratch-failed",
    hint: "free some space there, or name another folder in TMPDIR",
    cause: error,
  });
}

/** A part of a file as a stream that closes the file however it ends. */
export function openRange(path: string, range: ByteRange): ReadableStream<Uint8Array> {
  const file = Deno.openSync(path);
  file.seekSync(range.offset, Deno.SeekMode.Start);
  let left = range.length;
  let closed = false;
  const close = () => {
    if (!closed) file.close();
    closed = true;
  };
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const buffer = new Uint8Array(Math.min(left, STREAM_CHUNK_BYTES));
      const count = left === 0 ? null : await file.read(buffer);
      if (count === null) {
        close();
        if (left > 0) controller.error(new Error(`"${path}" is shorter than expected`));
        else controller.close();
        return;
      }
      left -= count;
      controller.enqueue(buffer.subarray(0, count));
    },
    cancel: close,
  }, { highWaterMark: 0 });
}
