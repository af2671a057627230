// How pushes and garbage collections of one remote keep out of each other's way, on stores that have no locks. A push first writes a
// claim: all blobs that it relies on, those included that are there already. A gc first writes its mark, and then reads the claims.
// Invariants: whoever comes second sees the other, so a claimed blob is not removed while its claim is young; while the mark of a gc
// stands no push takes anything for being there; a mark that is not renewed belongs to nobody.

import { createHash } from "node:crypto";
import { type Digest, isDigest, PivotError, type Sha256 } from "../core/mod.ts";
import { delay } from "../sys/mod.ts";
import type { Backend, ObjectInfo } from "./backends/backend.ts";
import { readUpTo } from "./backends/streams.ts";
import { eachBounded } from "./bounded.ts";
import { claimKey, CLAIMS, GC_MARK, isClaimKey } from "./keys.ts";
import type { KnownBlobs } from "./known.ts";
import { DEFAULT_JOBS, INDEX_TRUST_MS } from "./limits.ts";

/** A claim starts with this line; digests follow, eight bytes each. */
const HEADER = new TextEncoder().encode("pivot claim 1\n");
const DIGEST_BYTES = 8;
/** 8 million blobs. */
const MAX_CLAIM_BYTES = 64 * 1024 * 1024;
const MAX_MARK_BYTES = 100;
const RENEW_MS = 30_000;
/** A gc that could not renew its mark for so long ends; well before others take it for dead. */
const LOST_MS = 120_000;
const DEAD_MS = 300_000;
const POLL_MS = 1_000;

/** Options of what waits for a gc. */
export interface ClaimOptions {
  /** The remote. */
  readonly backend: Backend;
  /** Told once when there is a gc to wait for. */
  readonly onWait?: () => void;
  /** Milliseconds between two looks at the mark of a gc. @default 1000 */
  readonly pollMs?: number;
  /** Cancels it; rejects with its reason. */
  readonly signal?: AbortSignal;
}

/** Whether these very blobs were claimed so lately that no gc can have passed over the claim. */
export function isFreshlyClaimed(known: KnownBlobs, digests: readonly Digest[]): boolean {
  const last = known.claimed();
  return last !== undefined && Math.abs(Date.now() - last.atMs) < INDEX_TRUST_MS && last.id === idOf(encode(digests));
}

/**
 * Claims blobs and waits until no gc is under way. What is asked of the remote afterwards can be relied on.
 *
 * @returns what the claim is remembered by
 */
export async function claimBlobs(digests: readonly Digest[], options: ClaimOptions): Promise<string> {
  const { backend } = options;
  const bytes = encode(digests);
  const id = idOf(bytes);
  // A gc that was waited for may have removed a claim of that name as an old one: it is written again before anything rests on it.
  do await backend.put(claimKey(id), bytes, { sha256: sha256Of(bytes), ...signalOf(options) }); while (
    await waitForNoGc(options) === "waited"
  );
  return id;
}

function encode(digests: readonly Digest[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER.length + digests.length * DIGEST_BYTES);
  bytes.set(HEADER);
  for (const [at, digest] of digests.entries()) {
    bytes.set(Uint8Array.fromHex(digest), HEADER.length + at * DIGEST_BYTES);
  }
  return bytes;
}

function decode(bytes: Uint8Array): Digest[] | undefined {
  const isOurs = HEADER.every((byte, at) => bytes[at] === byte) && (bytes.length - HEADER.length) % DIGEST_BYTES === 0;
  if (!isOurs) return undefined;
  const digests: Digest[] = [];
  for (let at = HEADER.length; at < bytes.length; at += DIGEST_BYTES) {
    const digest = bytes.subarray(at, at + DIGEST_BYTES).toHex();
    if (isDigest(digest)) digests.push(digest);
  }
  return digests;
}

/** The same blobs have one claim: pushed again, its age starts anew. */
function idOf(bytes: Uint8Array): string {
  return sha256Of(bytes).slice(0, 32);
}

/** What a gc finds claimed. */
export interface Claims {
  /** By young claims. */
  readonly digests: ReadonlySet<Digest>;
  /** Claims that are too old to count. */
  readonly old: readonly ObjectInfo[];
}

