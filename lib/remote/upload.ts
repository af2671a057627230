// Sends one object. Invariants: bytes are hashed before the object becomes visible, and what does not match its name is not sent;
// an object of that name with another SHA-256 is an error; a cancelled upload leaves no parts behind.

import { assert, type Sha256 } from "../core/mod.ts";
import { createHasher, delay, hashBytes, release, statPath } from "../sys/mod.ts";
import { createHash } from "node:crypto";
import type { Backend, PartUpload, PartUploads, UploadedPart } from "./backends/backend.ts";
import { contentConflict } from "./backends/problems.ts";
import { eachBounded } from "./bounded.ts";
import type { ByteBudget } from "./budget.ts";
import { blobKey } from "./keys.ts";
import { partBytesFor, PARTS_ABOVE_BYTES, PARTS_AT_ONCE } from "./limits.ts";
import type { TransferCallOptions, Upload, UploadOutcome } from "./ports.ts";

/** What a transfer works with. */
export interface TransferContext {
  readonly backend: Backend;
  readonly memory: ByteBudget;
}

/** Sends the file of a blob. */
export async function uploadBlob(
  job: Upload,
  context: TransferContext,
  options: TransferCallOptions = {},
): Promise<UploadOutcome> {
  options.signal?.throwIfAborted();
  if (statPath(job.path)?.size !== job.size) return { type: "altered" };
  const { parts } = context.backend;
  if (job.size > PARTS_ABOVE_BYTES && parts !== undefined) {
    return await sendInParts(job, { ...context, parts }, options);
  }
  return await sendWhole(job, context, options);
}

async function sendWhole(job: Upload, context: TransferContext, options: TransferCallOptions): Promise<UploadOutcome> {
  using _claim = await context.memory.claim(job.size);
  options.signal?.throwIfAborted();
  const bytes = Deno.readFileSync(job.path);
  if (hashBytes(bytes) !== job.digest) return { type: "altered" };
  const sha256 = createHash("sha256").update(bytes).digest("hex") as Sha256;
  const done = await context.backend.put(blobKey(job.digest), bytes, { sha256, ifAbsent: true, ...signalOf(options) });
  if (done === "stored") options.onBytes?.(job.size);
  return await settled(done, { job, sha256, context, options });
}

/** How often, and how far apart, another content is looked at before it is called a conflict. */
const CONFLICT_LOOKS = 4;
const CONFLICT_PAUSE_MS = 150;

interface Settling {
  readonly job: Upload;
  readonly sha256: Sha256;
  readonly context: TransferContext;
  readonly options: TransferCallOptions;
}

async function settled(done: "stored" | "exists", about: Settling): Promise<UploadOutcome> {
  const { job, sha256, context, options } = about;
  if (done === "stored") return { type: "stored", sha256 };
  const key = blobKey(job.digest);
  for (let look = 1;; look++) {
    const there = await context.backend.head(key, signalOf(options));
    if (there === undefined || (there.size === job.size && (there.sha256 ?? sha256) === sha256)) break;
    // Some servers show an object while another upload is still writing it: a conflict is one that stays.
    if (look === CONFLICT_LOOKS) throw contentConflict(context.backend.url, key);
    await delay(CONFLICT_PAUSE_MS * look, options.signal);
  }
  return { type: "same", sha256 };
}

async function sendInParts(
  job: Upload,
  context: TransferContext & { readonly parts: PartUploads },
  options: TransferCallOptions,
): Promise<UploadOutcome> {
  const hashes = await hashBoth(job.path, options.signal);
  if (hashes.digest !== job.digest) return { type: "altered" };
  const { sha256 } = hashes;
  const key = blobKey(job.digest);
  if (await context.backend.head(key, signalOf(options)) !== undefined) {
    return await settled("exists", { job, sha256, context, options });
  }
  const resumed = await findResumable(job, context.parts, options);
  const upload = resumed?.upload ??
    await context.parts.begin(key, { sha256, size: job.size, ...signalOf(options) });
  try {
    const sent = await sendParts(job, { ...context, upload, known: resumed?.sent ?? [] }, options);
    // The file may have changed since it was hashed: what was sent is what is on the disk now.
    if ((await hashBoth(job.path, options.signal)).sha256 !== sha256) {
      await context.parts.abort(upload);
      return { type: "altered" };
    }
    const done = await context.parts.complete(upload, sent, signalOf(options));
    return await settled(done, { job, sha256, context, options });
  } catch (error) {
    // After a cancel nothing is to stay; after a failure the parts wait to be resumed.
    if (options.signal?.aborted) await context.parts.abort(upload).catch(() => undefined);
    throw error;
  }
}

