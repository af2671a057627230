// xxhash64 (seed 0, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md) through
// WebAssembly. Invariant: every content hash in the product is made here.

import type { Digest } from "../core/mod.ts";
// Written out: a stage runs under the import map of its own project.
import xxhash from "npm:xxhash-wasm@^1.1.0";

const api = await xxhash();
const encoder = new TextEncoder();

function toDigest(value: bigint): Digest {
  return value.toString(16).padStart(16, "0") as Digest;
}

/** The digest of bytes that are in memory. */
export function hashBytes(bytes: Uint8Array): Digest {
  return toDigest(api.h64Raw(bytes));
}

/** The digest of a text's UTF-8 bytes. */
export function hashText(text: string): Digest {
  return hashBytes(encoder.encode(text));
}

/** A running hash: feed it chunks in order, then ask once for the digest. */
export interface Hasher {
  update(bytes: Uint8Array): Hasher;
  digest(): Digest;
}

/** Starts a running hash. */
export function createHasher(): Hasher {
  const inner = api.create64();
  const hasher: Hasher = {
    update(bytes) {
      inner.update(bytes);
      return hasher;
    },
    digest: () => toDigest(inner.digest()),
  };
  return hasher;
}
