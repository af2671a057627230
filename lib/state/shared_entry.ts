// An entry of the run cache as it travels: plain JSON in the notation of locks. Invariant: what comes from elsewhere is checked
// field by field before it is one of ours; whether its folders hash to their digests is asked by those who know listings.

import { isJsonObject, type Json, type PathContent } from "../core/mod.ts";
import { readRecordedPath } from "./lock_file.ts";
import type { RunCacheEntry, RunCacheOut } from "./run_cache.ts";

/** The entry as JSON. */
export function entryToJson(entry: RunCacheEntry): Json {
  return { runId: entry.runId, atMs: entry.atMs, outs: entry.outs.map(outToJson) };
}

function outToJson({ path, content, kind, cache, inline }: RunCacheOut): Json {
  const fields = {
    path,
    hash: content.hash,
    size: content.size,
    kind,
    cache,
    ...(inline === undefined ? {} : { inline }),
  };
  if (content.type === "file") return content.executable ? { ...fields, executable: true } : fields;
  const files = content.files.map((entry): Json => {
    if (entry.type === "directory") return { path: entry.path, directory: true };
    if (entry.type === "link") return { path: entry.path, link: entry.target };
    return { path: entry.path, hash: entry.hash, size: entry.size, ...(entry.executable ? { executable: true } : {}) };
  });
  return { ...fields, files };
}

/**
 * Reads what {@linkcode entryToJson} made.
 *
 * @throws {TypeError} if it is anything else.
 */
export function entryFromJson(value: unknown): RunCacheEntry {
  if (!isJsonObject(value)) throw new TypeError("it is not a mapping");
  const { runId, atMs, outs } = value;
  if (typeof runId !== "string" || !/^[\w.:-]{1,100}$/.test(runId)) throw new TypeError("its run has no name");
  if (typeof atMs !== "number" || !Number.isSafeInteger(atMs)) throw new TypeError("it has no time");
  if (!Array.isArray(outs)) throw new TypeError("it names no outputs");
  return { runId, atMs, outs: outs.map(readOut) };
}

function readOut(value: Json): RunCacheOut {
  let recorded: PathContent;
  try {
    recorded = readRecordedPath(value);
  } catch (error) {
    throw new TypeError(`an output is not recorded rightly: ${(error as Error).message}`);
  }
  const { kind, cache, inline } = isJsonObject(value) ? value : {};
  if (typeof kind !== "string" || typeof cache !== "boolean") throw new TypeError("an output has no kind");
  if (inline === undefined) return { ...recorded, kind, cache };
  if (typeof inline !== "string") throw new TypeError("an output's bytes are no text");
  return { ...recorded, kind, cache, inline };
}
