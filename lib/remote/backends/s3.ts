// S3 and what speaks like it, through the AWS library. Invariants: an upload carries the SHA-256 of its bytes, so the server refuses
// what changed on its way; a conditional put never overwrites, on servers that ignore the condition as far as a HEAD can see.

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { isSha256 } from "../../core/mod.ts";
import type { Backend, CallOptions, GetOptions, ObjectBody, ObjectInfo, PartUploads, PutOptions } from "./backend.ts";
import { measured } from "./measured.ts";
import { remoteProblem } from "./problems.ts";
import { createS3Client, type S3ClientOptions, type S3Place } from "./s3_client.ts";
import { s3Parts } from "./s3_parts.ts";
import { isMiss, isUnsupported, s3Problem, statusOf } from "./s3_problems.ts";
import { streamOf } from "./streams.ts";

const PROBE_BYTES = 64 * 1024;

/** A bucket, or a prefix in one. @param url As shown to people, without credentials. */
export function s3Backend(place: S3Place, options: S3ClientOptions & { readonly url: string }): Backend {
  return new S3Backend(place, options);
}

class S3Backend implements Backend {
  readonly url: string;
  readonly parts: PartUploads;
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #prefix: string;
  /** AWS is known to honour conditions; of others it is learnt from the first small put. */
  #conditions: "unknown" | "honoured" | "ignored" | "refused";

  constructor(place: S3Place, options: S3ClientOptions & { readonly url: string }) {
    this.url = options.url;
    this.#client = createS3Client(place, options);
    this.#bucket = place.bucket;
    this.#prefix = place.prefix === "" ? "" : `${place.prefix}/`;
    this.#conditions = place.scheme === "gcs" ? "refused" : place.endpoint === undefined ? "honoured" : "unknown";
    this.parts = s3Parts({
      url: this.url,
      client: this.#client,
      bucket: this.#bucket,
      prefix: this.#prefix,
      exists: async (key, call) => (await this.head(key, call)) !== undefined,
      conditional: () => this.#conditions !== "refused",
    });
  }

