// The run cache on a remote: what inputs led to, for those who never ran the stage. Invariants: only entries whose every blob the remote
// has are shared; one that comes back is used only if it fits the stage as it is declared, its folders hash to their digests, and its
// blobs arrived whole.

import { blobsOf, listingDigest } from "../cache/mod.ts";
import { byCodeUnit, type Digest, messageOf, PivotError } from "../core/mod.ts";
import type { StageSpec } from "../pipeline/mod.ts";
import type { BlobRequest, ObjectInfo, Remote } from "../remote/mod.ts";
import { entryFromJson, entryToJson, type RunCacheEntry, type RunCacheOut } from "../state/mod.ts";
import { hashBytes } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";
import { blobRequests } from "./recorded.ts";

/** What sharing came to. */
export interface SharedRunsResult {
  /** Entries that were written. */
  readonly shared: number;
  /** Entries that were there. */
  readonly same: number;
  /** Why others could not be. */
  readonly errors: readonly PivotError[];
}

/** Options of {@linkcode shareRuns}. */
export interface ShareRunsOptions {
  /** Blobs that the remote has now. */
  readonly there: ReadonlySet<Digest>;
  /** Also runs that made nothing but small outputs which travel in the entry. */
  readonly everything: boolean;
  readonly signal: AbortSignal;
}

/** Shares every entry of the local run cache whose blobs the remote has. */
export async function shareRuns(
  project: Project,
  remote: Remote,
  options: ShareRunsOptions,
): Promise<SharedRunsResult> {
  const seen = new Map<Digest, ObjectInfo | undefined>();
  const errors: PivotError[] = [];
  let [shared, same] = [0, 0];
  for (const [input, entry] of project.state.runs.entries()) {
    options.signal.throwIfAborted();
    if (!canTravel(entry)) continue;
    const blobs = blobsOfEntry(entry);
    if (!blobs.every(({ digest }) => options.there.has(digest)) || (blobs.length === 0 && !options.everything)) {
      continue;
    }
    try {
      const done = await remote.pushRun({ input, entry: entryToJson(entry), blobs }, { signal: options.signal, seen });
      if (done === "stored") shared++;
      else if (done === "exists") same++;
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof PivotError) || error.kind !== "remote") throw error;
      errors.push(error);
      // The next one would meet the same.
      break;
    }
  }
  await project.state.commit();
  return { shared, same, errors };
}

/** An output that is neither cached nor small enough to be in the entry cannot come back. */
function canTravel(entry: RunCacheEntry): boolean {
  return entry.outs.every((out) => out.cache || out.inline !== undefined);
}

function blobsOfEntry(entry: RunCacheEntry): BlobRequest[] {
  return entry.outs.filter((out) => out.inline === undefined).flatMap(({ path, content }) =>
    blobRequests(path, content)
  );
}

/**
 * An entry that fits the stage.
 *
 * @throws {PivotError} `remote-run-forged` (kind `integrity`) for one that was not made by a run of these very inputs.
 */
export function checkedEntry(
  value: unknown,
  about: { readonly spec: StageSpec; readonly url: string; readonly named: readonly BlobRequest[] },
): RunCacheEntry {
  try {
    const entry = entryFromJson(value);
    assertFits(entry, about);
    return entry;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new PivotError(
      `${about.url} holds a run of stage "${about.spec.name}" that no run can have made: ${messageOf(error)}`,
      {
        code: "remote-run-forged",
        kind: "integrity",
        hint: "it was not used; find out who wrote it, and delete it there",
        cause: error,
      },
    );
  }
}

function assertFits(
  entry: RunCacheEntry,
  { spec, named }: { readonly spec: StageSpec; readonly named: readonly BlobRequest[] },
): void {
  const declared = spec.outs.map(({ path, kind, cache, directory }) => `${path} ${kind} ${cache} ${directory}`);
  const found = entry.outs.map(({ path, kind, cache, content }) =>
    `${path} ${kind} ${cache} ${content.type === "directory"}`
  );
  if (declared.sort(byCodeUnit).join("\n") !== found.sort(byCodeUnit).join("\n")) {
    throw new TypeError("its outputs are not those that the stage declares");
  }
  const sizes = new Map(named.map(({ digest, size }) => [digest, size]));
  for (const { path, content, inline, cache } of entry.outs) {
    if (content.type === "directory" && listingDigest(content.files) !== content.hash) {
      throw new TypeError(`the files of "${path}" are not those of its digest`);
    }
    if (inline !== undefined) assertInline(path, { content, inline, cache });
    else if (!blobsOf(content).every(({ hash, size }) => sizes.get(hash) === size)) {
      throw new TypeError(`it does not vouch for the blobs of "${path}"`);
    }
  }
}

function assertInline(path: string, out: { content: RunCacheOut["content"]; inline: string; cache: boolean }): void {
  const bytes = base64(out.inline);
  const isThat = bytes !== undefined && out.content.type === "file" && bytes.length === out.content.size &&
    hashBytes(bytes) === out.content.hash;
  if (!isThat || out.cache) throw new TypeError(`the bytes of "${path}" are not those of its digest`);
}

function base64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.fromBase64(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
