// The run cache on a remote: one small object per input digest, `runs/ab/cdef….json`. Invariants: an entry is written only after the
// blobs that it names are there, and is never replaced; one that cannot be read is a miss.

import { type Digest, isJsonObject, type Json, PivotError, type Sha256 } from "../core/mod.ts";
import { createHash } from "node:crypto";
import type { Backend } from "./backends/backend.ts";
import { readUpTo } from "./backends/streams.ts";
import { blobKey } from "./keys.ts";
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

function runKey(input: Digest): string {
  return `runs/${input.slice(0, 2)}/${input.slice(2)}.json`;
}

/**
 * Shares an entry.
 *
 * @returns `incomplete` if the remote lacks a blob that it names: push blobs first.
 */
export async function pushRun(
  backend: Backend,
  run: SharedRun,
  options: { readonly signal?: AbortSignal } = {},
): Promise<"stored" | "exists" | "incomplete"> {
  for (const { digest, size } of run.blobs) {
    if ((await backend.head(blobKey(digest), options))?.size !== size) return "incomplete";
  }
  const bytes = new TextEncoder().encode(JSON.stringify({ version: VERSION, input: run.input, entry: run.entry }));
  const sha256 = createHash("sha256").update(bytes).digest("hex") as Sha256;
  return await backend.put(runKey(run.input), bytes, { ...options, sha256, ifAbsent: true });
}

/** Looks up an entry by input digest. @throws {PivotError} of kind `remote` if the remote cannot be asked */
export async function pullRun(
  backend: Backend,
  input: Digest,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Json | undefined> {
  const found = await backend.get(runKey(input), options);
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
  return entryOf(bytes, input);
}

function entryOf(bytes: Uint8Array, input: Digest): Json | undefined {
  try {
    const value: Json = JSON.parse(new TextDecoder().decode(bytes));
    return isJsonObject(value) && value.version === VERSION && value.input === input ? value.entry : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
