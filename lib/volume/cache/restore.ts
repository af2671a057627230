// From store to volume. Invariants: what lands in the volume is whole and has the recorded SHA-256, or the volume is empty;
// a folder is staged beside the volume and renamed into place.

import { createHash } from "node:crypto";
import type { WorkerPool } from "../../pool/mod.ts";
import { makeFolder, moveFile, parentOf, removeTree, setMode, statPath } from "../../sys/mod.ts";
import {
  type ArchiveLimits,
  corruptArchive,
  hashListing,
  listTree,
  readArchive,
  readAsTar,
  type TarEntry,
} from "../archive/mod.ts";
import type { FolderAccess, ObjectInfo, TarAccess, VolumeAccess } from "../ports.ts";
import { decodeRecord, type EntryRecord } from "./record.ts";
import type { BaseVersion } from "./session.ts";

/** What {@linkcode fillVolume} needs. */
export interface FillOptions {
  readonly pool: WorkerPool;
  readonly limits: Partial<ArchiveLimits>;
  readonly signal?: AbortSignal;
}

/** Fills a volume with a stored archive. @throws if the archive is not whole, not safe or not what was recorded. */
export async function fillVolume(
  stored: { readonly info: ObjectInfo; readonly body: ReadableStream<Uint8Array> },
  access: VolumeAccess,
  options: FillOptions,
): Promise<BaseVersion> {
  const { info } = stored;
  const record = decodeRecord(info.metadata);
  const check = new InFlightCheck(info.size, record);
  const limits = limitsFor(record, options.limits);
  const fill = { ...options, limits, onBytes: (bytes: Uint8Array) => check.add(bytes) };
  const tree = access.kind === "folder"
    ? await fillFolder(stored.body, access, { ...fill, check })
    : await fillThroughTar(stored.body, access, { ...fill, check });
  return { etag: info.etag, sha256: check.sha256, tarSha256: record?.tarSha256 ?? "", ...tree };
}

/** An entry that says how large its tree is may be that large, and no larger. */
function limitsFor(record: EntryRecord | undefined, limits: Partial<ArchiveLimits>): Partial<ArchiveLimits> {
  if (record === undefined) return limits;
  return {
    ...limits,
    bytes: Math.min(record.treeBytes, limits.bytes ?? Infinity),
    entries: Math.min(record.entries, limits.entries ?? Infinity),
    ratio: limits.ratio ?? Infinity,
  };
}

/** Hash and length of what passes by. */
class InFlightCheck {
  readonly #hash = createHash("sha256");
  readonly #expectedSize: number;
  readonly #record: EntryRecord | undefined;
  #size = 0;
  /** Known after `finish`. */
  sha256 = "";

  constructor(expectedSize: number, record: EntryRecord | undefined) {
    this.#expectedSize = expectedSize;
    this.#record = record;
  }

  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** @throws {PivotError} `corrupt-archive` */
  finish(): void {
    this.sha256 = this.#hash.digest("hex");
    if (this.#size !== this.#expectedSize) {
      throw corruptArchive(`the store sent ${this.#size} bytes of ${this.#expectedSize}`);
    }
    if (this.#record !== undefined && this.#record.sha256 !== this.sha256) {
      throw corruptArchive("its SHA-256 is not the recorded one");
    }
  }
}

interface CheckedFill extends FillOptions {
  readonly onBytes: (bytes: Uint8Array) => void;
  readonly check: InFlightCheck;
}

async function fillFolder(
  body: ReadableStream<Uint8Array>,
  access: FolderAccess,
  options: CheckedFill,
): Promise<{ listing: string; stamp: string }> {
  const name = access.path.slice(parentOf(access.path).length + 1);
  makeFolder(parentOf(access.path));
  const staging = `${parentOf(access.path)}/.${name}.restoring-${crypto.randomUUID().slice(0, 8)}`;
  try {
    await readArchive(body, { ...options, target: staging });
    options.check.finish();
    const before = statPath(access.path);
    setMode(staging, before?.kind === "directory" ? before.mode : 0o755);
    removeTree(access.path);
    moveFile(staging, access.path);
  } catch (error) {
    removeTree(staging);
    throw error;
  }
  const { hash, stamp } = listTree(access.path);
  return { listing: hash, stamp };
}

async function fillThroughTar(
  body: ReadableStream<Uint8Array>,
  access: TarAccess,
  options: CheckedFill,
): Promise<{ listing: string; stamp: undefined }> {
  const entries: TarEntry[] = [];
  const tar = readAsTar(body, {
    ...options,
    onEntry: (entry) => void entries.push(entry),
    onWhole: () => options.check.finish(),
  });
  await access.write(ReadableStream.from(tar), options.signal === undefined ? {} : { signal: options.signal });
  if (options.check.sha256 === "") throw corruptArchive("the driver did not take all of it");
  return { listing: hashListing(entries), stamp: undefined };
}
