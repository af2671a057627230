// The failures of a remote as our errors. Invariant: each says by `data.retry` whether trying again can help,
// and none holds a credential.

import { PivotError } from "../../core/mod.ts";

/** What went wrong with a remote; becomes the code `remote-<reason>`. */
export type RemoteReason =
  | "denied"
  | "bad-credentials"
  | "no-credentials"
  | "expired-token"
  | "clock-skew"
  | "no-bucket"
  | "wrong-region"
  | "throttled"
  | "server-error"
  | "unreachable"
  | "interrupted"
  | "stalled"
  | "bad-checksum"
  | "no-space"
  | "read-only"
  | "refused";

const ADVICE: Readonly<Record<RemoteReason, string>> = {
  "denied": "ask for the permission to read, write, list and delete below the remote's prefix",
  "bad-credentials": "check the access key and its secret",
  "no-credentials": "set the provider's environment variables, or name a profile",
  "expired-token": "log in again, or renew the session token",
  "clock-skew": "set this machine's clock",
  "no-bucket": "make the bucket, or correct the remote's URL",
  "wrong-region": "set the remote's region",
  "throttled": "try later, or with fewer --jobs",
  "server-error": "try later; what arrived is kept",
  "unreachable": "check the network and the remote's endpoint",
  "interrupted": "try again; what arrived is kept",
  "stalled": "try again; what arrived is kept",
  "bad-checksum": "bytes changed on their way; try again, and suspect the network or a proxy",
  "no-space": "make room, or choose another place",
  "read-only": "choose a remote that may be written",
  "refused": "see the server's answer",
};

const RETRY: ReadonlySet<RemoteReason> = new Set([
  "throttled",
  "server-error",
  "unreachable",
  "interrupted",
  "stalled",
  "bad-checksum",
]);

/** Facts for {@linkcode remoteProblem}. */
export interface ProblemOptions {
  readonly url: string;
  /** What was tried: `read files/ab/cdef`. */
  readonly tried: string;
  /** What the server or system said. */
  readonly said?: string;
  readonly cause?: unknown;
  /** HTTP status, if there was an answer. */
  readonly status?: number;
}

/** Makes the error for a failure of a remote. */
export function remoteProblem(reason: RemoteReason, options: ProblemOptions): PivotError {
  const said = options.said === undefined ? reason.replace("-", " ") : options.said.replace(/[.\s]+$/, "");
  return new PivotError(`cannot ${options.tried} on ${options.url}: ${said}`, {
    code: `remote-${reason}`,
    kind: "remote",
    hint: ADVICE[reason],
    data: { reason, retry: RETRY.has(reason), ...(options.status === undefined ? {} : { status: options.status }) },
    ...(options.cause === undefined ? {} : { cause: options.cause }),
  });
}

/** Whether trying again can help. */
export function canRetry(error: unknown): error is PivotError {
  return error instanceof PivotError && error.kind === "remote" && error.data.retry === true;
}

/** The reason of a remote's failure; undefined for any other error. */
export function reasonOf(error: unknown): RemoteReason | undefined {
  if (!(error instanceof PivotError) || error.kind !== "remote") return undefined;
  return error.data.reason as RemoteReason | undefined;
}

/** The same key twice with other bytes: somebody forged one, or two contents share a 64-bit hash. */
export function contentConflict(url: string, key: string): PivotError {
  return new PivotError(`${url} holds "${key}" with other content under the same name`, {
    code: "remote-content-conflict",
    kind: "integrity",
    hint: "nothing was overwritten; find out who wrote it before you delete it",
    data: { key },
  });
}
