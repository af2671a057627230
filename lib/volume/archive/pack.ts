// A worker's half of writing: makes one frame. Invariant: raw bytes cross threads only where the coordinator read them.

import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { type FilledMembers, fillMembers, fillPiece } from "./fill.ts";
import type { PackJob, PackResult } from "./jobs.ts";
import { release } from "../../sys/mod.ts";

/** Level of zstd unless another is asked for. */
const ZSTD_LEVEL = 3;
const GZIP_LEVEL = 6;
/** RFC 1952: the byte that names the system which wrote the file; 255 is unknown. */
const GZIP_SYSTEM_BYTE = 9;

/** Makes one frame. @throws {PivotError} `source-changed` */
export function pack(job: PackJob): PackResult {
  const { raw, offsets } = fill(job);
  return { packed: compress(raw, job), rawBytes: raw.length, offsets, filled: job.filled?.raw };
}

function fill(job: PackJob): FilledMembers {
  if (job.filled !== undefined) return job.filled;
  return job.piece === undefined ? fillMembers(job, scratch) : fillPiece(job.root, job.piece, scratch);
}

/** One buffer per worker, grown when needed: fresh pages for every frame cost more than the copy that `none` needs. */
let buffer = new Uint8Array(0);

function scratch(bytes: number): Uint8Array<ArrayBuffer> {
  if (buffer.length < bytes) buffer = new Uint8Array(bytes);
  return buffer;
}

function compress(raw: Uint8Array<ArrayBuffer>, job: PackJob): Uint8Array<ArrayBuffer> {
  switch (job.compression) {
    case "none":
      return raw.slice();
    case "gzip": {
      const packed = new Uint8Array(gzipSync(raw, { level: job.level ?? GZIP_LEVEL }));
      packed[GZIP_SYSTEM_BYTE] = 255;
      return packed;
    }
    case "zstd": {
      const params = {
        [constants.ZSTD_c_compressionLevel]: job.level ?? ZSTD_LEVEL,
        [constants.ZSTD_c_checksumFlag]: 1,
      };
      // Puts the size into the frame's header, for `zstd -l`; missing in the types.
      const options = { params, pledgedSrcSize: raw.length, chunkSize: compressBound(raw.length) };
      const output = zstdCompressSync(raw, options);
      const packed = new Uint8Array(output);
      release(output);
      return packed;
    }
  }
}

/**
 * What a frame takes at most (zstd's own bound, for 128 KiB and more): zlib then needs one buffer and one call, where its 16 KiB
 * would cost a third of the speed; and that buffer is all there is to free.
 */
function compressBound(bytes: number): number {
  return bytes + (bytes >>> 8) + 64 * 1024;
}
