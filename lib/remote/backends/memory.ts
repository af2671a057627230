// A backend in memory: the contract at its plainest, for tests and for trying things out.

import { assert, byCodeUnit } from "../../core/mod.ts";
import { createHash } from "node:crypto";
import type { Backend, ObjectInfo, PartUpload, PartUploads, PutOptions, UploadedPart } from "./backend.ts";
import { remoteProblem } from "./problems.ts";
import { streamOf } from "./streams.ts";

interface Kept {
  readonly info: ObjectInfo;
  readonly bytes: Uint8Array;
}

/** Makes an empty backend. @param name Stands in its URL, `memory://<name>`. */
export function memoryBackend(name: string): Backend {
  const url = `memory://${name}`;
  const objects = new Map<string, Kept>();

  const put = (key: string, bytes: Uint8Array, options: PutOptions): "stored" | "exists" => {
    options.signal?.throwIfAborted();
    if (options.ifAbsent === true && objects.has(key)) return "exists";
    if (createHash("sha256").update(bytes).digest("hex") !== options.sha256) {
      throw remoteProblem("bad-checksum", { url, tried: `write "${key}"` });
    }
    const info = { key, size: bytes.length, modifiedMs: Date.now(), sha256: options.sha256 };
    objects.set(key, { info, bytes: bytes.slice() });
    return "stored";
  };

  return {
    url,
    head: (key, options) => settle(options?.signal, () => objects.get(key)?.info),
    get: (key, options) =>
      settle(options?.signal, () => {
        const kept = objects.get(key);
        if (kept === undefined) return undefined;
        const { start, end } = options?.range ?? { start: 0, end: kept.bytes.length };
        return { info: kept.info, body: streamOf(kept.bytes.slice(start, end)) };
      }),
    put: (key, bytes, options) => settle(options.signal, () => put(key, bytes, options)),
    async *list(prefix, options) {
      const after = options?.after ?? "";
      for (const key of [...objects.keys()].sort(byCodeUnit)) {
        await settle(options?.signal, () => undefined);
        const kept = objects.get(key);
        if (kept === undefined || !key.startsWith(prefix) || key <= after) continue;
        const { size, modifiedMs } = kept.info;
        yield { key, size, modifiedMs };
      }
    },
    delete: (key, options) => settle(options?.signal, () => void objects.delete(key)),
    parts: memoryParts(put, (key) => objects.has(key)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function settle<Value>(signal: AbortSignal | undefined, act: () => Value): Promise<Value> {
  return new Promise((resolve) => {
    signal?.throwIfAborted();
    resolve(act());
  });
}

type Put = (key: string, bytes: Uint8Array, options: PutOptions) => "stored" | "exists";

function memoryParts(put: Put, has: (key: string) => boolean): PartUploads {
  const uploads = new Map<
    string,
    { upload: PartUpload; sha256: PutOptions["sha256"]; parts: Map<number, Uint8Array> }
  >();
  const tagOf = (bytes: Uint8Array) => createHash("md5").update(bytes).digest("hex");
  return {
    begin: (key, options) =>
      settle(options.signal, () => {
        const upload = { key, id: crypto.randomUUID(), startedMs: Date.now() };
        uploads.set(upload.id, { upload, sha256: options.sha256, parts: new Map() });
        return upload;
      }),
    send: (upload, part, options) =>
      settle(options?.signal, (): UploadedPart => {
        const found = uploads.get(upload.id);
        assert(found !== undefined, "parts are sent to an upload that was begun");
        found.parts.set(part.number, part.bytes.slice());
        return { number: part.number, tag: tagOf(part.bytes), size: part.bytes.length };
      }),
    complete: (upload, parts, options) =>
      settle(options.signal, () => {
        const found = uploads.get(upload.id);
        if (found === undefined && has(upload.key)) return "exists";
        assert(found !== undefined, "an upload that was begun is completed");
        const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.size, 0));
        let at = 0;
        for (const part of parts) {
          bytes.set(found.parts.get(part.number) ?? new Uint8Array(), at);
          at += part.size;
        }
        const done = put(upload.key, bytes, { sha256: found.sha256, ifAbsent: true });
        uploads.delete(upload.id);
        return done;
      }),
    abort: (upload) => settle(undefined, () => void uploads.delete(upload.id)),
    list: (prefix, options) =>
      settle(
        options?.signal,
        () => [...uploads.values()].map(({ upload }) => upload).filter(({ key }) => key.startsWith(prefix)),
      ),
    sent: (upload, options) =>
      settle(options?.signal, () => {
        const found = uploads.get(upload.id);
        if (found === undefined) return undefined;
        return [...found.parts].sort(([a], [b]) => a - b)
          .map(([number, bytes]) => ({ number, tag: tagOf(bytes), size: bytes.length }));
      }),
  };
}
