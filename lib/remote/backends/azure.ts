// Azure Blob Storage through its own library. Credentials: `AZURE_STORAGE_CONNECTION_STRING`, or `AZURE_STORAGE_ACCOUNT` with
// `AZURE_STORAGE_KEY` or `AZURE_STORAGE_SAS_TOKEN`. Invariant: conditional writes are the service's own.

import {
  BlobServiceClient,
  type ContainerClient,
  StorageRetryPolicyType,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { isSha256, messageOf, type Sha256 } from "../../core/mod.ts";
import { AzureParts, md5Of } from "./azure_parts.ts";
import { azureProblem, codeOf, statusOf } from "./azure_problems.ts";
import type { Backend, CallOptions, GetOptions, ObjectBody, ObjectInfo, PartUploads, PutOptions } from "./backend.ts";
import { remoteProblem } from "./problems.ts";
import { streamOf } from "./streams.ts";

/** Where a container is. */
export interface AzurePlace {
  readonly bucket: string;
  readonly prefix: string;
  /** Address of the account, for servers other than Azure. */
  readonly endpoint?: string;
}

/** A container, or a prefix in one. */
export function azureBackend(place: AzurePlace, options: { readonly url: string }): Backend {
  return new AzureBackend(place, options.url);
}

const PIPELINE = { retryOptions: { maxTries: 1, retryPolicyType: StorageRetryPolicyType.FIXED } };

function serviceFor(place: AzurePlace, url: string): BlobServiceClient {
  const connection = Deno.env.get("AZURE_STORAGE_CONNECTION_STRING");
  if (connection !== undefined) return BlobServiceClient.fromConnectionString(connection, PIPELINE);
  const account = Deno.env.get("AZURE_STORAGE_ACCOUNT");
  const key = Deno.env.get("AZURE_STORAGE_KEY");
  const sas = Deno.env.get("AZURE_STORAGE_SAS_TOKEN");
  const address = place.endpoint ?? `https://${account}.blob.core.windows.net`;
  if (account !== undefined && key !== undefined) {
    return new BlobServiceClient(address, new StorageSharedKeyCredential(account, key), PIPELINE);
  }
  if (account !== undefined && sas !== undefined) {
    return new BlobServiceClient(`${address}?${sas.replace(/^\?/, "")}`, undefined, PIPELINE);
  }
  throw remoteProblem("no-credentials", {
    url,
    tried: "log in",
    said: "neither AZURE_STORAGE_CONNECTION_STRING nor AZURE_STORAGE_ACCOUNT with a key or SAS token is set",
  });
}

class AzureBackend implements Backend {
  readonly url: string;
  readonly parts: PartUploads;
  readonly #container: ContainerClient;
  readonly #prefix: string;

  constructor(place: AzurePlace, url: string) {
    this.url = url;
    this.#container = serviceFor(place, url).getContainerClient(place.bucket);
    this.#prefix = place.prefix === "" ? "" : `${place.prefix}/`;
    this.parts = new AzureParts(this.#container, { prefix: this.#prefix, url });
  }

  async #ask<Value>(tried: string, call: CallOptions, act: (how: { abortSignal?: AbortSignal }) => Promise<Value>) {
    call.signal?.throwIfAborted();
    try {
      return await act(call.signal === undefined ? {} : { abortSignal: call.signal });
    } catch (error) {
      call.signal?.throwIfAborted();
      if (codeOf(error) === "BlobNotFound" || (codeOf(error) === "" && statusOf(error) === 404)) return undefined;
      throw azureProblem(error, this.url, tried);
    }
  }

  async head(key: string, options: CallOptions = {}): Promise<ObjectInfo | undefined> {
    const blob = this.#container.getBlobClient(this.#prefix + key);
    const found = await this.#ask(`look at "${key}"`, options, (how) => blob.getProperties(how));
    return found === undefined ? undefined : infoFrom(key, found, found.contentLength ?? 0);
  }

  async get(key: string, options: GetOptions = {}): Promise<ObjectBody | undefined> {
    const { range } = options;
    if (range !== undefined && range.start === range.end) {
      const info = await this.head(key, options);
      return info === undefined ? undefined : { info, body: streamOf(new Uint8Array()) };
    }
    const blob = this.#container.getBlobClient(this.#prefix + key);
    const count = range === undefined ? undefined : range.end - range.start;
    const tried = `read "${key}"`;
    // The caller's retry goes on at the byte where a body broke; the library's own would hide it.
    const found = await this.#ask(
      tried,
      options,
      (how) => blob.download(range?.start ?? 0, count, { ...how, maxRetryRequests: 0 }),
    );
    if (found === undefined) return undefined;
    const whole = Number(/\/(\d+)$/.exec(found.contentRange ?? "")?.[1] ?? found.contentLength ?? 0);
    const source = found.readableStreamBody;
    const body = source === undefined
      ? streamOf(new Uint8Array())
      : this.#body(Readable.from(source), tried, options.signal);
    return { info: infoFrom(key, found, whole), body };
  }

  #body(source: Readable, tried: string, signal: AbortSignal | undefined): ReadableStream<Uint8Array> {
    const chunks: AsyncIterator<Uint8Array> = source[Symbol.asyncIterator]();
    return new ReadableStream({
      pull: async (controller) => {
        try {
          const next = await chunks.next();
          if (next.done === true) controller.close();
          else controller.enqueue(next.value);
        } catch (error) {
          signal?.throwIfAborted();
          throw remoteProblem("interrupted", { url: this.url, tried, said: messageOf(error) });
        }
      },
      cancel: () => void source.destroy(),
    }, { highWaterMark: 0 });
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions): Promise<"stored" | "exists"> {
    const blob = this.#container.getBlockBlobClient(this.#prefix + key);
    const tried = `write "${key}"`;
    this.#check(bytes, options.sha256, tried);
    options.signal?.throwIfAborted();
    try {
      await blob.upload(bytes, bytes.length, {
        metadata: { pivotsha256: options.sha256 },
        ...md5Of(bytes),
        ...(options.ifAbsent === true ? { conditions: { ifNoneMatch: "*" } } : {}),
        ...(options.signal === undefined ? {} : { abortSignal: options.signal }),
      });
      return "stored";
    } catch (error) {
      options.signal?.throwIfAborted();
      if (options.ifAbsent === true && (statusOf(error) === 409 || statusOf(error) === 412)) return "exists";
      throw azureProblem(error, this.url, tried);
    }
  }

  #check(bytes: Uint8Array, sha256: Sha256, tried: string): void {
    // The service knows MD5 alone; what was handed in is checked here.
    if (createHash("sha256").update(bytes).digest("hex") === sha256) return;
    throw remoteProblem("bad-checksum", { url: this.url, tried });
  }

  async *list(prefix: string, options: CallOptions & { after?: string } = {}): AsyncGenerator<ObjectInfo> {
    const tried = `list "${prefix}"`;
    options.signal?.throwIfAborted();
    const how = options.signal === undefined ? {} : { abortSignal: options.signal };
    try {
      for await (const item of this.#container.listBlobsFlat({ ...how, prefix: this.#prefix + prefix })) {
        const key = item.name.slice(this.#prefix.length);
        if (key <= (options.after ?? "")) continue;
        const { contentLength, lastModified } = item.properties;
        yield { key, size: contentLength ?? 0, modifiedMs: lastModified.getTime() };
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      throw azureProblem(error, this.url, tried);
    }
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const blob = this.#container.getBlobClient(this.#prefix + key);
    await this.#ask(`delete "${key}"`, options, (how) => blob.deleteIfExists(how));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

interface Described {
  readonly lastModified?: Date;
  readonly metadata?: Record<string, string>;
}

function infoFrom(key: string, found: Described, size: number): ObjectInfo {
  const sha256 = found.metadata?.["pivotsha256"];
  return { key, size, modifiedMs: found.lastModified?.getTime() ?? 0, ...(isSha256(sha256) ? { sha256 } : {}) };
}
