// What a remote is known to have, so that a push of known blobs asks nothing. Invariant: entries belong to one place, and one that
// the remote contradicts is gone with the first contradiction.

import { type Digest, isDigest } from "../core/mod.ts";
import type { KeyValue } from "./ports.ts";

/** What is known of one remote. */
export interface KnownBlobs {
  /** Whether the blob is known to be there. */
  has(digest: Digest): boolean;
  /** It was seen there. */
  add(digest: Digest, size: number): void;
  /** The remote said that it is not there. */
  drop(digest: Digest): void;
  /** Forgets everything of this remote. */
  clear(): void;
  /** How many are known. */
  count(): number;
}

/** What is known of the remote `id`, kept in `table`. */
export function knownBlobs(table: KeyValue, id: string): KnownBlobs {
  const prefix = `${id}\n`;
  const digests = (): Digest[] => [...table.entries(prefix)].map(([key]) => key.slice(prefix.length)).filter(isDigest);
  return {
    has: (digest) => table.get(prefix + digest) !== undefined,
    add: (digest, size) => table.put(prefix + digest, String(size)),
    drop: (digest) => table.delete(prefix + digest),
    clear: () => digests().forEach((digest) => table.delete(prefix + digest)),
    count: () => digests().length,
  };
}

/** A table in memory, for where nothing need be remembered. */
export function memoryTable(): KeyValue {
  const map = new Map<string, string>();
  return {
    get: (key) => map.get(key),
    put: (key, value) => void map.set(key, value),
    delete: (key) => void map.delete(key),
    entries: (prefix) => [...map].filter(([key]) => key.startsWith(prefix)),
  };
}
