// The coordinator's half of writing: hands frames to the workers, puts their answers in order, adds labels and index.
// Invariant: memory is bounded by the frames under way, whatever the size of the volume.

import { assert } from "../../core/mod.ts";
import type { WorkerPool } from "../../pool/mod.ts";
import { type ArchiveIndex, encodeIndex, type IndexedEntry, type IndexedFrame } from "./archive_index.ts";
import type { Compression, PackJob, PackResult } from "./jobs.ts";
import { encodeLabel } from "./label.ts";
import type { TreeListing } from "./list_tree.ts";
import { inOrder } from "./in_order.ts";
import { type FramePlan, planFrames } from "./plan.ts";
import { formatTime } from "./tar_encode.ts";

/** What to archive and how. */
export interface WriteArchiveOptions {
  /** Folder that holds the files. */
  readonly root: string;
  /** What {@linkcode listTree} said of it. */
  readonly listing: Pick<TreeListing, "entries">;
  /** How the archive is compressed. */
  readonly compression: Compression;
  /** Compression level. @default zstd 3, gzip 6 */
  readonly level?: number;
  /** Archives and hashes; needs `archive` workers. */
  readonly pool: WorkerPool;
  /** Cancels the call. */
  readonly signal?: AbortSignal;
}

/**
 * The bytes of an archive, chunk by chunk, each in memory of its own. The same tree gives the same bytes.
 *
 * @throws {PivotError} `source-changed` if a file is not as it was listed; the signal's reason.
 */
export async function* writeArchive(options: WriteArchiveOptions): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const index = new IndexBuilder();
  const { pool, signal } = options;
  const frames = inOrder(planFrames(options.listing.entries), 2 * pool.width("archive"), async (plan) => {
    const job = packJob(plan, options);
    const result = await pool.run<PackJob, PackResult>("archive", job, signal === undefined ? {} : { signal });
    return { plan, result };
  });
  for await (const { plan, result } of frames) {
    // The consumer may free what it was given, so its length is taken before.
    const packedBytes = result.packed.length;
    yield result.packed;
    if (options.compression !== "zstd") continue;
    const label = encodeLabel({ continues: plan.piece !== undefined, rawBytes: result.rawBytes });
    index.add(plan, result, packedBytes + label.length);
    yield label;
  }
  if (options.compression === "zstd") yield encodeIndex(index.build());
}

function packJob(plan: FramePlan, options: WriteArchiveOptions): PackJob {
  return {
    type: "pack",
    root: options.root,
    compression: options.compression,
    level: options.level,
    entries: plan.entries,
    lastLength: plan.lastLength,
    piece: plan.piece,
    last: plan.last,
  };
}

class IndexBuilder {
  readonly #frames: IndexedFrame[] = [];
  readonly #entries: IndexedEntry[] = [];

  add(plan: FramePlan, result: PackResult, packedBytes: number): void {
    for (const [at, entry] of plan.entries.entries()) {
      const offset = result.offsets[at];
      assert(offset !== undefined, "every entry has an offset");
      const { path, kind, mode, size, target } = entry;
      const frame = this.#frames.length;
      this.#entries.push({ path, kind, mode, size, target, mtime: formatTime(entry.mtime), frame, offset });
    }
    this.#frames.push({ packedBytes, rawBytes: result.rawBytes });
  }

  build(): ArchiveIndex {
    return { frames: this.#frames, entries: this.#entries };
  }
}
