// Large objects on Azure: blocks, made visible as one blob by a list of their names. Invariant: blocks belong to the blob that they were
// sent for, and the service throws away those that no list names within a week; so there is nothing to abort, and nothing to list.

import type { ContainerClient } from "@azure/storage-blob";
import { createHash } from "node:crypto";
import { isSha256, type Sha256 } from "../../core/mod.ts";
import { azureProblem, statusOf } from "./azure_problems.ts";
import type { CallOptions, PartUpload, PartUploads, UploadedPart } from "./backend.ts";

/** Block names of one blob have one length. */
const NUMBER_DIGITS = 6;

/** The hash that the service compares with what arrived. */
export function md5Of(bytes: Uint8Array): { readonly transactionalContentMD5: Uint8Array } {
  return { transactionalContentMD5: createHash("md5").update(bytes).digest() };
}

/** Uploads in blocks. */
export class AzureParts implements PartUploads {
  readonly #container: ContainerClient;
  readonly #prefix: string;
  readonly #url: string;

  /** Works in a container, below a prefix. */
  constructor(container: ContainerClient, place: { readonly prefix: string; readonly url: string }) {
    this.#container = container;
    this.#prefix = place.prefix;
    this.#url = place.url;
  }

  /** Asks nothing: the first block begins an upload. Its id carries the SHA-256 to the end. */
  begin(key: string, options: CallOptions & { readonly sha256: Sha256; readonly size: number }): Promise<PartUpload> {
    options.signal?.throwIfAborted();
    return Promise.resolve({ key, id: `${crypto.randomUUID()} ${options.sha256}`, startedMs: Date.now() });
  }

  async send(
    upload: PartUpload,
    part: { readonly number: number; readonly bytes: Uint8Array },
    options: CallOptions = {},
  ): Promise<UploadedPart> {
    const { number, bytes } = part;
    await this.#ask(
      `write part ${number} of "${upload.key}"`,
      options,
      (how) => this.#blob(upload).stageBlock(blockId(upload, number), bytes, bytes.length, { ...how, ...md5Of(bytes) }),
    );
    return { number, tag: "", size: bytes.length };
  }

  async complete(
    upload: PartUpload,
    parts: readonly UploadedPart[],
    options: CallOptions,
  ): Promise<"stored" | "exists"> {
    const sha256 = upload.id.split(" ")[1];
    const ids = parts.map(({ number }) => blockId(upload, number));
    return await this.#ask(`write "${upload.key}"`, options, async (how) => {
      try {
        await this.#blob(upload).commitBlockList(ids, {
          ...how,
          conditions: { ifNoneMatch: "*" },
          ...(isSha256(sha256) ? { metadata: { pivotsha256: sha256 } } : {}),
        });
        return "stored";
      } catch (error) {
        if (statusOf(error) === 409 || statusOf(error) === 412) return "exists";
        // Another upload of the same blob was made visible, and took our blocks with it.
        if (statusOf(error) === 400 && await this.#isThere(upload, how)) return "exists";
        throw error;
      }
    });
  }

  abort(_upload: PartUpload, options: CallOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    return Promise.resolve();
  }

  list(_prefix: string, options: CallOptions = {}): Promise<readonly PartUpload[]> {
    options.signal?.throwIfAborted();
    return Promise.resolve([]);
  }

  sent(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  #blob({ key }: PartUpload) {
    return this.#container.getBlockBlobClient(this.#prefix + key);
  }

  async #isThere(upload: PartUpload, how: { abortSignal?: AbortSignal }): Promise<boolean> {
    return await this.#blob(upload).exists(how);
  }

  async #ask<Value>(
    tried: string,
    call: CallOptions,
    act: (how: { abortSignal?: AbortSignal }) => Promise<Value>,
  ): Promise<Value> {
    call.signal?.throwIfAborted();
    try {
      return await act(call.signal === undefined ? {} : { abortSignal: call.signal });
    } catch (error) {
      call.signal?.throwIfAborted();
      throw azureProblem(error, this.#url, tried);
    }
  }
}

function blockId(upload: PartUpload, number: number): string {
  const [uuid = ""] = upload.id.split(" ");
  return btoa(`${uuid}-${String(number).padStart(NUMBER_DIGITS, "0")}`);
}
