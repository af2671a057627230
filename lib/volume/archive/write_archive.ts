// The coordinator's half of writing: hands frames to the workers, puts their answers in order, adds labels and index.
// Invariant: memory is bounded by the frames under way, whatever the size of the volume.

import { assert } from "../../core/mod.ts";
import type { WorkerPool } from "../../pool/mod.ts";
import { type ArchiveIndex, encodeIndex, type IndexedEntry, type IndexedFrame } from "./archive_index.ts";
import type { Compression, PackJob, PackResult } from "./jobs.ts";
import { encodeLabel } from "./label.ts";
import type { TreeListing } from "./list_tree.ts";
import { type FilledMembers, fillMembers } from "./fill.ts";
import { inOrder } from "./in_order.ts";
import { type FramePlan, planFrames } from "./plan.ts";
import { areSmall, coordinatorOpensSmall } from "./small_files.ts";
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
  const packer = new Packer(options);
  const frames = inOrder(planFrames(options.listing.entries), 2 * options.pool.width("archive"), async (plan) => {
    return { plan, result: await packer.run(plan) };
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

/** Has frames made by the workers; the small files of a frame are read here where that is faster. */
class Packer {
  readonly #options: WriteArchiveOptions;
  readonly #readsSmall: boolean;
  /** Memory that came back: fresh pages for every frame cost about as much as reading the files. */
  readonly #buffers: Uint8Array<ArrayBuffer>[] = [];

  constructor(options: WriteArchiveOptions) {
    this.#options = options;
    this.#readsSmall = coordinatorOpensSmall(options.pool.width("archive"));
  }

  async run(plan: FramePlan): Promise<PackResult> {
    const { pool, signal } = this.#options;
    const isSmall = this.#readsSmall && plan.lastLength === undefined && areSmall(plan.entries.length);
    const filled = isSmall ? this.#fill(plan) : undefined;
    const result = await pool.run<PackJob, PackResult>("archive", this.#job(plan, filled), {
      ...(signal === undefined ? {} : { signal }),
      ...(filled === undefined ? {} : { transfer: [filled.raw.buffer] }),
    });
    if (result.filled !== undefined) this.#buffers.push(new Uint8Array(result.filled.buffer));
    return result;
  }

  #fill(plan: FramePlan): FilledMembers {
    return fillMembers({ ...plan, root: this.#options.root }, (bytes) => {
      const buffer = this.#buffers.pop();
      return buffer !== undefined && buffer.length >= bytes ? buffer : new Uint8Array(bytes);
    });
  }

  #job(plan: FramePlan, filled: FilledMembers | undefined): PackJob {
    const { root, compression, level } = this.#options;
    const { lastLength, piece, last } = plan;
    const entries = filled === undefined ? plan.entries : [];
    return { type: "pack", root, compression, level, entries, lastLength, piece, last, filled };
  }
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
