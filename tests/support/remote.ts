// What tests of remotes share: blobs in folders.

import { randomBytes } from "node:crypto";
import { hashBytes } from "../../lib/sys/mod.ts";
import { blobKey } from "../../lib/remote/keys.ts";
import type { BlobRequest } from "../../lib/remote/mod.ts";

/** A temporary folder that goes away with its holder. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync();
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Puts a blob of random bytes into the folder of a `directoryStore`. */
export function addBlob(root: string, size: number): BlobRequest {
  const bytes = new Uint8Array(randomBytes(size));
  const digest = hashBytes(bytes);
  const path = `${root}/${blobKey(digest)}`;
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.writeFileSync(path, bytes);
  return { digest, size, label: `out/${digest}` };
}