  #name(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: this.#prefix + key };
  }

  async #call<Value>(tried: string, call: CallOptions, act: (how: { abortSignal?: AbortSignal }) => Promise<Value>) {
    call.signal?.throwIfAborted();
    try {
      return await act(call.signal === undefined ? {} : { abortSignal: call.signal });
    } catch (error) {
      call.signal?.throwIfAborted();
      throw error instanceof Error && "retry" in error ? error : new Unexplained(error, tried);
    }
  }

  /** Runs a call; a miss is `undefined`, any other failure one of ours. */
  async #ask<Value>(tried: string, call: CallOptions, act: (how: { abortSignal?: AbortSignal }) => Promise<Value>) {
    try {
      return await this.#call(tried, call, act);
    } catch (error) {
      if (!(error instanceof Unexplained)) throw error;
      if (isMiss(error.cause)) return undefined;
      throw s3Problem(error.cause, { url: this.url, tried });
    }
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    const found = await this.#ask(
      `look at "${key}"`,
      options,
      (how) =>
        this.#client.send(new HeadObjectCommand(this.#name(key)), how).catch((error) => this.#why(key, error, how)),
    );
    return found === undefined ? undefined : infoFrom(key, found, found.ContentLength ?? 0);
  }

  /** An answer to HEAD has no body, so that it cannot say why it refuses: a GET of one byte is told. */
  async #why(key: string, error: unknown, how: { abortSignal?: AbortSignal }): Promise<never> {
    const status = statusOf(error);
    if (status === 400 || status === 403) {
      const { Body } = await this.#client.send(new GetObjectCommand({ ...this.#name(key), Range: "bytes=0-0" }), how);
      (Body as unknown as { destroy(): void } | undefined)?.destroy();
    }
    throw error;
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    const { range } = options;
    if (range !== undefined && range.start === range.end) {
      const info = await this.head(key, options);
      return info === undefined ? undefined : { info, body: streamOf(new Uint8Array()) };
    }
    const tried = `read "${key}"`;
    const found = await this.#ask(tried, options, (how) =>
      this.#client.send(
        new GetObjectCommand({
          ...this.#name(key),
          ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
        }),
        how,
      ));
    if (found === undefined) return undefined;
    const whole = Number(/\/(\d+)$/.exec(found.ContentRange ?? "")?.[1] ?? found.ContentLength ?? 0);
    const length = range === undefined ? whole : range.end - range.start;
    const source = found.Body as unknown as AsyncIterable<Uint8Array> & { destroy(): void };
    if (range !== undefined && found.ContentLength !== length) {
      source.destroy();
      throw remoteProblem("refused", {
        url: this.url,
        tried,
        said: `${found.ContentLength} bytes for a range of ${length}`,
      });
    }
    const body = measured(source, { length, url: this.url, tried, ...options });
    return { info: infoFrom(key, found, whole), body };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<"stored" | "exists"> {
    if (options.ifAbsent !== true) return await this.#send(key, bytes, { ...options, condition: false });
    const conditions = this.#conditions;
    if (conditions !== "honoured" && await this.head(key, options) !== undefined) return "exists";
    const done = await this.#send(key, bytes, { ...options, condition: conditions !== "refused" });
    if (conditions === "unknown" && done === "stored" && bytes.length <= PROBE_BYTES) {
      // The same bytes again: harmless, and the answer tells whether the server honours conditions.
      const again = await this.#send(key, bytes, { ...options, condition: true });
      this.#conditions = again === "exists" ? "honoured" : "ignored";
    }
    return done;
  }

  async #send(
    key: string,
    bytes: Uint8Array,
    options: PutOptions & { condition: boolean },
  ): Promise<"stored" | "exists"> {
    const tried = `write "${key}"`;
    try {
      await this.#call(tried, options, (how) =>
        this.#client.send(
          new PutObjectCommand({
            ...this.#name(key),
            Body: bytes,
            ContentLength: bytes.length,
            ChecksumSHA256: Uint8Array.fromHex(options.sha256).toBase64(),
            Metadata: { "pivot-sha256": options.sha256 },
            ...(options.condition ? { IfNoneMatch: "*" } : {}),
          }),
          how,
        ));
      return "stored";
    } catch (error) {
      if (!(error instanceof Unexplained)) throw error;
      const status = statusOf(error.cause);
      if (options.condition && (status === 412 || status === 409)) return "exists";
      if (options.condition && isUnsupported(error.cause)) {
        this.#conditions = "refused";
        return await this.put(key, bytes, options);
      }
      throw s3Problem(error.cause, { url: this.url, tried });
    }
  }

  async *list(prefix: string, options: CallOptions & { after?: string } = {}): AsyncGenerator<ObjectInfo> {
    let token: string | undefined;
    do {
      const tried = `list "${prefix}"`;
      const from = token;
      const page = await this.#ask(tried, options, (how) =>
        this.#client.send(
          new ListObjectsV2Command({
            Bucket: this.#bucket,
            Prefix: this.#prefix + prefix,
            ...(from !== undefined ? { ContinuationToken: from } : {}),
            ...(from === undefined && options.after !== undefined ? { StartAfter: this.#prefix + options.after } : {}),
          }),
          how,
        ));
      if (page === undefined) throw remoteProblem("no-bucket", { url: this.url, tried, status: 404 });
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key === undefined || Key.endsWith("/")) continue;
        yield { key: Key.slice(this.#prefix.length), size: Size ?? 0, modifiedMs: LastModified?.getTime() ?? 0 };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    await this.#ask(
      `delete "${key}"`,
      options,
      (how) => this.#client.send(new DeleteObjectCommand(this.#name(key)), how),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }
}

/** Carries what the library threw from the call to where it is judged. */
class Unexplained extends Error {
  constructor(cause: unknown, tried: string) {
    super(tried, { cause });
  }
}

interface Described {
  readonly LastModified?: Date | undefined;
  readonly Metadata?: Record<string, string> | undefined;
}

function infoFrom(key: string, found: Described, size: number): ObjectInfo {
  const sha256 = found.Metadata?.["pivot-sha256"];
  const modifiedMs = found.LastModified?.getTime() ?? 0;
  return { key, size, modifiedMs, ...(isSha256(sha256) ? { sha256 } : {}) };
}
