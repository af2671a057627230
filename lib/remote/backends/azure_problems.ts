// What the Azure library throws, in our words. Decided by error codes, statuses and dates, never by texts.

import { RestError } from "@azure/storage-blob";
import { messageOf, PivotError } from "../../core/mod.ts";
import { remoteProblem, type RemoteReason } from "./problems.ts";

const BY_CODE: Readonly<Record<string, RemoteReason>> = {
  AccountIsDisabled: "denied",
  AuthenticationFailed: "bad-credentials",
  AuthorizationFailure: "denied",
  AuthorizationPermissionMismatch: "denied",
  InsufficientAccountPermissions: "denied",
  InvalidAuthenticationInfo: "bad-credentials",
  NoAuthenticationInformation: "bad-credentials",
  ContainerNotFound: "no-bucket",
  ContainerBeingDeleted: "no-bucket",
  ContainerDisabled: "no-bucket",
  ResourceNotFound: "no-bucket",
  InternalError: "server-error",
  InvalidMd5: "bad-checksum",
  // What Azurite says of bytes whose MD5 is another; nothing else that we ask could be invalid.
  InvalidOperation: "bad-checksum",
  Md5Mismatch: "bad-checksum",
  OperationTimedOut: "stalled",
  ServerBusy: "throttled",
  ECONNREFUSED: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ENOTFOUND: "unreachable",
  EAI_AGAIN: "unreachable",
  ETIMEDOUT: "stalled",
};

/** The service refuses requests whose date is further off than this. */
const MAX_SKEW_MS = 15 * 60_000;

/** The service's own code, or the system's; empty if there is none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof RestError)) return "";
  return error.code ?? error.response?.headers.get("x-ms-error-code") ?? "";
}

/** HTTP status; undefined if no answer came. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof RestError ? error.statusCode : undefined;
}

/** Our error for what the library threw. */
export function azureProblem(error: unknown, url: string, tried: string): PivotError {
  if (error instanceof PivotError) return error;
  const status = statusOf(error);
  const said = `${codeOf(error)} ${status ?? messageOf(error).split("\n")[0]}`.trim();
  return remoteProblem(reasonFor(error), {
    url,
    tried,
    said,
    ...(status === undefined ? {} : { status }),
  });
}

function reasonFor(error: unknown): RemoteReason {
  const [code, status] = [codeOf(error), statusOf(error)];
  const named = BY_CODE[code];
  if (status === 401 || status === 403) return whyRefused(error) ?? named ?? "denied";
  if (named !== undefined) return named;
  if (status === undefined) return "interrupted";
  if (status === 408) return "stalled";
  if (status === 429 || status === 503) return "throttled";
  return status >= 500 ? "server-error" : "refused";
}

/** The service has one code for a wrong key, for a token that has run out and for a clock that is wrong. */
function whyRefused(error: unknown): RemoteReason | undefined {
  if (!(error instanceof RestError)) return undefined;
  const serverMs = Date.parse(error.response?.headers.get("date") ?? "");
  if (Math.abs(serverMs - Date.now()) > MAX_SKEW_MS) return "clock-skew";
  const address = error.request?.url;
  const expiry = address === undefined ? null : new URL(address).searchParams.get("se");
  return expiry !== null && Date.parse(expiry) < Date.now() ? "expired-token" : undefined;
}
