// The AWS library, loaded when first needed and set up for us: a socket pool as large as the number of jobs, no retries of its own
// (the retry decorator does that for every backend), checksums that any server takes.

import { S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { PivotError } from "../../core/mod.ts";

/** Where a bucket is. The fields are those of a remote's location. */
export interface S3Place {
  /** Kind of server. */
  readonly scheme: "s3" | "minio" | "gcs";
  /** Bucket. */
  readonly bucket: string;
  /** Goes before every key; no slash at either end; may be empty. */
  readonly prefix: string;
  /** Region of the bucket. */
  readonly region?: string;
  /** Server other than the provider's own. */
  readonly endpoint?: string;
  /** Profile of the provider's shared files. */
  readonly profile?: string;
  /** Which checksums are sent. */
  readonly checksums?: "when_supported" | "when_required";
}

/** How the client is to work. */
export interface S3ClientOptions {
  /** Sockets at most. */
  readonly sockets: number;
  /** Silence on a socket after which a request fails, milliseconds. */
  readonly stallMs: number;
}

const GOOGLE = "https://storage.googleapis.com";

/** Makes a client for `place`. */
export function createS3Client(place: S3Place, options: S3ClientOptions): S3Client {
  const endpoint = place.endpoint ?? (place.scheme === "gcs" ? GOOGLE : undefined);
  const agent = { keepAlive: true, maxSockets: options.sockets };
  const mode = (place.checksums ?? (endpoint === undefined ? "when_supported" : "when_required")) === "when_supported"
    ? "WHEN_SUPPORTED"
    : "WHEN_REQUIRED";
  const config: S3ClientConfig = {
    maxAttempts: 1,
    requestChecksumCalculation: mode,
    responseChecksumValidation: mode,
    requestHandler: new NodeHttpHandler({
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
      connectionTimeout: 10_000,
      requestTimeout: options.stallMs,
      throwOnRequestTimeout: true,
    }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
    ...regionOf(place, endpoint),
    ...(place.profile === undefined ? {} : { profile: place.profile }),
    ...keysFor(place),
  };
  return new S3Client(config);
}

function regionOf(place: S3Place, endpoint: string | undefined): { region?: string } {
  if (place.region !== undefined) return { region: place.region };
  const known = Deno.env.get("AWS_REGION") ?? Deno.env.get("AWS_DEFAULT_REGION");
  if (place.scheme === "gcs") return { region: "auto" };
  if (known !== undefined) return { region: known };
  // A server of one's own seldom has regions; AWS's own comes from the profile, if one says it.
  return endpoint === undefined ? {} : { region: "us-east-1" };
}

function keysFor(place: S3Place): Pick<S3ClientConfig, "credentials"> {
  if (place.scheme === "s3") return {};
  const [idName, secretName] = place.scheme === "minio"
    ? ["MINIO_ACCESS_KEY", "MINIO_SECRET_KEY"] as const
    : ["GCS_HMAC_ACCESS_ID", "GCS_HMAC_SECRET"] as const;
  const accessKeyId = Deno.env.get(idName);
  const secretAccessKey = Deno.env.get(secretName);
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    return { credentials: { accessKeyId, secretAccessKey } };
  }
  if (place.scheme === "minio") return {};
  throw new PivotError(`cannot reach gcs://${place.bucket}: ${idName} and ${secretName} are not set`, {
    code: "remote-no-credentials",
    kind: "remote",
    hint: "make HMAC keys for a service account in Cloud Storage's settings, and set both variables",
    data: { reason: "no-credentials", retry: false },
  });
}
