// The run cache on a remote: one small object per input digest, `runs/ab/cdef….json`. Invariants: an entry is written only after the
// blobs that it names are there, and is never replaced; it names each blob with the size and SHA-256 that the remote had for it then,
// and one whose blobs are not these very blobs any more, or that cannot be read, is a miss.

import { type Digest, isDigest, isJsonObject, isSha256, type Json, PivotError, type Sha256 } from "../core/mod.ts";
import { createHash } from "node:crypto";
import type { Backend, ObjectInfo } from "./backends/backend.ts";
import { readUpTo } from "./backends/streams.ts";
import { eachBounded } from "./bounded.ts";
import { blobKey, runKey } from "./keys.ts";
import { DEFAULT_JOBS } from "./limits.ts";
import type { BlobRequest } from "./ports.ts";

/** Version of the format; a reader leaves others alone. */
const VERSION = 1;
const MAX_BYTES = 16 * 1024 * 1024;

/** One entry: what some inputs led to. */
export interface SharedRun {
  /** xxhash64 of the inputs. */
  readonly input: Digest;
  /** The entry as the local run cache keeps it. */
  readonly entry: Json;
  /** Every blob that the entry names. */
  readonly blobs: readonly BlobRequest[];
}

/** Options of both acts. */
export interface SharedRunOptions {
  /** Cancels it; rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Requests at once. @default 20 */
  readonly jobs?: number;
  /** What was asked of the remote before, for acts on many entries that name the same blobs. */
  readonly seen?: Map<Digest, ObjectInfo | undefined>;
}

/**
 * Shares an entry.
 *
 * @returns `incomplete` if the remote lacks a blob that it names: push blobs first.
 */
export async function pushRun(
  backend: Backend,
  run: SharedRun,
  options: SharedRunOptions = {},
): Promise<"stored" | "exists" | "incomplete"> {
  const infos = await lookUp(backend, run.blobs, options);
  const blobs: Record<string, Json> = {};
  for (const { digest, size } of run.blobs) {
    const info = infos.get(digest);
    if (info?.size !== size) return "incomplete";
    blobs[digest] = { size, sha256: info.sha256 ?? null };
  }
  const bytes = new TextEncoder().encode(
    JSON.stringify({ version: VERSION, input: run.input, entry: run.entry, blobs }),
  );
  const sha256 = createHash("sha256").update(bytes).digest("hex") as Sha256;
  return await backend.put(runKey(run.input), bytes, { ...signalOf(options), sha256, ifAbsent: true });
}

/**
 * Looks up an entry by input digest. It is given only if the remote has every blob that it names as it was when it was shared.
 *
 * @throws {PivotError} of kind `remote` if the remote cannot be asked; `remote-run-altered` for an entry whose bytes are not those
 *   that were written.
 */
export async function pullRun(
  backend: Backend,
  input: Digest,
  options: SharedRunOptions = {},
): Promise<SharedRun | undefined> {
  const found = await backend.get(runKey(input), signalOf(options));
  if (found === undefined) return undefined;
  const bytes = await readUpTo(found.body, MAX_BYTES);
  if (bytes === undefined) return undefined;
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  if ((found.info.sha256 ?? sha256) !== sha256) {
    throw new PivotError(`${backend.url} holds an altered "${runKey(input)}"`, {
      code: "remote-run-altered",
      kind: "integrity",
      hint: "delete it there; the stage's next push writes it again",
    });
  }
  const read = entryOf(bytes, input);
  if (read === undefined) return undefined;
  const infos = await lookUp(backend, read.blobs, options);
  const whole = read.blobs.every(({ digest, size, sha256 }) => {
    const info = infos.get(digest);
    return info?.size === size && (info.sha256 ?? null) === sha256;
  });
  if (!whole) return undefined;
  return { input, entry: read.entry, blobs: read.blobs.map(({ digest, size }) => ({ digest, size, label: digest })) };
}

/** The blobs that an entry names, read from the remote as it stands. Undefined for what is no entry. */
export async function blobsOfRun(
  backend: Backend,
  key: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<ReadonlySet<Digest> | undefined> {
  const found = await backend.get(key, signalOf(options));
  const bytes = found === undefined ? undefined : await readUpTo(found.body, MAX_BYTES);
  const read = bytes === undefined ? undefined : entryOf(bytes, undefined);
  return read === undefined ? undefined : new Set(read.blobs.map(({ digest }) => digest));
}

async function lookUp(
  backend: Backend,
  blobs: readonly BlobRequest[],
  options: SharedRunOptions,
): Promise<ReadonlyMap<Digest, ObjectInfo | undefined>> {
  const seen = options.seen ?? new Map<Digest, ObjectInfo | undefined>();
  const unknown = [...new Set(blobs.map(({ digest }) => digest))].filter((digest) => !seen.has(digest));
  await eachBounded(unknown, options.jobs ?? DEFAULT_JOBS, async (digest) => {
    seen.set(digest, await backend.head(blobKey(digest), signalOf(options)));
  });
  return seen;
}

interface SharedBlob extends BlobRequest {
  readonly sha256: Sha256 | null;
}

/** @param input What the entry must be for; undefined = whatever it says. */
function entryOf(bytes: Uint8Array, input: Digest | undefined): { entry: Json; blobs: SharedBlob[] } | undefined {
  const value = parsed(bytes);
  if (!isJsonObject(value) || value.version !== VERSION || !isJsonObject(value.blobs)) return undefined;
  if (value.entry === undefined || (input !== undefined && value.input !== input)) return undefined;
  const blobs: SharedBlob[] = [];
  for (const [digest, about] of Object.entries(value.blobs)) {
    if (!isDigest(digest) || !isJsonObject(about)) return undefined;
    const { size, sha256 } = about;
    if (typeof size !== "number" || (sha256 !== null && !isSha256(sha256))) return undefined;
    blobs.push({ digest, size, label: digest, sha256 });
  }
  return { entry: value.entry, blobs };
}

function parsed(bytes: Uint8Array): Json | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function signalOf(options: { readonly signal?: AbortSignal }): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
