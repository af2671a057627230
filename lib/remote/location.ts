// Where a remote is, as plain data: parsed from a URL, posted to workers. Invariant: it never holds a credential.

import { PivotError } from "../core/mod.ts";

/** The kinds of remotes. */
export type RemoteScheme = "s3" | "minio" | "file" | "gcs" | "azure" | "memory";

/** Where a remote is and how it is reached. */
export interface RemoteLocation {
  /** The kind of remote. */
  readonly scheme: RemoteScheme;
  /** Bucket or container; for `file` the absolute folder; for `memory` a name. */
  readonly bucket: string;
  /** Goes before every key; no slash at either end; may be empty. */
  readonly prefix: string;
  /** Region of the bucket. */
  readonly region?: string;
  /** `http(s)://host:port` of a server other than the provider's own. */
  readonly endpoint?: string;
  /** Profile in the provider's shared files. */
  readonly profile?: string;
  /** `when_required` = no checksum modes that only AWS knows. @default "when_required" with an endpoint */
  readonly checksums?: "when_supported" | "when_required";
}

/** What may be said beside the URL; as in `.pivot/config.yaml`. */
export interface LocationOptions {
  /** Region of the bucket. */
  readonly region?: string;
  /** `http(s)://host:port` of a server other than the provider's own. */
  readonly endpoint?: string;
  /** Profile in the provider's shared files. */
  readonly profile?: string;
  /** `when_required` = no checksum modes that only AWS knows. */
  readonly checksums?: "when_supported" | "when_required";
}

const QUERY = ["region", "endpoint", "profile", "checksums"] as const;

/**
 * Parses a remote's URL.
 *
 * @throws {PivotError} `bad-remote-url`, or `credentials-in-url` for one with a user name or password (kind `usage`).
 */
export function parseLocation(text: string, options: LocationOptions = {}): RemoteLocation {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) throw badUrl("the text", "it is no URL");
  const shown = `${url.protocol}//${url.host}${url.pathname}`;
  const secret = [...url.searchParams.keys()].find((name) =>
    /secret|password|token|sig|access.?key|credential/i.test(name)
  );
  if (url.username !== "" || url.password !== "" || secret !== undefined) throw credentialsInUrl(shown);
  const scheme = url.protocol.slice(0, -1);
  switch (scheme) {
    case "file":
      return fileLocation(url, shown);
    case "memory":
      return { scheme, bucket: url.host, prefix: trim(url.pathname) };
    case "s3":
    case "gcs":
    case "azure":
      if (url.host === "") throw badUrl(shown, "it names no bucket");
      return {
        scheme,
        bucket: decodeURIComponent(url.host),
        prefix: trim(url.pathname),
        ...extras(url, shown, options),
      };
    case "minio":
      return minioLocation(url, shown, options);
    default:
      throw badUrl(shown, `"${scheme}" is no kind of remote`);
  }
}

function fileLocation(url: URL, shown: string): RemoteLocation {
  if (url.host !== "" && url.host !== "localhost") {
    throw badUrl(shown, `it names the host "${url.host}"; write three slashes`);
  }
  const folder = decodeURIComponent(url.pathname).replace(/\/+$/, "");
  if (folder === "") throw badUrl(shown, "it names no folder");
  return { scheme: "file", bucket: folder, prefix: "" };
}

function minioLocation(url: URL, shown: string, options: LocationOptions): RemoteLocation {
  const [bucket, ...rest] = trim(url.pathname).split("/");
  if (url.host === "" || bucket === undefined || bucket === "") throw badUrl(shown, "it needs a host and a bucket");
  const secure = url.searchParams.get("secure") ?? "false";
  if (secure !== "true" && secure !== "false") throw badUrl(shown, `"secure" is "${secure}", neither true nor false`);
  url.searchParams.delete("secure");
  const endpoint = `${secure === "true" ? "https" : "http"}://${url.host}`;
  return { scheme: "minio", bucket, prefix: rest.join("/"), ...extras(url, shown, { ...options, endpoint }) };
}

function extras(url: URL, shown: string, options: LocationOptions): LocationOptions {
  const found: Record<string, string> = {};
  for (const [name, value] of url.searchParams) {
    if (!(QUERY as readonly string[]).includes(name)) throw badUrl(shown, `it has the unknown option "${name}"`);
    if (value !== "") found[name] = value;
  }
  for (const name of QUERY) if (options[name] !== undefined) found[name] = options[name];
  if (found.endpoint !== undefined) checkEndpoint(found.endpoint, shown);
  if (found.checksums !== undefined && !/^when_(supported|required)$/.test(found.checksums)) {
    throw badUrl(shown, `"checksums" is "${found.checksums}", neither when_supported nor when_required`);
  }
  return found as LocationOptions;
}

function checkEndpoint(endpoint: string, shown: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw badUrl(shown, "its endpoint is no http or https URL");
  if (url.username !== "" || url.password !== "") throw credentialsInUrl(shown);
}

function badUrl(shown: string, why: string): PivotError {
  return new PivotError(`cannot use "${shown}" as a remote: ${why}`, {
    code: "bad-remote-url",
    kind: "usage",
    hint: "write s3://bucket/prefix, minio://host:port/bucket/prefix, file:///folder, gcs://… or azure://…",
  });
}

function credentialsInUrl(shown: string): PivotError {
  return new PivotError(`the URL of the remote ${shown} holds a credential`, {
    code: "credentials-in-url",
    kind: "usage",
    hint: "take it out and give it by environment variables, a profile or a role: URLs end up in files and logs",
  });
}

function trim(path: string): string {
  return decodeURIComponent(path).replace(/^\/+|\/+$/g, "");
}

/** The URL as people write it, options of the way to it left out. */
export function showLocation(location: RemoteLocation): string {
  const prefix = location.prefix === "" ? "" : `/${location.prefix}`;
  if (location.scheme === "file") return `file://${location.bucket}`;
  if (location.scheme === "minio") {
    return `minio://${new URL(location.endpoint ?? "http://localhost").host}/${location.bucket}${prefix}`;
  }
  return `${location.scheme}://${location.bucket}${prefix}`;
}

/** One text per place, for binding what is remembered of it: URL and endpoint. */
export function locationId(location: RemoteLocation): string {
  return location.endpoint === undefined ? showLocation(location) : `${showLocation(location)}@${location.endpoint}`;
}
