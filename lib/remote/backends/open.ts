// From a place to a backend that tries again. Invariant: a scheme's library is loaded when that scheme is first used, and no other.

import { PivotError } from "../../core/mod.ts";
import type { Backend } from "./backend.ts";
import { withRetry } from "./retry.ts";
import type { S3Place } from "./s3_client.ts";

/** Where a remote is, as far as backends go. */
export interface Place {
  readonly scheme: "s3" | "minio" | "file" | "gcs" | "azure" | "memory";
  readonly bucket: string;
  readonly prefix: string;
  readonly region?: string;
  readonly endpoint?: string;
  readonly profile?: string;
  readonly checksums?: "when_supported" | "when_required";
}

/** How the backend is to work. */
export interface OpenOptions {
  /** The URL as shown to people, without credentials. */
  readonly url: string;
  /** Requests at once at most: the size of the socket pool. */
  readonly sockets: number;
  /** Silence after which a request counts as stalled, milliseconds. */
  readonly stallMs: number;
  /** Tries of one call, the first included. */
  readonly tries: number;
}

/**
 * Opens a backend. Nothing is asked of the remote yet.
 *
 * @throws {PivotError} `remote-no-credentials` (kind `remote`) where they are looked up at once.
 */
export async function openBackend(place: Place, options: OpenOptions): Promise<Backend> {
  return withRetry(await openPlain(place, options), options);
}

async function openPlain(place: Place, options: OpenOptions): Promise<Backend> {
  switch (place.scheme) {
    case "s3":
    case "minio":
    case "gcs": {
      const { s3Backend } = await import("./s3.ts");
      return s3Backend({ ...place, scheme: place.scheme } satisfies S3Place, options);
    }
    case "azure": {
      const { azureBackend } = await import("./azure.ts");
      return azureBackend(place, options);
    }
    case "file": {
      const { fileBackend } = await import("./file.ts");
      return fileBackend(place.bucket);
    }
    case "memory":
      throw new PivotError(`cannot open ${options.url}: memory is not shared between threads`, {
        code: "remote-in-memory",
        kind: "usage",
        hint: "hand a memoryBackend() to the library instead",
      });
  }
}
