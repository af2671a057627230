// What the AWS library throws, in our words. Decided by error names and statuses, never by texts.

import { messageOf, type PivotError } from "../../core/mod.ts";
import { remoteProblem, type RemoteReason } from "./problems.ts";

const BY_NAME: Readonly<Record<string, RemoteReason>> = {
  AccessDenied: "denied",
  AllAccessDisabled: "denied",
  Forbidden: "denied",
  InvalidAccessKeyId: "bad-credentials",
  SignatureDoesNotMatch: "bad-credentials",
  XAdminUserNotFound: "bad-credentials",
  InvalidToken: "expired-token",
  ExpiredToken: "expired-token",
  ExpiredTokenException: "expired-token",
  TokenRefreshRequired: "expired-token",
  CredentialsProviderError: "no-credentials",
  RequestTimeTooSkewed: "clock-skew",
  RequestExpired: "clock-skew",
  NoSuchBucket: "no-bucket",
  PermanentRedirect: "wrong-region",
  AuthorizationHeaderMalformed: "wrong-region",
  IllegalLocationConstraintException: "wrong-region",
  SlowDown: "throttled",
  Throttling: "throttled",
  ThrottlingException: "throttled",
  TooManyRequestsException: "throttled",
  RequestLimitExceeded: "throttled",
  ServiceUnavailable: "throttled",
  InternalError: "server-error",
  RequestTimeout: "stalled",
  TimeoutError: "stalled",
  BadDigest: "bad-checksum",
  InvalidDigest: "bad-checksum",
  XAmzContentSHA256Mismatch: "bad-checksum",
  XAmzContentChecksumMismatch: "bad-checksum",
  IncompleteBody: "interrupted",
  ECONNREFUSED: "unreachable",
  ENOTFOUND: "unreachable",
  EAI_AGAIN: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ECONNRESET: "interrupted",
  EPIPE: "interrupted",
  ETIMEDOUT: "stalled",
};

/** The error's names from the outside in: its own, its code, its cause's. */
function namesOf(error: unknown): string[] {
  const names: string[] = [];
  for (let each = error, depth = 0; each instanceof Error && depth < 4; each = each.cause, depth++) {
    const { code, Code } = each as { code?: unknown; Code?: unknown };
    names.push(each.name, String(Code ?? ""), String(code ?? ""));
  }
  return names;
}

/** HTTP status of a failure; undefined if no answer came. */
export function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

/** Whether the server said that the thing is not there. */
export function isMiss(error: unknown): boolean {
  const names = namesOf(error);
  // Some servers say 404 of a bucket, or of a user, that they do not know.
  if (names.some((name) => BY_NAME[name] !== undefined)) return false;
  return names.includes("NoSuchKey") || names.includes("NotFound") || statusOf(error) === 404;
}

/** Whether the server has no such ability: a header or call that it does not know. */
export function isUnsupported(error: unknown): boolean {
  return statusOf(error) === 501 || statusOf(error) === 405 || namesOf(error).includes("NotImplemented");
}

/** Our error for what the library threw. */
export function s3Problem(error: unknown, about: { readonly url: string; readonly tried: string }): PivotError {
  const status = statusOf(error);
  const reason = namesOf(error).map((name) => BY_NAME[name]).find((each) => each !== undefined) ?? byStatus(status);
  return remoteProblem(reason, {
    ...about,
    said: said(error, status),
    ...(status === undefined ? {} : { status }),
  });
}

function byStatus(status: number | undefined): RemoteReason {
  if (status === undefined) return "interrupted";
  if (status === 401 || status === 403) return "denied";
  if (status === 301 || status === 307) return "wrong-region";
  if (status === 408) return "stalled";
  if (status === 429 || status === 503) return "throttled";
  if (status >= 500 || status === 200) return "server-error";
  return "refused";
}

// The library's errors carry the whole request, headers and all: only the name and text are kept.
function said(error: unknown, status: number | undefined): string {
  const name = error instanceof Error && !/^(Error|UnknownError)$/.test(error.name) ? `${error.name}: ` : "";
  const text = messageOf(error).split("\n")[0] ?? "";
  return `${name}${text === "" || text === "UnknownError" ? "no explanation" : text}${
    status === undefined ? "" : ` (${status})`
  }`;
}
