// An object store in S3 and what speaks like it. Invariants: an object appears whole or not at all, large ones in parts that are
// given up if anything fails; replacing is conditional, and where a server ignores the condition a look right before it narrows
// the gap to the time of one request.

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import { PivotError } from "../../core/mod.ts";
import {
  type CallOptions,
  createS3Client,
  isMiss,
  isUnsupported,
  measured,
  remoteProblem,
  Retry,
  type S3Place,
  s3Problem,
  statusOf,
} from "../../remote/backends/mod.ts";
import type { ByteRange, ObjectInfo, ObjectSource, ObjectStore, PutOptions } from "../ports.ts";
import { conditionFailed } from "./memory_store.ts";

/** Options of {@linkcode s3Store}. */
export interface S3StoreOptions {
  /** The URL as shown to people, without credentials. */
  readonly url: string;
  /** Silence after which a request fails, milliseconds. @default 60000 */
  readonly stallMs?: number;
  /** Tries of one call, the first included. @default 5 */
  readonly tries?: number;
}

/** Objects up to this size go in one request. */
const SINGLE_BYTES = 16 * 1024 * 1024;
const MAX_PARTS = 10_000;
/** Parts of one upload that are on their way at once; each is held in memory. */
const PARTS_AT_ONCE = 4;

/** Opens a bucket, or a prefix in one, as an object store. Nothing is asked of it yet. */
export function s3Store(place: S3Place, options: S3StoreOptions): ObjectStore & AsyncDisposable {
  return new S3Store(place, options);
}

type Condition = Pick<PutOptions, "ifMatch" | "ifAbsent">;
type How = { readonly abortSignal?: AbortSignal };

class S3Store implements ObjectStore, AsyncDisposable {
  readonly url: string;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #retry: Retry;
  /** False once the server said that it does not know conditions. */
  #conditional: boolean;

