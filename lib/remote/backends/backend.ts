// The port to a place that keeps objects, and its contract. Every backend and every decorator passes
// tests/conformance/backend_suite.ts, which is this contract as code.

import type { Sha256 } from "../../core/mod.ts";

/** What a backend knows of one object. */
export interface ObjectInfo {
  /** Name below the remote's prefix, `/` between segments. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** When it was last written, milliseconds since the epoch. */
  readonly modifiedMs: number;
  /** As its writer recorded it; undefined in listings, and for objects that somebody else wrote. */
  readonly sha256?: Sha256;
}

/** A part of an object: `start` inclusive, `end` exclusive, in bytes. */
export interface ByteRange {
  /** First byte. */
  readonly start: number;
  /** After the last byte. */
  readonly end: number;
}

/** Options that every call takes. */
export interface CallOptions {
  /** Cancels the call: it rejects with the signal's reason and has no further effect. */
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode Backend.get}. */
export interface GetOptions extends CallOptions {
  /** Only these bytes; must lie within the object. */
  readonly range?: ByteRange;
}

/** Options of {@linkcode Backend.put}. */
export interface PutOptions extends CallOptions {
  /** SHA-256 of the bytes; the server's copy is refused if it differs, and readers find it with the object. */
  readonly sha256: Sha256;
  /** Leave an object of that name alone. @default false */
  readonly ifAbsent?: boolean;
}

/** An object while it is read. */
export interface ObjectBody {
  /** What is known of the object. */
  readonly info: ObjectInfo;
  /** The bytes asked for. Cancel it when they are no longer wanted. An error of it is a `PivotError` of kind `remote`. */
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * A place that keeps objects.
 *
 * - An object is there whole or not at all, also while it is written or replaced.
 * - A miss is a value; failing to reach or read the place throws a `PivotError` of kind `remote` whose `data.retry`
 *   says whether trying again can help. No error text holds a credential.
 * - `list` gives keys in code-unit order, each once, also when there are more than one answer holds.
 * - `delete` of what is not there is fine.
 * - A call whose signal is aborted already has no effect.
 */
export interface Backend extends AsyncDisposable {
  /** The URL as people write it, without credentials. */
  readonly url: string;
  /** What is known of an object; undefined if there is none. */
  head(key: string, options?: CallOptions): Promise<ObjectInfo | undefined>;
  /** An object's bytes; undefined if there is none. */
  get(key: string, options?: GetOptions): Promise<ObjectBody | undefined>;
  /** Writes an object. `exists` = it was there and `ifAbsent` was asked for. */
  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<"stored" | "exists">;
  /** All objects whose key starts with `prefix`, from after the key `after`. */
  list(prefix: string, options?: CallOptions & { readonly after?: string }): AsyncIterable<ObjectInfo>;
  /** Removes an object. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /** Uploads in parts; undefined where one `put` is all there is. */
  readonly parts?: PartUploads;
}

/** A part that arrived. */
export interface UploadedPart {
  /** From 1. */
  readonly number: number;
  /** What the server calls it. */
  readonly tag: string;
  /** Bytes. */
  readonly size: number;
}

/** An upload in parts that is under way. */
export interface PartUpload {
  /** Name below the remote's prefix. */
  readonly key: string;
  /** What the remote calls it. */
  readonly id: string;
  /** When it was begun, milliseconds since the epoch. */
  readonly startedMs: number;
}

/** Uploads in parts: nothing is visible before `complete`. Parts but the last have one size, 5 MiB or more. */
export interface PartUploads {
  /** Begins an upload. */
  begin(key: string, options: CallOptions & { readonly sha256: Sha256; readonly size: number }): Promise<PartUpload>;
  /** Sends one part; sending a number again replaces it. */
  send(
    upload: PartUpload,
    part: { readonly number: number; readonly bytes: Uint8Array },
    options?: CallOptions,
  ): Promise<
    UploadedPart
  >;
  /**
   * Makes the object visible. `exists` = there was one already, which was left alone; also if this very upload made it, since the
   * answer to an earlier try may have been lost.
   */
  complete(
    upload: PartUpload,
    parts: readonly UploadedPart[],
    options: CallOptions,
  ): Promise<"stored" | "exists">;
  /** Gives an upload up; fine if it is gone. */
  abort(upload: PartUpload, options?: CallOptions): Promise<void>;
  /** Unfinished uploads below `prefix`; empty where the server cannot say. */
  list(prefix: string, options?: CallOptions): Promise<readonly PartUpload[]>;
  /** What arrived of an upload, with MD5 as tag where `resumable`; undefined if it is gone or cannot be asked. */
  sent(upload: PartUpload, options?: CallOptions): Promise<readonly UploadedPart[] | undefined>;
}
