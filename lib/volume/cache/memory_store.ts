// An object store in memory, for tests and for trying things out. Same contract as the real ones, conditions included.

import { byCodeUnit, PivotError } from "../../core/mod.ts";
import type { ObjectInfo, ObjectSource, ObjectStore, PutOptions } from "../ports.ts";

interface Stored {
  readonly info: ObjectInfo;
  readonly bytes: Uint8Array;
}

/** A store whose objects live as long as it does. */
export class MemoryStore implements ObjectStore {
  readonly url = "memory://";
  readonly #objects = new Map<string, Stored>();
  #version = 0;
  /** Bytes that `get` handed out. */
  bytesRead = 0;

  /** What is known of an object. */
  head(key: string): Promise<ObjectInfo | undefined> {
    return Promise.resolve(this.#objects.get(key)?.info);
  }

  /** An object's bytes. */
  get(...[key, options = {}]: Parameters<ObjectStore["get"]>): ReturnType<ObjectStore["get"]> {
    const stored = this.#objects.get(key);
    if (stored === undefined) return Promise.resolve(undefined);
    if (options.ifMatch !== undefined && options.ifMatch !== stored.info.etag) {
      return Promise.reject(conditionFailed(key));
    }
    const { offset, length } = options.range ?? { offset: 0, length: stored.bytes.length };
    const bytes = stored.bytes.slice(offset, offset + length);
    this.bytesRead += bytes.length;
    return Promise.resolve({ info: stored.info, body: ReadableStream.from([bytes]) });
  }

  async put(key: string, source: ObjectSource, options: PutOptions): Promise<ObjectInfo> {
    const bytes = new Uint8Array(source.size);
    let size = 0;
    for await (const chunk of source.open()) {
      bytes.set(chunk, size);
      size += chunk.length;
    }
    options.signal?.throwIfAborted();
    const before = this.#objects.get(key)?.info.etag;
    if (options.ifAbsent && before !== undefined) throw conditionFailed(key);
    if (options.ifMatch !== undefined && options.ifMatch !== before) throw conditionFailed(key);
    const info: ObjectInfo = { key, size, etag: `v${++this.#version}`, metadata: { ...options.metadata } };
    this.#objects.set(key, { info, bytes });
    return info;
  }

  delete(...[key, options = {}]: Parameters<ObjectStore["delete"]>): Promise<void> {
    const etag = this.#objects.get(key)?.info.etag;
    if (options.ifMatch === undefined || options.ifMatch === etag) this.#objects.delete(key);
    return Promise.resolve();
  }

  async *list(prefix: string): AsyncGenerator<ObjectInfo> {
    for (const key of [...this.#objects.keys()].sort(byCodeUnit)) {
      const info = this.#objects.get(key)?.info;
      if (info !== undefined && key.startsWith(prefix)) yield await Promise.resolve({ ...info, metadata: {} });
    }
  }
}

/** What a store throws when the object is not the version that was asked for. */
export function conditionFailed(key: string): PivotError {
  return new PivotError(`the object "${key}" is not the version that was expected`, {
    code: "precondition-failed",
    kind: "remote",
  });
}
