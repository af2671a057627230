// The door to stores in S3, without the library behind it: that loads when one is opened.

import type { S3Place } from "../../remote/backends/mod.ts";
import type { ObjectStore } from "../ports.ts";
import type { S3StoreOptions } from "./s3_store.ts";

export type { S3Place } from "../../remote/backends/mod.ts";
export type { S3StoreOptions } from "./s3_store.ts";

/** Opens a bucket, or a prefix in one, as an object store. Nothing is asked of it yet. */
export async function openS3Store(place: S3Place, options: S3StoreOptions): Promise<ObjectStore & AsyncDisposable> {
  const { s3Store } = await import("./s3_store.ts");
  return s3Store(place, options);
}
