// Uploads in parts over S3. Invariant: the condition goes with the completion, so that two pushes of one blob end with one object.

import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { createHash } from "node:crypto";
import type { CallOptions, PartUpload, PartUploads, UploadedPart } from "./backend.ts";
import { remoteProblem } from "./problems.ts";
import { isMiss, isUnsupported, s3Problem, statusOf } from "./s3_problems.ts";

/** What uploads need of their backend. */
export interface S3PartsOptions {
  readonly url: string;
  readonly client: S3Client;
  readonly bucket: string;
  readonly prefix: string;
  exists(key: string, call: CallOptions): Promise<boolean>;
  conditional(): boolean;
}

/** Uploads in parts to a bucket. */
export function s3Parts(options: S3PartsOptions): PartUploads {
  const { url, client, bucket, prefix } = options;
  const named = (upload: PartUpload) => ({ Bucket: bucket, Key: prefix + upload.key, UploadId: upload.id });

  /** Runs a call; what `expected` takes is `undefined`, any other failure one of ours. */
  async function ask<Value>(
    about: { tried: string; call: CallOptions; expected?: (error: unknown) => boolean },
    act: (how: { abortSignal?: AbortSignal }) => Promise<Value>,
  ): Promise<Value | undefined> {
    const { signal } = about.call;
    signal?.throwIfAborted();
    try {
      return await act(signal === undefined ? {} : { abortSignal: signal });
    } catch (error) {
      signal?.throwIfAborted();
      if (about.expected?.(error) === true) return undefined;
      throw s3Problem(error, { url, tried: about.tried });
    }
  }

  const isGone = (error: unknown) => isMiss(error) || (error as Error).name === "NoSuchUpload";

  return {
    async begin(key, call) {
      const tried = `begin "${key}"`;
      const command = new CreateMultipartUploadCommand({
        Bucket: bucket,
        Key: prefix + key,
        Metadata: { "pivot-sha256": call.sha256 },
      });
      const begun = await ask({ tried, call }, (how) => client.send(command, how));
      if (begun?.UploadId === undefined) throw remoteProblem("refused", { url, tried, said: "no upload id came back" });
      return { key, id: begun.UploadId, startedMs: Date.now() };
    },

    async send(upload, { number, bytes }, call = {}): Promise<UploadedPart> {
      const tried = `write part ${number} of "${upload.key}"`;
      const ContentMD5 = createHash("md5").update(bytes).digest("base64");
      const command = new UploadPartCommand({ ...named(upload), PartNumber: number, Body: bytes, ContentMD5 });
      const sent = await ask({ tried, call }, (how) => client.send(command, how));
      if (sent?.ETag === undefined) throw remoteProblem("refused", { url, tried, said: "no tag came back" });
      return { number, tag: sent.ETag, size: bytes.length };
    },

    async complete(upload, parts, call) {
      const tried = `write "${upload.key}"`;
      if (await options.exists(upload.key, call)) {
        await this.abort(upload);
        return "exists";
      }
      const Parts = parts.map(({ number, tag }) => ({ PartNumber: number, ETag: tag }));
      const command = new CompleteMultipartUploadCommand({
        ...named(upload),
        MultipartUpload: { Parts },
        ...(options.conditional() ? { IfNoneMatch: "*" } : {}),
      });
      const done = await ask(
        { tried, call, expected: (error) => isGone(error) || statusOf(error) === 412 || statusOf(error) === 409 },
        (how) => client.send(command, how),
      );
      if (done !== undefined) return "stored";
      // The answer to an earlier try may have been lost, or another push was first: the object tells.
      if (await options.exists(upload.key, call)) {
        await this.abort(upload);
        return "exists";
      }
      throw remoteProblem("interrupted", { url, tried, said: "the upload is gone" });
    },

    async abort(upload, call = {}) {
      const command = new AbortMultipartUploadCommand(named(upload));
      const expected = (error: unknown) => isGone(error) || isUnsupported(error);
      await ask({ tried: `give up "${upload.key}"`, call, expected }, (how) => client.send(command, how));
    },

    async list(below, call = {}) {
      const command = new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix + below });
      const expected = (error: unknown) => isUnsupported(error) || isMiss(error);
      const found = await ask({ tried: "list unfinished uploads", call, expected }, (how) => client.send(command, how));
      return (found?.Uploads ?? []).flatMap(({ Key, UploadId, Initiated }) =>
        Key === undefined || UploadId === undefined
          ? []
          : [{ key: Key.slice(prefix.length), id: UploadId, startedMs: Initiated?.getTime() ?? 0 }]
      );
    },

    async sent(upload, call = {}) {
      const tried = `look at the parts of "${upload.key}"`;
      const expected = (error: unknown) => isGone(error) || isUnsupported(error);
      const found = await ask(
        { tried, call, expected },
        (how) => client.send(new ListPartsCommand(named(upload)), how),
      );
      if (found === undefined || found.IsTruncated === true) return undefined;
      return (found.Parts ?? []).map(({ PartNumber, ETag, Size }) => ({
        number: PartNumber ?? 0,
        tag: (ETag ?? "").replaceAll('"', ""),
        size: Size ?? 0,
      }));
    },
  };
}
