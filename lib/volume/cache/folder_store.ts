// An object store in a folder of this machine: each object a file under its key, its metadata beside it. Invariant: an object
// is replaced by one rename while a lock is held; metadata that does not belong to the very file is not shown.

import { byCodeUnit, isJsonObject, messageOf, PivotError } from "../../core/mod.ts";
import {
  lockFile,
  makeFolder,
  moveFile,
  parentOf,
  removeIfThere,
  safeJoin,
  statPath,
  syncFile,
  walk,
  writeDurable,
} from "../../sys/mod.ts";
import type { ObjectInfo, ObjectSource, ObjectStore, PutOptions } from "../ports.ts";
import { conditionFailed } from "./memory_store.ts";
import { openRange } from "./spool.ts";

/** Folder for metadata, locks and half-written objects; no key may start with it. */
const SIDE_FOLDER = ".pivot-objects";

/** A store whose objects are files below a folder. */
export class FolderStore implements ObjectStore {
  readonly url: string;
  readonly #root: string;

  /** A store below a folder. @param root Absolute path; made when the first object is put. */
  constructor(root: string) {
    this.#root = root;
    this.url = `file://${root}`;
  }

  /** What is known of an object. */
  async head(key: string): Promise<ObjectInfo | undefined> {
    return await this.#inWords(`look at "${key}"`, () => this.#info(key));
  }

  /** An object's bytes. */
  async get(...[key, options = {}]: Parameters<ObjectStore["get"]>): ReturnType<ObjectStore["get"]> {
    return await this.#inWords(`read "${key}"`, () => {
      const info = this.#info(key);
      if (info === undefined) return undefined;
      if (options.ifMatch !== undefined && options.ifMatch !== info.etag) throw conditionFailed(key);
      return { info, body: openRange(this.#path(key), options.range ?? { offset: 0, length: info.size }) };
    });
  }

  async put(key: string, source: ObjectSource, options: PutOptions): Promise<ObjectInfo> {
    return await this.#inWords(`write "${key}"`, () => this.#put(key, source, options), options.signal);
  }

  async #put(key: string, source: ObjectSource, options: PutOptions): Promise<ObjectInfo> {
    const temporary = `${this.#root}/${SIDE_FOLDER}/new-${crypto.randomUUID()}`;
    makeFolder(parentOf(temporary));
    try {
      using file = Deno.openSync(temporary, { write: true, createNew: true });
      for await (const chunk of source.open()) {
        options.signal?.throwIfAborted();
        for (let written = 0; written < chunk.length;) written += await file.write(chunk.subarray(written));
      }
      syncFile(file);
      return await this.#publish(key, temporary, options);
    } finally {
      removeIfThere(temporary);
    }
  }

  async #publish(key: string, temporary: string, options: PutOptions): Promise<ObjectInfo> {
    using _lock = await this.#lock(options.signal);
    const before = this.#info(key)?.etag;
    const taken = options.ifAbsent === true && before !== undefined;
    if (taken || (options.ifMatch !== undefined && options.ifMatch !== before)) throw conditionFailed(key);
    const etag = etagOf(temporary);
    writeDurable(this.#sidePath(key), JSON.stringify({ etag, metadata: options.metadata }));
    makeFolder(parentOf(this.#path(key)));
    moveFile(temporary, this.#path(key));
    return this.#info(key) ?? { key, size: 0, etag: etag ?? "", metadata: {} };
  }

  async delete(...[key, options = {}]: Parameters<ObjectStore["delete"]>): Promise<void> {
    await this.#inWords(`delete "${key}"`, async () => {
      if (this.#info(key) === undefined) return;
      using _lock = await this.#lock(options.signal);
      if (options.ifMatch !== undefined && options.ifMatch !== this.#info(key)?.etag) return;
      removeIfThere(this.#path(key));
      removeIfThere(this.#sidePath(key));
    }, options.signal);
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    const found = await this.#inWords("list what is there", () => this.#below(prefix));
    for (const info of found) yield { ...info, metadata: {} };
  }

  #below(prefix: string): readonly ObjectInfo[] {
    if (statPath(this.#root) === undefined) return [];
    const found = walk(this.#root, { ignore: (path) => path === SIDE_FOLDER });
    return found.sort((a, b) => byCodeUnit(a.path, b.path)).flatMap(({ path }) => {
      const info = path.startsWith(prefix) ? this.#info(path) : undefined;
      return info === undefined ? [] : [info];
    });
  }

  /** What the disk says against it is told with what was tried, and where. */
  async #inWords<Value>(tried: string, act: () => Value | Promise<Value>, signal?: AbortSignal): Promise<Value> {
    try {
      return await act();
    } catch (error) {
      signal?.throwIfAborted();
      if (!isDisk(error)) throw error;
      throw new PivotError(`cannot ${tried} in ${this.url}: ${messageOf(error)}`, {
        code: "store-failed",
        kind: "remote",
        hint: "check that the folder can be read and written, and that its disk has room",
        cause: error,
      });
    }
  }

  #path(key: string): string {
    return safeJoin(this.#root, key);
  }

  #sidePath(key: string): string {
    return `${this.#root}/${SIDE_FOLDER}/${encodeURIComponent(key)}.json`;
  }

  #lock(signal: AbortSignal | undefined): Promise<Disposable> {
    const path = `${this.#root}/${SIDE_FOLDER}/lock`;
    return lockFile(path, { what: "replacing a stored volume", ...(signal === undefined ? {} : { signal }) });
  }

  #info(key: string): ObjectInfo | undefined {
    const stat = statPath(this.#path(key));
    const etag = etagOf(this.#path(key));
    if (stat?.kind !== "file" || etag === undefined) return undefined;
    return { key, size: stat.size, etag, metadata: this.#metadata(key, etag) };
  }

  #metadata(key: string, etag: string): Record<string, string> {
    const path = this.#sidePath(key);
    if (statPath(path) === undefined) return {};
    const value = parsed(Deno.readTextFileSync(path));
    if (!isJsonObject(value) || value["etag"] !== etag || !isJsonObject(value["metadata"])) return {};
    return Object.fromEntries(Object.entries(value["metadata"]).map(([name, text]) => [name, String(text)]));
  }
}

/** Whether it comes from the file system; `sys` has words of its own for some, and the system's error as their cause. */
function isDisk(error: unknown): boolean {
  const system = error instanceof PivotError ? error.cause : error;
  return system instanceof Error && typeof (system as { code?: unknown }).code === "string" &&
    !(system instanceof PivotError);
}

/** What cannot be read is no record. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A rename keeps all three, and a new file has another inode or time. */
function etagOf(path: string): string | undefined {
  const stat = statPath(path);
  return stat === undefined ? undefined : `${stat.inode}-${stat.size}-${stat.mtimeMs}`;
}
