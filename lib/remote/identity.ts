// Whether a remote is still the one that is remembered: its first push writes a small object with a random id, once. Invariant: what
// is remembered of a remote that says another id, or none any more, is forgotten before anything rests on it.

import { PivotError, type Sha256 } from "../core/mod.ts";
import { createHash } from "node:crypto";
import type { Backend } from "./backends/backend.ts";
import { readUpTo } from "./backends/streams.ts";
import { IDENTITY } from "./keys.ts";
import type { KnownBlobs } from "./known.ts";
import { INDEX_TRUST_MS } from "./limits.ts";

const MAX_ID_BYTES = 100;
const ID = /^[0-9a-f-]{36}$/;

/** What both acts need. */
export interface IdentityOptions {
  /** The remote. */
  readonly backend: Backend;
  /** What is remembered of it. */
  readonly known: KnownBlobs;
  /** Cancels it; rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Whether the remote said who it is so lately that a push of nothing but known blobs need not ask. */
export function isFreshlyKnown(known: KnownBlobs): boolean {
  const said = known.identity();
  return said !== undefined && Math.abs(Date.now() - said.atMs) < INDEX_TRUST_MS;
}

/** Asks the remote who it is, and forgets what was remembered of another. @returns Whether it is the one that is remembered */
export async function confirmIdentity(options: IdentityOptions): Promise<boolean> {
  const { known } = options;
  const id = await readId(options);
  const isSame = id !== undefined && known.identity()?.id === id;
  if (!isSame) known.clear();
  if (id !== undefined) known.identify(id, Date.now());
  return isSame;
}

/** Gives the remote an id if it has none. Called after a push: something is there then that will be remembered. */
export async function ensureIdentity(options: IdentityOptions): Promise<void> {
  if (options.known.identity() !== undefined) return;
  try {
    await giveIdentity(options);
  } catch (error) {
    options.signal?.throwIfAborted();
    // Without an id the next push asks for each blob again, and that is all.
    if (!(error instanceof PivotError) || error.kind !== "remote") throw error;
  }
}

async function giveIdentity(options: IdentityOptions): Promise<void> {
  const bytes = new TextEncoder().encode(crypto.randomUUID());
  const sha256 = createHash("sha256").update(bytes).digest("hex") as Sha256;
  await options.backend.put(IDENTITY, bytes, { sha256, ifAbsent: true, ...signalOf(options) });
  // Another push may have been first: what is there now is the id.
  const id = await readId(options);
  if (id !== undefined) options.known.identify(id, Date.now());
}

async function readId(options: IdentityOptions): Promise<string | undefined> {
  const found = await options.backend.get(IDENTITY, signalOf(options));
  const bytes = found === undefined ? undefined : await readUpTo(found.body, MAX_ID_BYTES);
  const text = bytes === undefined ? "" : new TextDecoder().decode(bytes).trim();
  return ID.test(text) ? text : undefined;
}

function signalOf(options: IdentityOptions): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
