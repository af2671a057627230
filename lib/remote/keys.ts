// Names of objects on a remote: the layout of the local cache. Invariant: what is not named like this is not ours.

import { type Digest, isDigest } from "../core/mod.ts";

/** Where blobs are. */
export const BLOBS = "files/";

/** The key of a blob. */
export function blobKey(digest: Digest): string {
  return `${BLOBS}${digest.slice(0, 2)}/${digest.slice(2)}`;
}

/** The digest that a key names; undefined for a key that is not ours. */
export function digestOfKey(key: string): Digest | undefined {
  const match = /^files\/([0-9a-f]{2})\/([0-9a-f]{14})$/.exec(key);
  const digest = match === null ? undefined : `${match[1]}${match[2]}`;
  return isDigest(digest) ? digest : undefined;
}

/** Where shared runs are. */
export const RUNS = "runs/";

/** The key of what some inputs led to. */
export function runKey(input: Digest): string {
  return `${RUNS}${input.slice(0, 2)}/${input.slice(2)}.json`;
}

/** The input digest that a key names; undefined for a key that is not ours. */
export function inputOfKey(key: string): Digest | undefined {
  const match = /^runs\/([0-9a-f]{2})\/([0-9a-f]{14})\.json$/.exec(key);
  const digest = match === null ? undefined : `${match[1]}${match[2]}`;
  return isDigest(digest) ? digest : undefined;
}

/** Where pushes say which blobs they rely on. */
export const CLAIMS = "claims/";

/** The key of the claim with this id, 32 hex digits. */
export function claimKey(id: string): string {
  return `${CLAIMS}${id}`;
}

/** Whether a key is named like a claim. */
export function isClaimKey(key: string): boolean {
  return /^claims\/[0-9a-f]{32}$/.test(key);
}

/** The object that stands while a gc removes blobs. */
export const GC_MARK = "pivot-gc";

/** The object that says which remote this is. */
export const IDENTITY = "pivot-remote-id";