  constructor(place: S3Place, { url, stallMs = 60_000, tries = 5 }: S3StoreOptions) {
    this.url = url;
    this.#client = createS3Client(place, { sockets: 16, stallMs });
    this.#bucket = place.bucket;
    this.#prefix = place.prefix === "" ? "" : `${place.prefix}/`;
    this.#retry = new Retry(url, { tries, stallMs });
    this.#conditional = place.scheme !== "gcs";
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    const tried = `look at "${key}"`;
    const found = await this.#ask(
      tried,
      options,
      (how) => this.#client.send(new HeadObjectCommand(this.#name(key)), how),
    );
    return found === undefined ? undefined : infoOf(key, found, found.ContentLength ?? 0);
  }

  async get(...[key, options = {}]: Parameters<ObjectStore["get"]>): ReturnType<ObjectStore["get"]> {
    const { range, ifMatch } = options;
    const tried = `read "${key}"`;
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const found = await this.#ask(tried, signal, (how) =>
      this.#client.send(
        new GetObjectCommand({
          ...this.#name(key),
          ...(range === undefined ? {} : { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
          ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }),
        }),
        how,
      ), (error) => statusOf(error) === 412 ? conditionFailed(key) : undefined);
    if (found === undefined) return undefined;
    const source = found.Body as unknown as AsyncIterable<Uint8Array> & { destroy(): void };
    const length = found.ContentLength ?? 0;
    const size = Number(/\/(\d+)$/.exec(found.ContentRange ?? "")?.[1] ?? length);
    const info = infoOf(key, found, size);
    const wrong = ifMatch !== undefined && info.etag !== ifMatch
      ? conditionFailed(key)
      : range !== undefined && length !== range.length
      ? remoteProblem("refused", { url: this.url, tried, said: `${length} bytes for a range of ${range.length}` })
      : undefined;
    if (wrong !== undefined) {
      source.destroy();
      throw wrong;
    }
    return { info, body: measured(source, { length, url: this.url, tried, ...signal }) };
  }

  async put(key: string, source: ObjectSource, options: PutOptions): Promise<ObjectInfo> {
    const call = options.signal === undefined ? {} : { signal: options.signal };
    options.signal?.throwIfAborted();
    if (source.size <= SINGLE_BYTES) await this.#putWhole(key, source, options);
    else await this.#putParts(key, source, options);
    const info = await this.head(key, call);
    if (info !== undefined && info.size === source.size) return info;
    throw remoteProblem("interrupted", { url: this.url, tried: `write "${key}"`, said: "it is not there afterwards" });
  }

  async delete(...[key, options = {}]: Parameters<ObjectStore["delete"]>): Promise<void> {
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    if (options.ifMatch !== undefined && (await this.head(key, signal))?.etag !== options.ifMatch) return;
    const command = new DeleteObjectCommand(this.#name(key));
    await this.#ask(`delete "${key}"`, signal, (how) => this.#client.send(command, how));
  }

  async *list(prefix: string, options: CallOptions = {}): AsyncGenerator<ObjectInfo> {
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#prefix + prefix,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      const page = await this.#ask(`list "${prefix}"`, options, (how) => this.#client.send(command, how));
      for (const { Key, Size, ETag } of page?.Contents ?? []) {
        if (Key === undefined || Key.endsWith("/")) continue;
        yield { key: Key.slice(this.#prefix.length), size: Size ?? 0, etag: ETag ?? "", metadata: {} };
      }
      token = page?.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }

  #name(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  /** Runs a call with retries; a miss is undefined, what `known` takes is thrown as it says, all else in our words. */
  async #ask<Value>(
    tried: string,
    call: CallOptions,
    act: (how: How) => Promise<Value>,
    known: (error: unknown) => Error | undefined = () => undefined,
  ): Promise<Value | undefined> {
    return await this.#retry.run(tried, call, async ({ signal }) => {
      signal?.throwIfAborted();
      try {
        return await act(signal === undefined ? {} : { abortSignal: signal });
      } catch (error) {
        signal?.throwIfAborted();
        const said = known(error);
        if (said !== undefined) throw said;
        if (isMiss(error)) return undefined;
        throw s3Problem(error, { url: this.url, tried });
      }
    });
  }

  async #putWhole(key: string, source: ObjectSource, options: PutOptions): Promise<void> {
    const bytes = await readPart(source, { offset: 0, length: source.size });
    await this.#conditionally(key, options, (headers) => ({
      tried: `write "${key}"`,
      act: (how) =>
        this.#client.send(
          new PutObjectCommand({
            ...this.#name(key),
            Body: bytes,
            ContentLength: bytes.length,
            ContentMD5: md5(bytes),
            Metadata: { ...options.metadata },
            ...headers,
          }),
          how,
        ),
    }));
  }

  async #putParts(key: string, source: ObjectSource, options: PutOptions): Promise<void> {
    const call = options.signal === undefined ? {} : { signal: options.signal };
    await this.#assertStill(key, options);
    const create = new CreateMultipartUploadCommand({ ...this.#name(key), Metadata: { ...options.metadata } });
    const begun = await this.#ask(`begin "${key}"`, call, (how) => this.#client.send(create, how));
    const UploadId = begun?.UploadId;
    if (UploadId === undefined) {
      throw remoteProblem("no-bucket", { url: this.url, tried: `begin "${key}"`, said: "no upload id came back" });
    }
    try {
      const Parts = await this.#sendParts(key, UploadId, source, call);
      await this.#conditionally(key, options, (headers) => ({
        tried: `finish "${key}"`,
        act: (how) =>
          this.#client.send(
            new CompleteMultipartUploadCommand({
              ...this.#name(key),
              UploadId,
              MultipartUpload: { Parts },
              ...headers,
            }),
            how,
          ),
      }));
    } catch (error) {
      // Also after an abort: nothing may be left behind.
      const abort = new AbortMultipartUploadCommand({ ...this.#name(key), UploadId });
      await this.#ask(`give up "${key}"`, {}, (how) => this.#client.send(abort, how)).catch(() => undefined);
      throw error;
    }
  }

  async #sendParts(
    key: string,
    UploadId: string,
    source: ObjectSource,
    call: CallOptions,
  ): Promise<{ PartNumber: number; ETag: string | undefined }[]> {
    const partBytes = Math.max(SINGLE_BYTES, Math.ceil(source.size / (MAX_PARTS - 1)));
    const count = Math.ceil(source.size / partBytes);
    const parts: { PartNumber: number; ETag: string | undefined }[] = [];
    let next = 0;
    const lane = async () => {
      for (let at = next++; at < count; at = next++) {
        const offset = at * partBytes;
        const bytes = await readPart(source, { offset, length: Math.min(partBytes, source.size - offset) });
        const PartNumber = at + 1;
        const command = { ...this.#name(key), UploadId, PartNumber, Body: bytes, ContentMD5: md5(bytes) };
        const sent = await this.#ask(
          `write part ${PartNumber} of "${key}"`,
          call,
          (how) => this.#client.send(new UploadPartCommand(command), how),
        );
        parts[at] = { PartNumber, ETag: sent?.ETag };
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: Math.min(PARTS_AT_ONCE, count) }, lane));
    const failed = lanes.find((each) => each.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return parts;
  }

  /** Looks, then writes under the condition; a server that does not know conditions is written to without. */
  async #conditionally(
    key: string,
    options: PutOptions,
    make: (
      headers: { IfMatch?: string; IfNoneMatch?: string },
    ) => { tried: string; act: (how: How) => Promise<unknown> },
  ): Promise<void> {
    await this.#assertStill(key, options);
    const call = options.signal === undefined ? {} : { signal: options.signal };
    const headers = this.#conditional ? headersOf(options) : {};
    const { tried, act } = make(headers);
    let refused = false;
    await this.#ask(tried, call, act, (error) => {
      const status = statusOf(error);
      if (status === 412 || status === 409) return conditionFailed(key);
      // A condition on what is gone is answered by "not found".
      if (options.ifMatch !== undefined && isMiss(error)) return conditionFailed(key);
      refused = Object.keys(headers).length > 0 && isUnsupported(error);
      return refused
        ? new PivotError("conditions are not supported", { code: "unsupported", kind: "remote" })
        : undefined;
    }).catch(async (error) => {
      if (!refused) throw error;
      this.#conditional = false;
      await this.#ask(tried, call, make({}).act);
    });
  }

  async #assertStill(key: string, options: PutOptions): Promise<void> {
    if (options.ifMatch === undefined && options.ifAbsent !== true) return;
    const now = await this.head(key, options.signal === undefined ? {} : { signal: options.signal });
    if (options.ifAbsent === true ? now !== undefined : now?.etag !== options.ifMatch) throw conditionFailed(key);
  }
}

function headersOf({ ifMatch, ifAbsent }: Condition): { IfMatch?: string; IfNoneMatch?: string } {
  return { ...(ifMatch === undefined ? {} : { IfMatch: ifMatch }), ...(ifAbsent === true ? { IfNoneMatch: "*" } : {}) };
}

function infoOf(
  key: string,
  found: { readonly ETag?: string | undefined; readonly Metadata?: Record<string, string> | undefined },
  size: number,
): ObjectInfo {
  return { key, size, etag: found.ETag ?? "", metadata: found.Metadata ?? {} };
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

async function readPart(source: ObjectSource, range: ByteRange): Promise<Uint8Array> {
  const bytes = new Uint8Array(range.length);
  let at = 0;
  for await (const chunk of source.open(range)) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  if (at === range.length) return bytes;
  throw new PivotError(`the archive has ${at} of ${range.length} bytes at ${range.offset}`, {
    code: "archive-changed",
  });
}
