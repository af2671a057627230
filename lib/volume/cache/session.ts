// What the cache remembers of one volume during a run. Invariant: `base` is the version that the volume's content comes
// from; only that version may be replaced without asking the conflict policy.

import type { VolumeAccess } from "../ports.ts";
import type { PersistPolicy, RestoreOutcome } from "./options.ts";

/** The stored version that a volume was restored from. */
export interface BaseVersion {
  readonly etag: string;
  /** SHA-256 of its bytes, as read. */
  readonly sha256: string;
  /** Digest of the tree's listing as it was restored. */
  readonly listing: string;
  /** SHA-256 of the tree as a plain tar; empty if the entry does not say. */
  readonly tarSha256: string;
  /** Digest with inodes and ctimes, if the volume is a folder of this machine. */
  readonly stamp: string | undefined;
}

/** One volume in one run. */
export interface VolumeSession {
  readonly volume: string;
  readonly key: string;
  readonly access: VolumeAccess;
  readonly policy: PersistPolicy;
  readonly restored: Promise<RestoreOutcome>;
  /** Undefined: nothing was stored when we looked. */
  base: BaseVersion | undefined;
}
