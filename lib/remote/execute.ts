// Carries a plan out. Invariants: a failure of one blob does not stop the others; every blob of the plan is in the result by name;
// a blob enters the store only after its transfer was verified; what succeeded is kept, also after a cancel.

import { PivotError } from "../core/mod.ts";
import { reasonOf, remoteProblem, type RemoteReason } from "./backends/problems.ts";
import { eachBounded } from "./bounded.ts";
import { blobKey } from "./keys.ts";
import type { KnownBlobs } from "./known.ts";
import { DEFAULT_JOBS } from "./limits.ts";
import type { BlobFailure, SyncPlan } from "./plan.ts";
import type { BlobRequest, BlobStore, TransferCallOptions, Transfers } from "./ports.ts";

/** What happens while a plan is carried out. */
export type SyncEvent =
  | { readonly type: "started"; readonly files: number; readonly bytes: number }
  | { readonly type: "progress"; readonly bytes: number; readonly files: number }
  | { readonly type: "moved"; readonly blob: BlobRequest }
  | { readonly type: "failed"; readonly blob: BlobRequest; readonly error: PivotError };

/** What came of a push or pull. */
export interface SyncResult {
  /** Blobs sent. */
  readonly pushed: readonly BlobRequest[];
  /** Blobs fetched. */
  readonly pulled: readonly BlobRequest[];
  /** Blobs that were on the other side already. */
  readonly skipped: readonly BlobRequest[];
  /** Bytes of the blobs moved. */
  readonly bytesTransferred: number;
  /** Every blob that could not be moved. */
  readonly errors: readonly BlobFailure[];
  /** Whether there are no errors. */
  readonly success: boolean;
  /** Milliseconds. */
  readonly durationMs: number;
}

/** Options of {@linkcode executePlan}. */
export interface ExecuteOptions {
  /** Moves the objects. */
  readonly transfers: Transfers;
  /** The local side. */
  readonly store: BlobStore;
  /** What the remote is known to have. */
  readonly known: KnownBlobs;
  /** Transfers at once. @default 20 */
  readonly jobs?: number;
  /** Cancels it; rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Told of progress. */
  readonly onEvent?: (event: SyncEvent) => void;
}

/** Failures that the next blob would meet as well. */
const HOPELESS: ReadonlySet<RemoteReason> = new Set([
  "bad-credentials",
  "no-credentials",
  "expired-token",
  "clock-skew",
  "no-bucket",
  "wrong-region",
  "unreachable",
  "read-only",
]);

/**
 * Moves the blobs of a plan.
 *
 * @throws the signal's reason; failures of blobs are in the result.
 */
export async function executePlan(plan: SyncPlan, options: ExecuteOptions): Promise<SyncResult> {
  const startedMs = performance.now();
  const moved: BlobRequest[] = [];
  const skipped = [...plan.same];
  const errors: BlobFailure[] = [];
  let [bytes, files] = [0, 0];
  let hopeless: PivotError | undefined;
  const emit = options.onEvent ?? (() => {});
  const fail = (blob: BlobRequest, error: PivotError): void => {
    errors.push({ blob, error });
    emit({ type: "failed", blob, error });
    if (HOPELESS.has(reasonOf(error) ?? "refused")) hopeless ??= error;
  };
  emit({ type: "started", files: plan.move.length, bytes: plan.bytes });
  for (const { blob, error } of plan.failures) fail(blob, error);
  const call: TransferCallOptions = {
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onBytes: (more) => emit({ type: "progress", bytes: bytes += more, files }),
  };
  await eachBounded(plan.move, options.jobs ?? DEFAULT_JOBS, async (blob) => {
    options.signal?.throwIfAborted();
    if (hopeless !== undefined) return fail(blob, hopeless);
    try {
      const news = await moveOne(plan, blob, { ...options, call });
      (news ? moved : skipped).push(blob);
      files++;
      emit({ type: "moved", blob });
    } catch (error) {
      options.signal?.throwIfAborted();
      if (!(error instanceof PivotError) || error.kind === "bug") throw error;
      fail(blob, error);
    }
  });
  return {
    pushed: plan.direction === "push" ? moved : [],
    pulled: plan.direction === "pull" ? moved : [],
    skipped,
    bytesTransferred: moved.reduce((sum, blob) => sum + blob.size, 0),
    errors,
    success: errors.length === 0,
    durationMs: performance.now() - startedMs,
  };
}

type Moving = ExecuteOptions & { readonly call: TransferCallOptions };

/** @returns Whether anything moved; false if it was there already. */
async function moveOne(plan: SyncPlan, blob: BlobRequest, moving: Moving): Promise<boolean> {
  return plan.direction === "push" ? await sendOne(blob, moving) : await fetchOne(plan.url, blob, moving);
}

async function sendOne(blob: BlobRequest, { store, transfers, known, call }: Moving): Promise<boolean> {
  const path = store.find(blob);
  if (path === undefined) throw refused(blob, "it left the cache meanwhile");
  const outcome = await transfers.upload({ digest: blob.digest, size: blob.size, path }, call);
  if (outcome.type === "altered") {
    store.altered(blob, path);
    throw refused(blob, "its blob in the cache was altered");
  }
  known.add(blob.digest, blob.size);
  return outcome.type === "stored";
}

async function fetchOne(url: string, blob: BlobRequest, { store, transfers, known, call }: Moving): Promise<boolean> {
  const temporary = store.temporary();
  const outcome = await transfers.download({ digest: blob.digest, size: blob.size, temporary }, call);
  if (outcome.type === "missing") {
    known.drop(blob.digest);
    const tried = `read "${blobKey(blob.digest)}" for "${blob.label}"`;
    throw remoteProblem("refused", { url, tried, said: "it is not there; push it from a machine that has it" });
  }
  store.adopt(temporary, blob);
  known.add(blob.digest, blob.size);
  return true;
}

function refused(blob: BlobRequest, why: string): PivotError {
  return new PivotError(`cannot push "${blob.label}": ${why}`, {
    code: "blob-altered",
    kind: "integrity",
    hint: "run the stage that makes it again, or pull it",
    data: { digest: blob.digest, label: blob.label },
  });
}
