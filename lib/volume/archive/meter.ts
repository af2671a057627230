// Counts what is read from an archive against the bounds. Invariant: a bomb is an error before its bytes are written.

import { type ArchiveLimits, archiveTooLarge, type TarEntry } from "./entry.ts";

/** The ratio means nothing for little data: one empty page packs a thousandfold. */
const RATIO_FROM_BYTES = 1024 ** 3;
/** Headers and padding of one member at most, and of the archive's end. */
const MEMBER_BYTES = 16 * 1024;
const END_BYTES = 1024 * 1024;

/** Counts of one archive. */
export class Meter {
  readonly #limits: ArchiveLimits;
  readonly #packedBytes: () => number;
  #rawBytes = 0;
  #entries = 0;
  #fileBytes = 0;

  /** @param packedBytes Bytes of the archive read so far. */
  constructor(limits: ArchiveLimits, packedBytes: () => number) {
    this.#limits = limits;
    this.#packedBytes = packedBytes;
  }

  /** Counts expanded bytes. @throws {PivotError} `archive-too-large` */
  raw(bytes: number): void {
    this.#rawBytes += bytes;
    if (this.#rawBytes > this.#limits.bytes + this.#limits.entries * MEMBER_BYTES + END_BYTES) {
      throw archiveTooLarge(`it expands to more than ${this.#limits.bytes} bytes`);
    }
    if (this.#rawBytes > RATIO_FROM_BYTES && this.#rawBytes > this.#limits.ratio * this.#packedBytes()) {
      throw archiveTooLarge(`it expands to more than ${this.#limits.ratio} times its size`);
    }
  }

  /** Counts a member. @throws {PivotError} `archive-too-large` */
  entry(entry: TarEntry): void {
    this.#entries += 1;
    this.#fileBytes += entry.size;
    if (this.#entries > this.#limits.entries) throw archiveTooLarge(`it has more than ${this.#limits.entries} members`);
    if (this.#fileBytes > this.#limits.bytes) {
      throw archiveTooLarge(`its files hold more than ${this.#limits.bytes} bytes`);
    }
  }
}
