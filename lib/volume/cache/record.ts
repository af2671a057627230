// What an entry's object metadata says. Format version 1: names start with `pivot-`, values are printable ASCII, text that
// people chose is percent-encoded. Invariant: an entry without a readable record is still restored, but never vouched for.

import { isSha256, type Sha256 } from "../../core/mod.ts";

/** What is recorded of a stored volume. */
export interface EntryRecord {
  /** SHA-256 of the object's bytes. */
  readonly sha256: Sha256;
  /** Digest of the tree's listing. */
  readonly listing: string;
  /** SHA-256 of the tree as a plain tar; empty where a listing with inodes tells changes. */
  readonly tarSha256: string;
  /** Bytes of all files. */
  readonly treeBytes: number;
  /** Members. */
  readonly entries: number;
  /** Milliseconds since the epoch. */
  readonly createdMs: number;
  /** User and machine. */
  readonly who: string;
  /** Revision of the project, empty if unknown. */
  readonly commit: string;
}

const VERSION = "1";

/** As object metadata. */
export function encodeRecord(record: EntryRecord): Record<string, string> {
  return {
    "pivot-version": VERSION,
    "pivot-sha256": record.sha256,
    "pivot-listing": record.listing,
    ...(record.tarSha256 === "" ? {} : { "pivot-tar-sha256": record.tarSha256 }),
    "pivot-tree-bytes": String(record.treeBytes),
    "pivot-entries": String(record.entries),
    "pivot-created": new Date(record.createdMs).toISOString(),
    "pivot-who": encodeURIComponent(record.who).slice(0, 500),
    "pivot-commit": encodeURIComponent(record.commit).slice(0, 200),
  };
}

/** From object metadata; undefined if it is not ours, or not whole. */
export function decodeRecord(metadata: Readonly<Record<string, string>>): EntryRecord | undefined {
  const sha256 = metadata["pivot-sha256"];
  const createdMs = Date.parse(metadata["pivot-created"] ?? "");
  const treeBytes = Number(metadata["pivot-tree-bytes"] ?? NaN);
  const entries = Number(metadata["pivot-entries"] ?? NaN);
  if (metadata["pivot-version"] !== VERSION || !isSha256(sha256)) return undefined;
  if (![createdMs, treeBytes, entries].every((value) => Number.isSafeInteger(value))) return undefined;
  const listing = metadata["pivot-listing"] ?? "";
  return {
    sha256,
    listing,
    tarSha256: metadata["pivot-tar-sha256"] ?? "",
    treeBytes,
    entries,
    createdMs,
    who: text(metadata["pivot-who"]),
    commit: text(metadata["pivot-commit"]),
  };
}

function text(value: string | undefined): string {
  try {
    return decodeURIComponent(value ?? "");
  } catch {
    return value ?? "";
  }
}
