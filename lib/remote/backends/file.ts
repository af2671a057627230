// A folder as a remote: the layout of the local cache, with each object's SHA-256 beside it under `.pivot-sha256/`.
// Invariant: an object appears by one link or rename of a complete, synced file. The record beside it comes after; if a crash
// comes between, readers find an object without SHA-256 and check its xxhash64 alone.

import { byCodeUnit, isSha256, messageOf, PivotError, type Sha256 } from "../../core/mod.ts";
import {
  hardLink,
  makeFolder,
  moveFile,
  parentOf,
  removeIfThere,
  removeTree,
  safeJoin,
  statPath,
  syncFile,
  writeDurable,
} from "../../sys/mod.ts";
import { createHash } from "node:crypto";
import type { Backend, ByteRange, ObjectInfo, PartUpload, PartUploads, PutOptions, UploadedPart } from "./backend.ts";
import { remoteProblem } from "./problems.ts";
import { streamOf } from "./streams.ts";

const RECORDS = ".pivot-sha256";
const UPLOADS = ".pivot-uploads";
const CHUNK_BYTES = 1024 * 1024;

/** A remote in the folder `root`, an absolute path. The folder is made by the first write. */
export function fileBackend(root: string): Backend {
  return new FileBackend(root);
}

class FileBackend implements Backend {
  readonly url: string;
  readonly parts: PartUploads;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.url = `file://${root}`;
    this.parts = new FileParts(root, this.url);
  }

  head(key: string, options: { signal?: AbortSignal } = {}): Promise<ObjectInfo | undefined> {
    return guarded(this.url, { tried: `look at "${key}"`, ...options }, () => infoOf(this.#root, key));
  }

  get(key: string, options: { signal?: AbortSignal; range?: ByteRange } = {}): ReturnType<Backend["get"]> {
    return guarded(this.url, { tried: `read "${key}"`, ...options }, () => {
      const info = infoOf(this.#root, key);
      if (info === undefined) return undefined;
      const range = options.range ?? { start: 0, end: info.size };
      if (range.end === range.start) return { info, body: streamOf(new Uint8Array()) };
      return { info, body: fileStream(safeJoin(this.#root, key), range) };
    });
  }

  put(key: string, bytes: Uint8Array, options: PutOptions): Promise<"stored" | "exists"> {
    return guarded(this.url, { tried: `write "${key}"`, ...options }, () => {
      if (createHash("sha256").update(bytes).digest("hex") !== options.sha256) {
        throw remoteProblem("bad-checksum", { url: this.url, tried: `write "${key}"` });
      }
      const temporary = `${this.#root}/${UPLOADS}/${crypto.randomUUID()}`;
      writeDurable(temporary, bytes, { mode: 0o444 });
      return publish(this.#root, { key, temporary, sha256: options.sha256, ifAbsent: options.ifAbsent === true });
    });
  }

  async *list(prefix: string, options: { signal?: AbortSignal; after?: string } = {}): AsyncGenerator<ObjectInfo> {
    const tried = { tried: `list "${prefix}"`, ...options };
    const keys = await guarded(this.url, tried, () => keysBelow(this.#root, prefix));
    for (const key of keys) {
      options.signal?.throwIfAborted();
      if (key <= (options.after ?? "")) continue;
      const stat = statPath(`${this.#root}/${key}`);
      if (stat !== undefined) yield { key, size: stat.size, modifiedMs: stat.mtimeMs };
    }
  }

  delete(key: string, options: { signal?: AbortSignal } = {}): Promise<void> {
    return guarded(this.url, { tried: `delete "${key}"`, ...options }, () => {
      removeIfThere(safeJoin(this.#root, key));
      removeIfThere(safeJoin(this.#root, `${RECORDS}/${key}`));
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

function guarded<Value>(
  url: string,
  call: { readonly tried: string; readonly signal?: AbortSignal },
  act: () => Value,
): Promise<Value> {
  return new Promise((resolve) => {
    call.signal?.throwIfAborted();
    try {
      resolve(act());
    } catch (error) {
      throw fileProblem(url, call.tried, error);
    }
  });
}

function fileProblem(url: string, tried: string, error: unknown): unknown {
  if (error instanceof PivotError && (error.kind === "remote" || error.code === "unsafe-path")) return error;
  const inner = error instanceof PivotError ? error.cause ?? error : error;
  const osCode = String((inner as { code?: unknown }).code);
  const reason = /ENOSPC|EDQUOT/.test(osCode) ? "no-space" : /EACCES|EPERM|EROFS/.test(osCode) ? "denied" : "refused";
  return remoteProblem(reason, { url, tried, said: messageOf(inner), cause: error });
}

function infoOf(root: string, key: string): ObjectInfo | undefined {
  const stat = statPath(safeJoin(root, key));
  if (stat?.kind !== "file") return undefined;
  const sha256 = recordOf(root, key);
  return { key, size: stat.size, modifiedMs: stat.mtimeMs, ...(sha256 === undefined ? {} : { sha256 }) };
}

function recordOf(root: string, key: string): Sha256 | undefined {
  try {
    const text = Deno.readTextFileSync(safeJoin(root, `${RECORDS}/${key}`)).trim();
    return isSha256(text) ? text : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

interface Publication {
  readonly key: string;
  readonly temporary: string;
  readonly sha256: Sha256;
  readonly ifAbsent: boolean;
}

function publish(root: string, { key, temporary, sha256, ifAbsent }: Publication): "stored" | "exists" {
  const path = safeJoin(root, key);
  makeFolder(parentOf(path));
  try {
    if (!ifAbsent) moveFile(temporary, path);
    else if (!linkNew(temporary, path)) return "exists";
    writeDurable(safeJoin(root, `${RECORDS}/${key}`), sha256);
    return "stored";
  } finally {
    removeIfThere(temporary);
  }
}

function linkNew(temporary: string, path: string): boolean {
  try {
    hardLink(temporary, path);
    return true;
  } catch (error) {
    if (error instanceof PivotError && error.code === "exists") return false;
    throw error;
  }
}

function fileStream(path: string, range: ByteRange): ReadableStream<Uint8Array> {
  const file = Deno.openSync(path);
  file.seekSync(range.start, Deno.SeekMode.Start);
  let left = range.end - range.start;
  return new ReadableStream({
    pull(controller) {
      const buffer = new Uint8Array(Math.min(CHUNK_BYTES, left));
      const count = file.readSync(buffer) ?? 0;
      if (count > 0) controller.enqueue(buffer.subarray(0, count));
      left -= count;
      if (left > 0 && count > 0) return;
      file.close();
      controller.close();
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}

function keysBelow(root: string, prefix: string): string[] {
  const found: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readFolder(folder === "" ? root : `${root}/${folder}`)) {
      const key = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (key === RECORDS || key === UPLOADS) continue;
      if (entry.isFile && key.startsWith(prefix)) found.push(key);
      else if (entry.isDirectory && (`${key}/`.startsWith(prefix) || prefix.startsWith(`${key}/`))) visit(key);
    }
  };
  visit("");
  return found.sort(byCodeUnit);
}

function readFolder(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

// An unfinished upload is a folder `.pivot-uploads/<id>/` with one file per part and `about.json`.
class FileParts implements PartUploads {
  readonly #root: string;
  readonly #url: string;

  constructor(root: string, url: string) {
    this.#root = root;
    this.#url = url;
  }

  #folder(id: string): string {
    return safeJoin(`${this.#root}/${UPLOADS}`, id);
  }

  begin(key: string, options: { signal?: AbortSignal; sha256: Sha256 }): Promise<PartUpload> {
    return guarded(this.#url, { tried: `begin "${key}"`, ...options }, () => {
      const upload = { key, id: crypto.randomUUID(), startedMs: Date.now() };
      writeDurable(`${this.#folder(upload.id)}/about.json`, JSON.stringify({ ...upload, sha256: options.sha256 }));
      return upload;
    });
  }

  send(
    upload: PartUpload,
    part: { readonly number: number; readonly bytes: Uint8Array },
    options: { signal?: AbortSignal } = {},
  ): Promise<UploadedPart> {
    return guarded(this.#url, { tried: `write a part of "${upload.key}"`, ...options }, () => {
      writeDurable(`${this.#folder(upload.id)}/${part.number}`, part.bytes);
      return { number: part.number, tag: md5(part.bytes), size: part.bytes.length };
    });
  }

  complete(
    upload: PartUpload,
    parts: readonly UploadedPart[],
    options: { signal?: AbortSignal },
  ): Promise<"stored" | "exists"> {
    return guarded(this.#url, { tried: `write "${upload.key}"`, ...options }, () => {
      const folder = this.#folder(upload.id);
      if (statPath(folder) === undefined && infoOf(this.#root, upload.key) !== undefined) return "exists";
      const about: { sha256: Sha256 } = JSON.parse(Deno.readTextFileSync(`${folder}/about.json`));
      const temporary = `${folder}/whole`;
      removeIfThere(temporary);
      {
        using file = Deno.openSync(temporary, { write: true, createNew: true, mode: 0o444 });
        for (const part of parts) writeAll(file, Deno.readFileSync(`${folder}/${part.number}`));
        syncFile(file);
      }
      const done = publish(this.#root, { key: upload.key, temporary, sha256: about.sha256, ifAbsent: true });
      removeTree(folder);
      return done;
    });
  }

  abort(upload: PartUpload): Promise<void> {
    return guarded(this.#url, { tried: `give up "${upload.key}"` }, () => removeTree(this.#folder(upload.id)));
  }

  list(prefix: string, options: { signal?: AbortSignal } = {}): Promise<readonly PartUpload[]> {
    return guarded(
      this.#url,
      { tried: "list unfinished uploads", ...options },
      () =>
        readFolder(`${this.#root}/${UPLOADS}`).filter((entry) => entry.isDirectory).flatMap(({ name }) => {
          const about = `${this.#folder(name)}/about.json`;
          if (statPath(about) === undefined) return [];
          const { key, id, startedMs }: PartUpload = JSON.parse(Deno.readTextFileSync(about));
          return key.startsWith(prefix) ? [{ key, id, startedMs }] : [];
        }),
    );
  }

  sent(upload: PartUpload, options: { signal?: AbortSignal } = {}): Promise<readonly UploadedPart[] | undefined> {
    return guarded(this.#url, { tried: `look at the parts of "${upload.key}"`, ...options }, () => {
      const names = readFolder(this.#folder(upload.id)).map(({ name }) => name);
      if (!names.includes("about.json")) return undefined;
      return names.filter((name) => /^\d+$/.test(name)).map(Number).sort((a, b) => a - b).map((number) => {
        const bytes = Deno.readFileSync(`${this.#folder(upload.id)}/${number}`);
        return { number, tag: md5(bytes), size: bytes.length };
      });
    });
  }
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}