interface Sending extends TransferContext {
  readonly parts: PartUploads;
  readonly upload: PartUpload;
  readonly known: readonly UploadedPart[];
}

async function sendParts(job: Upload, sending: Sending, options: TransferCallOptions): Promise<UploadedPart[]> {
  const partBytes = partBytesFor(job.size);
  const done = new Map(sending.known.map((part) => [part.number, part]));
  for (const part of sending.known) options.onBytes?.(part.size);
  const numbers = Array.from({ length: Math.ceil(job.size / partBytes) }, (_, index) => index + 1);
  await eachBounded(numbers.filter((number) => !done.has(number)), PARTS_AT_ONCE, async (number) => {
    options.signal?.throwIfAborted();
    const start = (number - 1) * partBytes;
    const length = Math.min(partBytes, job.size - start);
    using _claim = await sending.memory.claim(length);
    const bytes = readPart(job.path, start, length);
    done.set(number, await sending.parts.send(sending.upload, { number, bytes }, signalOf(options)));
    release(bytes);
    options.onBytes?.(length);
  });
  return numbers.map((number) => {
    const part = done.get(number);
    assert(part !== undefined, `part ${number} was sent`);
    return part;
  });
}

/** An upload of these very bytes that broke off: every part that arrived has the MD5 of ours. */
async function findResumable(
  job: Upload,
  parts: PartUploads,
  options: TransferCallOptions,
): Promise<{ upload: PartUpload; sent: readonly UploadedPart[] } | undefined> {
  const key = blobKey(job.digest);
  const found = (await parts.list(key, signalOf(options))).filter((upload) => upload.key === key);
  for (const upload of found.sort((a, b) => b.startedMs - a.startedMs)) {
    const sent = await parts.sent(upload, signalOf(options));
    if (sent !== undefined && sent.length > 0 && sent.every((part) => isOurs(job, part))) return { upload, sent };
  }
  return undefined;
}

function isOurs(job: Upload, part: UploadedPart): boolean {
  const partBytes = partBytesFor(job.size);
  const start = (part.number - 1) * partBytes;
  const length = Math.min(partBytes, job.size - start);
  if (length !== part.size) return false;
  return createHash("md5").update(readPart(job.path, start, length)).digest("hex") === part.tag;
}

function readPart(path: string, start: number, length: number): Uint8Array {
  using file = Deno.openSync(path);
  file.seekSync(start, Deno.SeekMode.Start);
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) return bytes.subarray(0, filled);
    filled += count;
  }
  return bytes;
}

/** Bytes hashed, in tens of milliseconds, before a cancel is looked for. */
const HASH_TURN_BYTES = 32 * 1024 * 1024;

/** Both hashes of a file, in one pass. */
async function hashBoth(path: string, signal?: AbortSignal): Promise<{ digest: string; sha256: Sha256 }> {
  using file = Deno.openSync(path);
  const [hasher, sha] = [createHasher(), createHash("sha256")];
  const buffer = new Uint8Array(1024 * 1024);
  let turn = 0;
  for (let count = file.readSync(buffer); count !== null; count = file.readSync(buffer)) {
    turn += count;
    if (turn >= HASH_TURN_BYTES) {
      turn = 0;
      // Only between tasks does a worker hear of a cancel.
      await delay(0);
    }
    signal?.throwIfAborted();
    hasher.update(buffer.subarray(0, count));
    sha.update(buffer.subarray(0, count));
  }
  return { digest: hasher.digest(), sha256: sha.digest("hex") as Sha256 };
}

function signalOf(options: TransferCallOptions): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
