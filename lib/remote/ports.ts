// What this room needs of its surroundings. The wiring hands in implementations; tests hand in plain ones.

import type { Digest, Sha256 } from "../core/mod.ts";

/** One blob to push or pull. */
export interface BlobRequest {
  /** xxhash64 of the bytes. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** What people know it by: the path of an output. */
  readonly label: string;
}

/** The local side. */
export interface BlobStore {
  /** Absolute path of a whole blob to read from; undefined if there is none. */
  find(blob: BlobRequest): string | undefined;
  /** Absolute path for a new file on the store's own file system; nothing is there yet. */
  temporary(): string;
  /** Moves a file whose bytes were verified into the store. */
  adopt(temporary: string, blob: BlobRequest): void;
  /** Told of a blob whose bytes no longer match its name. */
  altered(blob: BlobRequest, path: string): void;
}

/** Remembers texts; the state database implements it. */
export interface KeyValue {
  /** The value of a key. */
  get(key: string): string | undefined;
  /** Sets a value. */
  put(key: string, value: string): void;
  /** Forgets a key. */
  delete(key: string): void;
  /** All entries whose key starts with `prefix`. */
  entries(prefix: string): Iterable<readonly [key: string, value: string]>;
}

/** One object to send: the file that holds it. */
export interface Upload {
  /** xxhash64 of the bytes. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Absolute path. */
  readonly path: string;
}

/** One object to fetch: the file to make. */
export interface Download {
  /** xxhash64 of the bytes. */
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** Absolute path; nothing is there yet. After a failure nothing is there again. */
  readonly temporary: string;
}

/** What became of an upload. `altered` = the local file no longer matches its name; nothing was sent. */
export type UploadOutcome =
  | { readonly type: "stored"; readonly sha256: Sha256 }
  | { readonly type: "same"; readonly sha256: Sha256 }
  | { readonly type: "altered" };

/** What became of a download. `missing` = the remote has no such object. */
export type DownloadOutcome = { readonly type: "fetched" } | { readonly type: "missing" };

/** Options of one transfer. */
export interface TransferCallOptions {
  /** Cancels it; rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Told of bytes as they move, as an increase. */
  readonly onBytes?: (bytes: number) => void;
}

/** Moves whole objects, each checked by xxhash64 and SHA-256: in workers, or here. */
export interface Transfers {
  /** Sends one object. */
  upload(job: Upload, options?: TransferCallOptions): Promise<UploadOutcome>;
  /** Fetches one object. */
  download(job: Download, options?: TransferCallOptions): Promise<DownloadOutcome>;
}
