/**
 * What is remembered between runs: the git-tracked locks, and the local LMDB state that may be deleted at any time.
 *
 * @module
 */

export { formatLock, LOCK_VERSION, type LockedOut, lockFromYaml, lockPath, type StageLock } from "./lock_file.ts";
export { type Locks, type LockWarning, openLocks } from "./locks.ts";
export { type History, type HistoryRecord, type HistoryStage, newRunId } from "./history.ts";
export { type RunCache, type RunCacheEntry, type RunCacheOut } from "./run_cache.ts";
export { entryFromJson, entryToJson } from "./shared_entry.ts";
export type { KeyValue } from "./buffered_table.ts";
export { openState, type OpenStateOptions, type ParsedFiles, type State, STATE_VERSION } from "./state.ts";
export { openTracked, type Tracked, TRACKED_FOLDER, trackedFile, trackedFromText } from "./tracked.ts";
