// From a store's URL to an object store: folders of this machine, S3 and what speaks like it. The cloud library loads only for those.

import { parseLocation, showLocation } from "../remote/mod.ts";
import { checkStoreUrl, FolderStore, type ObjectStore, openS3Store } from "../volume/mod.ts";

/** An open store. */
export type OpenStore = ObjectStore & AsyncDisposable;

/**
 * Opens the store that a URL names: `s3://bucket/prefix?region=&endpoint=`, `minio://host:port/bucket/prefix`,
 * `gcs://bucket/prefix` (through its S3 interface), `file:///folder`.
 *
 * @throws {PivotError} `bad-store`, `bad-remote-url`, `credentials-in-url` (kind `usage`).
 */
export async function openVolumeObjects(url: string): Promise<OpenStore> {
  const checked = checkStoreUrl(url);
  const location = parseLocation(checked.url);
  const { scheme } = checked;
  if (scheme === "file") {
    return Object.assign(new FolderStore(location.bucket), { [Symbol.asyncDispose]: () => Promise.resolve() });
  }
  return await openS3Store({ ...location, scheme }, { url: showLocation(location) });
}
