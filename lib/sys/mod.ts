/**
 * The machine below us: files, hashes, processes, locks between processes. Only this room renames, links and syncs.
 *
 * @module
 */

export { createHasher, hashBytes, type Hasher, hashText } from "./hash.ts";
export { type FileKind, type FileStamp, type FileStat, isRacy, sameStamp, statPath, TICK_MS } from "./disk/stat.ts";
export {
  type DurableWriteOptions,
  parentOf,
  removeIfThere,
  syncFile,
  syncFolder,
  writeDurable,
} from "./disk/durable_write.ts";
export {
  delay,
  type FileLock,
  lockFile,
  type LockFileOptions,
  type LockHolder,
  readLockHolder,
  tryLockFile,
} from "./disk/file_lock.ts";
export { type WatchOptions, watchTree } from "./watch.ts";
export { walk, type WalkEntry, type WalkOptions } from "./disk/walk.ts";
export { release } from "./release.ts";
export { safeJoin } from "./disk/safe_join.ts";
export { copyFile, hardLink, makeFolder, moveFile, removeTree, replaceWith, setMode, symLink } from "./disk/place.ts";
export { type Git, openGit } from "./git.ts";
export { type FileHash, hashFile } from "./hash_file.ts";
export { type ChildExit, type ChildProcess, spawnChild, type SpawnOptions } from "./process.ts";
