// Where a volume lies in the store. Invariant: the mapping is injective: two volumes never share a key.

import { PivotError } from "../../core/mod.ts";
import type { Compression } from "../archive/mod.ts";

const SUFFIXES: Readonly<Record<Compression, string>> = { zstd: ".tar.zst", gzip: ".tar.gzip", none: ".tar" };
const encoder = new TextEncoder();

/** The volume of a YAML cache path: `node_modules` is kept in `cache-node_modules`. */
export function volumeOfCachePath(path: string): string {
  return `cache-${path.replace(/^(\.\/+)+/, "").replace(/\/+/g, "/").replace(/(?<=.)\/$/, "")}`;
}

/**
 * The key of a volume: `{prefix}/{volume}.tar.{zst|gzip}`, or `.tar`. Bytes other than letters, digits, `_`, `-` and `.`
 * are written as `%XX`; so is a leading dot.
 *
 * @throws {PivotError} `bad-volume-name` for an empty name.
 */
export function keyOfVolume(prefix: string, volume: string, compression: Compression): string {
  if (volume === "") throw new PivotError("a volume needs a name", { code: "bad-volume-name", kind: "invalid" });
  return `${keyPrefix(prefix)}${escapeName(volume)}${SUFFIXES[compression]}`;
}

/** What all keys under a prefix start with. */
export function keyPrefix(prefix: string): string {
  return prefix === "" ? "" : `${prefix}/`;
}

function escapeName(name: string): string {
  let escaped = "";
  for (const [at, byte] of encoder.encode(name).entries()) {
    const char = String.fromCharCode(byte);
    const plain = /[A-Za-z0-9_-]/.test(char) || (char === "." && at > 0);
    escaped += plain ? char : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return escaped;
}

/** The volume and compression of a key below `prefix`; undefined if it is none of ours. */
export function volumeOfKey(prefix: string, key: string): { volume: string; compression: Compression } | undefined {
  if (!key.startsWith(keyPrefix(prefix))) return undefined;
  const name = key.slice(keyPrefix(prefix).length);
  for (const compression of ["zstd", "gzip", "none"] as const) {
    const suffix = SUFFIXES[compression];
    if (!name.endsWith(suffix) || name.length === suffix.length) continue;
    try {
      const volume = decodeURIComponent(name.slice(0, -suffix.length));
      // Only what our own escaping gives is ours.
      return keyOfVolume(prefix, volume, compression) === key ? { volume, compression } : undefined;
    } catch {
      return undefined;
    }
  }
  return undefined;
}