/** Reads the claims; those last written before `beforeMs` (since the epoch) are old. @throws {PivotError} `bad-claim` */
export async function readClaims(
  backend: Backend,
  options: { readonly beforeMs: number; readonly jobs?: number; readonly signal?: AbortSignal },
): Promise<Claims> {
  const young: ObjectInfo[] = [];
  const old: ObjectInfo[] = [];
  for await (const object of backend.list(CLAIMS, signalOf(options))) {
    if (isClaimKey(object.key)) (object.modifiedMs < options.beforeMs ? old : young).push(object);
  }
  const digests = new Set<Digest>();
  await eachBounded(young, options.jobs ?? DEFAULT_JOBS, async ({ key }) => {
    const found = await backend.get(key, signalOf(options));
    if (found === undefined) return;
    const bytes = await readUpTo(found.body, MAX_CLAIM_BYTES);
    const claimed = bytes === undefined ? undefined : decode(bytes);
    if (claimed === undefined) throw badClaim(backend, key);
    for (const digest of claimed) digests.add(digest);
  });
  return { digests, old };
}

function badClaim(backend: Backend, key: string): PivotError {
  return new PivotError(`cannot tell what "${key}" on ${backend.url} claims: it is not written as this version does`, {
    code: "bad-claim",
    kind: "integrity",
    hint: "a newer pivot may have written it: collect with that one; remove the object if nobody pushes",
  });
}

/** Waits until no gc is under way; a mark that nobody renews is removed. */
async function waitForNoGc(options: ClaimOptions): Promise<"free" | "waited"> {
  const { backend, signal, pollMs = POLL_MS } = options;
  let [seen, sinceMs] = ["", performance.now()];
  for (let first = true;; first = false) {
    const mark = await readMark(backend, options);
    if (mark === undefined) return first ? "free" : "waited";
    if (first) options.onWait?.();
    if (mark !== seen) [seen, sinceMs] = [mark, performance.now()];
    else if (performance.now() - sinceMs > DEAD_MS) {
      await backend.delete(GC_MARK, signalOf(options));
      return "waited";
    }
    await delay(pollMs, signal);
  }
}

async function readMark(backend: Backend, options: { readonly signal?: AbortSignal }): Promise<string | undefined> {
  const found = await backend.get(GC_MARK, signalOf(options));
  if (found === undefined) return undefined;
  const bytes = await readUpTo(found.body, MAX_MARK_BYTES);
  return bytes === undefined ? "" : new TextDecoder().decode(bytes);
}

/** The mark of a gc, renewed until it is disposed. Invariant: once lost it is never taken up again, and a lost one is left alone. */
export class GcMark implements AsyncDisposable {
  readonly #backend: Backend;
  readonly #timer: ReturnType<typeof setInterval>;
  #renewedMs: number;
  #renewing: Promise<void> = Promise.resolve();

  private constructor(backend: Backend, setMs: number) {
    this.#backend = backend;
    this.#renewedMs = setMs;
    this.#timer = setInterval(() => this.#renewing = this.#renewing.then(() => this.#renew()), RENEW_MS);
  }

  /** Waits for another gc to end, then sets the mark. */
  static async set(options: ClaimOptions): Promise<GcMark> {
    for (;;) {
      await waitForNoGc(options);
      const setMs = Date.now();
      const done = await putMark(options.backend, { ifAbsent: true, ...signalOf(options) });
      if (done === "stored") return new GcMark(options.backend, setMs);
    }
  }

  /** @throws {PivotError} `gc-mark-lost` if others may take this gc for dead */
  check(): void {
    if (!this.#isLost()) return;
    throw new PivotError(`stopped collecting on ${this.#backend.url}: its mark there could not be renewed in time`, {
      code: "gc-mark-lost",
      kind: "remote",
      hint: "run it again; what was removed so far was not needed",
    });
  }

  /** Not by the monotonic clock: it stands still while a machine sleeps. */
  #isLost(): boolean {
    return Date.now() - this.#renewedMs >= LOST_MS;
  }

  async #renew(): Promise<void> {
    // What stands there after so long may be somebody else's.
    if (this.#isLost()) return;
    const startedMs = Date.now();
    try {
      await putMark(this.#backend, {});
      if (!this.#isLost()) this.#renewedMs = startedMs;
    } catch (error) {
      // check() tells when it lasts.
      if (!(error instanceof PivotError)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    if (this.#isLost()) return;
    try {
      await this.#backend.delete(GC_MARK);
    } catch (error) {
      // A mark that nobody renews holds others up for minutes and no longer; what went wrong before is what is to be told.
      if (!(error instanceof PivotError) || error.kind !== "remote") throw error;
    }
  }
}

function putMark(backend: Backend, options: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal }) {
  const bytes = new TextEncoder().encode(`pivot gc ${crypto.randomUUID()}`);
  return backend.put(GC_MARK, bytes, { sha256: sha256Of(bytes), ...options });
}

function sha256Of(bytes: Uint8Array): Sha256 {
  return createHash("sha256").update(bytes).digest("hex") as Sha256;
}

function signalOf(options: { readonly signal?: AbortSignal }): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
