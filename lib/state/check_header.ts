// LMDB maps its file and trusts what it finds: a damaged one ends the process by a signal instead of an error.
// Invariant: a file is opened only if both of its meta pages are LMDB's and the trees that they name lie inside the file.

import { statPath } from "../sys/mod.ts";

const MAGIC = 0xbeefc0de;
/** Offsets in a meta page, after the 24 bytes of its page header (mdb.c, `MDB_meta`). */
const AT = { magic: 24, pageSize: 48, freeRoot: 88, mainRoot: 136, end: 160 } as const;
const NO_ROOT = 0xffff_ffff_ffff_ffffn;

/** Why the database file in `folder` must not be opened; undefined if it may, or is not there yet. */
export function whyUnusable(folder: string): string | undefined {
  const path = `${folder}/data.mdb`;
  const size = statPath(path)?.size ?? 0;
  if (size === 0) return undefined;
  using file = Deno.openSync(path, { read: true });
  const first = readAt(file, 0);
  const pageSize = first?.getUint32(AT.pageSize, true) ?? 0;
  if (first?.getUint32(AT.magic, true) !== MAGIC || pageSize < 512 || size < 2 * pageSize) {
    return "its header is damaged";
  }
  const second = readAt(file, pageSize);
  if (second?.getUint32(AT.magic, true) !== MAGIC) return "its second header is damaged";
  const pages = BigInt(Math.floor(size / pageSize));
  const roots = [first, second].flatMap((meta) => [AT.freeRoot, AT.mainRoot].map((at) => meta.getBigUint64(at, true)));
  return roots.every((root) => root === NO_ROOT || root < pages) ? undefined : "it is cut short";
}

function readAt(file: Deno.FsFile, offset: number): DataView | undefined {
  const bytes = new Uint8Array(AT.end);
  file.seekSync(offset, Deno.SeekMode.Start);
  return file.readSync(bytes) === bytes.length ? new DataView(bytes.buffer) : undefined;
}
