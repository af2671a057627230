// From a store's URL to an object store: folders of this machine, S3 and what speaks like it. The cloud library loads only for those.

import { PivotError } from "../core/mod.ts";
import { parseLocation, showLocation } from "../remote/mod.ts";
import { FolderStore, type ObjectStore, openS3Store } from "../volume/mod.ts";

/** An open store. */
export type OpenStore = ObjectStore & AsyncDisposable;

/**
 * Opens the store that a URL names: `s3://bucket/prefix?region=&endpoint=`, `minio://host:port/bucket/prefix`, `file:///folder`.
 *
 * @throws {PivotError} `bad-remote-url`, `credentials-in-url`, `bad-store` (kind `usage`).
 */
export async function openVolumeObjects(url: string): Promise<OpenStore> {
  const location = parseLocation(url);
  const { scheme } = location;
  if (scheme === "file") {
    return Object.assign(new FolderStore(location.bucket), { [Symbol.asyncDispose]: () => Promise.resolve() });
  }
  if (scheme === "s3" || scheme === "minio") {
    return await openS3Store({ ...location, scheme }, { url: showLocation(location) });
  }
  throw new PivotError(`volumes cannot be kept in "${showLocation(location)}"`, {
    code: "bad-store",
    kind: "usage",
    hint: "stores of volumes are s3://bucket/prefix, minio://host:port/bucket/prefix and file:///folder",
  });
}
