// Fetches one object into a new file. Invariant: the file is whole and matches its name, its recorded SHA-256 and its size,
// or it is not there.

import { PivotError } from "../core/mod.ts";
import { createHasher, release, removeIfThere } from "../sys/mod.ts";
import { createHash } from "node:crypto";
import type { ObjectInfo } from "./backends/backend.ts";
import { remoteProblem } from "./backends/problems.ts";
import { readExactly } from "./backends/streams.ts";
import { blobKey } from "./keys.ts";
import { partBytesFor, PARTS_ABOVE_BYTES, PARTS_AT_ONCE } from "./limits.ts";
import type { Download, DownloadOutcome, TransferCallOptions } from "./ports.ts";
import type { TransferContext } from "./upload.ts";

/** Fetches a blob into `job.temporary`. */
export async function downloadBlob(
  job: Download,
  context: TransferContext,
  options: TransferCallOptions = {},
): Promise<DownloadOutcome> {
  try {
    const info = job.size > PARTS_ABOVE_BYTES
      ? await fetchInRanges(job, context, options)
      : await fetchWhole(job, context, options);
    return { type: info === undefined ? "missing" : "fetched" };
  } catch (error) {
    removeIfThere(job.temporary);
    throw error;
  }
}

async function fetchWhole(
  job: Download,
  context: TransferContext,
  options: TransferCallOptions,
): Promise<ObjectInfo | undefined> {
  const found = await context.backend.get(blobKey(job.digest), signalOf(options));
  if (found === undefined) return undefined;
  const check = new Check(job, context, found.info);
  if (found.info.size !== job.size) {
    await found.body.cancel();
    throw check.mismatch(`it has ${found.info.size} bytes instead of ${job.size}`);
  }
  using file = Deno.openSync(job.temporary, { write: true, createNew: true });
  for await (const chunk of found.body) {
    options.signal?.throwIfAborted();
    check.take(file, chunk);
    options.onBytes?.(chunk.length);
  }
  check.finish();
  return found.info;
}

async function fetchInRanges(
  job: Download,
  context: TransferContext,
  options: TransferCallOptions,
): Promise<ObjectInfo | undefined> {
  const key = blobKey(job.digest);
  const info = await context.backend.head(key, signalOf(options));
  if (info === undefined) return undefined;
  const check = new Check(job, context, info);
  if (info.size !== job.size) throw check.mismatch(`it has ${info.size} bytes instead of ${job.size}`);
  const partBytes = partBytesFor(job.size);
  const count = Math.ceil(job.size / partBytes);
  using _claim = await context.memory.claim(partBytes * PARTS_AT_ONCE);
  const fetchPart = async (index: number): Promise<Uint8Array> => {
    const range = { start: index * partBytes, end: Math.min(job.size, (index + 1) * partBytes) };
    const found = await context.backend.get(key, { range, ...signalOf(options) });
    const bytes = found === undefined ? undefined : await readExactly(found.body, range.end - range.start);
    if (bytes !== undefined) return bytes;
    throw remoteProblem("interrupted", {
      url: context.backend.url,
      tried: `read "${key}"`,
      said: "it changed meanwhile",
    });
  };
  using file = Deno.openSync(job.temporary, { write: true, createNew: true });
  // Parts arrive in any order and are hashed in theirs: a window of them is under way.
  const window: Promise<Uint8Array>[] = [];
  for (let next = 0; next < count || window.length > 0;) {
    while (next < count && window.length < PARTS_AT_ONCE) window.push(quietly(fetchPart(next++)));
    const bytes = await window.shift();
    options.signal?.throwIfAborted();
    if (bytes === undefined) break;
    const { length } = bytes;
    check.take(file, bytes);
    release(bytes);
    options.onBytes?.(length);
  }
  check.finish();
  return info;
}

/** A promise whose failure may be looked at later. */
function quietly<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => {});
  return promise;
}

/** Hashes bytes on their way to the file. */
class Check {
  readonly #job: Download;
  readonly #url: string;
  readonly #info: ObjectInfo;
  readonly #hasher = createHasher();
  readonly #sha = createHash("sha256");

  constructor(job: Download, context: TransferContext, info: ObjectInfo) {
    this.#job = job;
    this.#url = context.backend.url;
    this.#info = info;
  }

  take(file: Deno.FsFile, bytes: Uint8Array): void {
    this.#hasher.update(bytes);
    this.#sha.update(bytes);
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  }

  finish(): void {
    const digest = this.#hasher.digest();
    if (digest !== this.#job.digest) throw this.mismatch(`its bytes hash to ${digest}`);
    const sha256 = this.#sha.digest("hex");
    if ((this.#info.sha256 ?? sha256) !== sha256) throw this.mismatch("its SHA-256 is not the recorded one");
  }

  mismatch(why: string): PivotError {
    return new PivotError(`${this.#url} holds a wrong "${blobKey(this.#job.digest)}": ${why}`, {
      code: "remote-blob-altered",
      kind: "integrity",
      hint: "nothing of it was kept; delete it there and push it again from a machine that has it",
      data: { digest: this.#job.digest },
    });
  }
}

function signalOf(options: TransferCallOptions): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
