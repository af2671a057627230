// One remembered file hash as 41 bytes: hash u64, size f64, mtime f64, ctime f64, inode f64, racy u8, little-endian.

import { assert, type Digest, type IndexedFile } from "../core/mod.ts";

const BYTES = 41;

/** Packs a record. */
export function encodeFile(file: IndexedFile): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(`0x${file.hash}`), true);
  view.setFloat64(8, file.size, true);
  view.setFloat64(16, file.mtimeMs, true);
  view.setFloat64(24, file.ctimeMs, true);
  view.setFloat64(32, file.inode, true);
  bytes[40] = file.racy ? 1 : 0;
  return bytes;
}

/** Unpacks a record; undefined if it is not one. */
export function decodeFile(bytes: Uint8Array): IndexedFile | undefined {
  if (bytes.length !== BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, BYTES);
  const hash = view.getBigUint64(0, true).toString(16).padStart(16, "0");
  assert(hash.length === 16, "a digest has 16 digits");
  return {
    hash: hash as Digest,
    size: view.getFloat64(8, true),
    mtimeMs: view.getFloat64(16, true),
    ctimeMs: view.getFloat64(24, true),
    inode: view.getFloat64(32, true),
    racy: bytes[40] === 1,
  };
}
