// Local state in LMDB. Invariants: it may be deleted at any time and is rebuilt; what was put is visible to this
// process at once and durable after `commit()`; a process that dies loses only puts, never consistency.

import type { FileIndex, IndexedFile } from "../core/mod.ts";
import { messageOf } from "../core/mod.ts";
import { type FileStamp, isRacy, moveFile, removeTree, sameStamp } from "../sys/mod.ts";
import type { RootDatabase } from "lmdb";
import { whyUnusable } from "./check_header.ts";
import { decodeFile, encodeFile } from "./file_record.ts";
import { type History, historyIn } from "./history.ts";
import { bootMark } from "./boot_mark.ts";
import { BufferedTable, type KeyValue, type TableOfBytes } from "./buffered_table.ts";
import { boundRuns, type RunCache, runCacheIn } from "./run_cache.ts";

/** Version of the database's layout; another one is moved aside. */
export const STATE_VERSION = 1;

/** Remembers what was parsed from a small file while the file's stamp stays the same. */
export interface ParsedFiles {
  /** What was kept for `path` at this stamp. */
  get<Value>(path: string, stamp: FileStamp): Value | undefined;
  /** Keeps a JSON value that was read at `readAtMs`; a racy stamp is not kept. */
  put(path: string, value: unknown, at: { readonly stamp: FileStamp; readonly readAtMs: number }): void;
}

/** The open state database. */
export interface State extends AsyncDisposable {
  /** Why the database was rebuilt, if it was. */
  readonly warning: string | undefined;
  readonly files: FileIndex;
  readonly parsed: ParsedFiles;
  readonly runs: RunCache;
  readonly history: History;
  /** A store of its own for a room: `analysis`, `declarations`, `remote`, `pending`. */
  kv(
    namespace:
      | "analysis"
      | "declarations"
      | "remote"
      | "pending"
      | "generations"
      | "incremental"
      | "revisions"
      | "durations",
  ): KeyValue;
  /** Makes all puts durable in one transaction. */
  commit(): Promise<void>;
}

/** Options of {@linkcode openState}. */
export interface OpenStateOptions {
  /** Milliseconds since the epoch. @default Date.now */
  readonly now?: () => number;
  /** Milliseconds since the machine started. @default Deno.osUptime */
  readonly uptimeMs?: () => number;
}

/** Opens the state database in `folder`, which is made if it is missing. A database that cannot be read is moved aside. */
export async function openState(folder: string, options: OpenStateOptions = {}): Promise<State> {
  const { open } = await import("lmdb");
  const tryOpen = () =>
    openDatabases(open({ path: folder, noSubdir: false, encoding: "binary", maxDbs: 16, useWritemap: false }));
  Deno.mkdirSync(folder, { recursive: true });
  try {
    const why = whyUnusable(folder);
    if (why !== undefined) throw new Error(why);
    const databases = tryOpen();
    if (databases.version === STATE_VERSION) return stateOver(databases, undefined, options);
    await databases.root.close();
    moveAside(folder);
    return stateOver(
      tryOpen(),
      `the state database had format ${databases.version}; it was set aside and is rebuilt`,
      options,
    );
  } catch (error) {
    moveAside(folder);
    return stateOver(
      tryOpen(),
      `the state database could not be read (${messageOf(error)}); it was set aside and is rebuilt`,
      options,
    );
  }
}

function moveAside(folder: string): void {
  const old = `${folder}.old`;
  removeTree(old);
  moveFile(folder, old);
  Deno.mkdirSync(folder, { recursive: true });
}

interface Databases {
  readonly root: RootDatabase<Uint8Array, string>;
  readonly version: number;
  readonly table: (name: string) => TableOfBytes;
}

function openDatabases(root: RootDatabase<Uint8Array, string>): Databases {
  const opened = new Map<string, TableOfBytes>();
  const table = (name: string) => {
    const found = opened.get(name) ?? root.openDB<Uint8Array, string>({ name, encoding: "binary" });
    opened.set(name, found);
    return found;
  };
  const stored = table("meta").get("version");
  const version = stored === undefined ? STATE_VERSION : Number(decoder.decode(stored));
  if (stored === undefined) void table("meta").put("version", encoder.encode(String(STATE_VERSION)));
  return { root, version, table };
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function stateOver(databases: Databases, warning: string | undefined, options: OpenStateOptions): State {
  const buffers = new Map<string, BufferedTable>();
  const kv = (name: string) => {
    const found = buffers.get(name) ?? new BufferedTable(databases.table(name));
    buffers.set(name, found);
    return found;
  };
  const boot = bootMark(kv("meta"), options);
  boot.forgetUnsynced(kv("files"));
  let last: Promise<void> = Promise.resolve();
  const commitNow = async () => {
    const dirty = [...buffers.values()].filter((buffer) => buffer.dirty);
    if (dirty.length === 0) return;
    if (kv("runs").dirty) boundRuns(kv("runs"));
    boot.write();
    await commitBuffers(databases.root, [...buffers.values()].filter((buffer) => buffer.dirty));
  };
  const commit = () => {
    // One at a time; a commit that failed does not fail the next.
    last = last.then(commitNow, commitNow);
    return last;
  };
  return {
    warning,
    files: fileIndexIn(kv("files")),
    parsed: parsedIn(kv("parsed")),
    runs: runCacheIn(kv("runs")),
    history: historyIn(kv("history")),
    kv,
    commit,
    async [Symbol.asyncDispose]() {
      await last.catch(() => undefined);
      await databases.root.close();
    },
  };
}

async function commitBuffers(
  root: RootDatabase<Uint8Array, string>,
  dirty: readonly BufferedTable[],
): Promise<void> {
  try {
    await root.transaction(() => dirty.forEach((buffer) => buffer.flush()));
    await root.flushed;
  } catch (error) {
    dirty.forEach((buffer) => buffer.settle("failed"));
    throw error;
  }
  dirty.forEach((buffer) => buffer.settle("durable"));
}

function fileIndexIn(table: BufferedTable): FileIndex {
  return {
    get(path) {
      const bytes = table.get(path);
      return bytes === undefined ? undefined : decodeFile(bytes);
    },
    put: (path: string, file: IndexedFile) => table.put(path, encodeFile(file)),
    delete: (path) => table.delete(path),
  };
}

interface ParsedRecord {
  readonly stamp: FileStamp;
  readonly value: unknown;
}

function parsedIn(table: BufferedTable): ParsedFiles {
  return {
    get<Value>(path: string, stamp: FileStamp) {
      const bytes = table.get(path);
      if (bytes === undefined) return undefined;
      const record = JSON.parse(decoder.decode(bytes)) as ParsedRecord;
      return sameStamp(record.stamp, stamp) ? record.value as Value : undefined;
    },
    put(path, value, { stamp, readAtMs }) {
      if (isRacy(stamp, readAtMs)) return;
      const { size, mtimeMs, ctimeMs, inode } = stamp;
      table.put(path, encoder.encode(JSON.stringify({ stamp: { size, mtimeMs, ctimeMs, inode }, value })));
    },
  };
}
