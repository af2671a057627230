// A blob store that is a plain folder in the layout of the cache: for tests, and for copying between remotes.

import { makeFolder, moveFile, parentOf, setMode, statPath } from "../sys/mod.ts";
import { blobKey } from "./keys.ts";
import type { BlobStore } from "./ports.ts";

/** The blobs below `root`, an absolute path. */
export function directoryStore(root: string): BlobStore {
  return {
    find(blob) {
      const path = `${root}/${blobKey(blob.digest)}`;
      return statPath(path)?.size === blob.size ? path : undefined;
    },
    temporary() {
      makeFolder(`${root}/tmp`);
      return `${root}/tmp/${crypto.randomUUID()}`;
    },
    adopt(temporary, blob) {
      const path = `${root}/${blobKey(blob.digest)}`;
      makeFolder(parentOf(path));
      setMode(temporary, 0o444);
      moveFile(temporary, path);
    },
    altered(blob, path) {
      makeFolder(`${root}/quarantine`);
      moveFile(path, `${root}/quarantine/${blob.digest}-${crypto.randomUUID()}`);
    },
  };
}
