// What this room needs from others: an object store to keep archives in, and a way to a volume's files.
// Invariant: both are all or nothing; a half-written object or volume is never visible through them.

/** What a store says of one object. */
export interface ObjectInfo {
  /** Key below the store's own prefix. */
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** Identity of this version of the object; opaque, as the store gives it. */
  readonly etag: string;
  /** As given to `put`; names in lower case, values printable ASCII. Empty in answers of `list`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Bytes that can be read more than once, so that an upload can go in parts and try again. */
export interface ObjectSource {
  /** Bytes in all. */
  readonly size: number;
  /** SHA-256 of all bytes, in hex. */
  readonly sha256: string;
  /** Opens the bytes from `offset`, `length` of them. @default all */
  open(range?: ByteRange): ReadableStream<Uint8Array>;
}

/** A part of an object. */
export interface ByteRange {
  /** First byte. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
}

/** Options of {@linkcode ObjectStore.put}. */
export interface PutOptions {
  /** Kept with the object; printable ASCII. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Replace only the version with this etag. */
  readonly ifMatch?: string;
  /** Write only if nothing is there. */
  readonly ifAbsent?: boolean;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/** Keeps objects under keys. */
export interface ObjectStore {
  /** URL for people, without credentials. */
  readonly url: string;
  /** What is known of an object. @returns undefined if nothing is there; failing to reach the store throws. */
  head(key: string, options?: { readonly signal?: AbortSignal }): Promise<ObjectInfo | undefined>;
  /**
   * An object's bytes.
   * @returns the bytes, or undefined if nothing is there.
   * @throws {PivotError} `precondition-failed` if the object is not the version `ifMatch`.
   */
  get(
    key: string,
    options?: { readonly range?: ByteRange; readonly ifMatch?: string; readonly signal?: AbortSignal },
  ): Promise<{ readonly info: ObjectInfo; readonly body: ReadableStream<Uint8Array> } | undefined>;
  /**
   * Writes an object, all or nothing.
   *
   * @throws {PivotError} `precondition-failed` if `ifMatch` or `ifAbsent` does not hold.
   */
  put(key: string, source: ObjectSource, options: PutOptions): Promise<ObjectInfo>;
  /** Deletes an object; fine if nothing is there. With `ifMatch`, another version is left alone. */
  delete(key: string, options?: { readonly ifMatch?: string; readonly signal?: AbortSignal }): Promise<void>;
  /** All objects whose key starts with `prefix`, in key order. */
  list(prefix: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<ObjectInfo>;
}

/** A volume whose files are a folder of this machine. */
export interface FolderAccess {
  /** Tells the two ways apart. */
  readonly kind: "folder";
  /** Absolute path; its parent must be writable, since a restore is staged beside it and renamed into place. */
  readonly path: string;
}

/** A volume whose files move as an uncompressed tar stream. */
export interface TarAccess {
  /** Tells the two ways apart. */
  readonly kind: "tar";
  /** Everything in the volume; the stream errors if the far side fails, so that a short tar is never taken for a whole one. */
  read(options: { readonly signal?: AbortSignal }): Promise<ReadableStream<Uint8Array>>;
  /**
   * Fills an empty volume. Settles when the far side has taken everything and reported success. If the stream
   * errors, leaves the volume empty and rejects.
   */
  write(tar: ReadableStream<Uint8Array>, options: { readonly signal?: AbortSignal }): Promise<void>;
}

/** A way to a volume's files. A driver without one runs its volumes uncached. */
export type VolumeAccess = FolderAccess | TarAccess;
