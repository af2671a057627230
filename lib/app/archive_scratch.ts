// Where a run keeps archives on their way to a store. Invariant: the folder is locked by the kernel as long as its process
// lives, so the next run removes what a killed one left, and nothing of one that still runs.

import { lockFile, makeFolder, removeTree, tryLockFile } from "../sys/mod.ts";

/** A folder of one run; it is gone after disposal. */
export interface ArchiveScratch extends Disposable {
  /** Absolute path. */
  readonly path: string;
}

/** Makes a folder below `parent`, after removing what killed runs left there. */
export async function openArchiveScratch(parent: string, signal: AbortSignal): Promise<ArchiveScratch> {
  makeFolder(parent);
  // One at a time: a folder that is not locked yet must not be taken for a left one.
  using _guard = await lockFile(`${parent}/.lock`, { what: "making a folder for archives", signal });
  for (const { name, isDirectory } of Deno.readDirSync(parent)) {
    if (isDirectory && /^run-[0-9a-f]{8}$/.test(name)) sweep(`${parent}/${name}`);
  }
  const path = `${parent}/run-${crypto.randomUUID().slice(0, 8)}`;
  makeFolder(path);
  const lock = tryLockFile(`${path}/lock`, "storing volumes");
  return {
    path,
    [Symbol.dispose]() {
      removeTree(path);
      lock?.[Symbol.dispose]();
    },
  };
}

function sweep(path: string): void {
  try {
    using lock = tryLockFile(`${path}/lock`, "removing what a killed run left");
    if (lock !== undefined) removeTree(path);
  } catch (error) {
    // Another user's: theirs to remove.
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
}
