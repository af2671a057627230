// What a remote is known to have, so that a push of known blobs asks nothing. Invariants: entries belong to one place and to one
// identity of it (a small object that the first push writes), so that a bucket which was emptied and made again is noticed; an entry
// that the remote contradicts is gone with the first contradiction, and the identity is asked for again.

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
  /** Whether the shared run of these inputs is known to be there. */
  hasRun(input: Digest): boolean;
  /** A shared run was seen there. */
  addRun(input: Digest): void;
  /** The remote's own id and when it last said so, in milliseconds since the epoch; undefined if it never did. */
  identity(): { readonly id: string; readonly atMs: number } | undefined;
  /** The remote said its id. */
  identify(id: string, atMs: number): void;
  /** The last claim of a push and when it was made, in milliseconds since the epoch. */
  claimed(): { readonly id: string; readonly atMs: number } | undefined;
  /** A push claimed what it relies on. */
  claim(id: string, atMs: number): void;
  /** Forgets everything of this remote. */
  clear(): void;
  /** How many blobs are known. */
  count(): number;
}

/** What is known of the remote `place`, kept in `table`. */
export function knownBlobs(table: KeyValue, place: string): KnownBlobs {
  const prefix = `${place}\n`;
  const [runs, identity, claim] = [`${prefix}runs/`, `${prefix}identity`, `${prefix}claim`];
  const keys = (): string[] => [...table.entries(prefix)].map(([key]) => key);
  const said = (key: string): { id: string; atMs: number } | undefined => {
    const [id, atMs] = (table.get(key) ?? "").split(" ");
    return id === undefined || id === "" ? undefined : { id, atMs: Number(atMs) };
  };
  return {
    has: (digest) => table.get(prefix + digest) !== undefined,
    add: (digest, size) => table.put(prefix + digest, String(size)),
    drop(digest) {
      const was = said(identity);
      if (was !== undefined && table.get(prefix + digest) !== undefined) table.put(identity, `${was.id} 0`);
      table.delete(prefix + digest);
    },
    hasRun: (input) => table.get(runs + input) !== undefined,
    addRun: (input) => table.put(runs + input, "1"),
    identity: () => said(identity),
    identify: (id, atMs) => table.put(identity, `${id} ${atMs}`),
    claimed: () => said(claim),
    claim: (id, atMs) => table.put(claim, `${id} ${atMs}`),
    clear: () => keys().forEach((key) => table.delete(key)),
    count: () => keys().filter((key) => isDigest(key.slice(prefix.length))).length,
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
