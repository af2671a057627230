// What the volume cache tells while it works, and the log line of each.

import { formatBytes, formatDuration, unreachable } from "../../core/mod.ts";

/** Something that happened to one volume. */
export type VolumeEvent =
  | { readonly type: "volume-restoring"; readonly volume: string; readonly key: string }
  | {
    readonly type: "volume-restored";
    readonly volume: string;
    readonly key: string;
    readonly bytes: number;
    readonly ms: number;
  }
  | {
    readonly type: "volume-missed";
    readonly volume: string;
    readonly key: string;
    readonly reason: "absent" | "expired";
  }
  | {
    readonly type: "volume-restore-failed";
    readonly volume: string;
    readonly key: string;
    readonly error: unknown;
    readonly message: string;
    /** What to do about it. */
    readonly hint?: string;
    /** The command that takes a damaged entry away; only if the stored archive itself is at fault. */
    readonly remedy?: string;
  }
  | {
    readonly type: "volume-expired-kept";
    readonly volume: string;
    readonly key: string;
    readonly error: unknown;
    readonly message: string;
  }
  | { readonly type: "volume-persisting"; readonly volume: string; readonly key: string }
  | {
    readonly type: "volume-persisted";
    readonly volume: string;
    readonly key: string;
    readonly bytes: number;
    readonly ms: number;
  }
  | { readonly type: "volume-unchanged"; readonly volume: string; readonly key: string; readonly ms: number }
  | {
    readonly type: "volume-conflict";
    readonly volume: string;
    readonly key: string;
    readonly kept: "ours" | "theirs";
  }
  | {
    readonly type: "volume-persist-failed";
    readonly volume: string;
    readonly key: string;
    readonly message: string;
    readonly error: unknown;
    /** What to do about it. */
    readonly hint?: string;
  }
  | {
    readonly type: "volume-persist-skipped";
    readonly volume: string;
    readonly key: string;
    readonly reason: SkipReason;
  };

/** Why a volume was not persisted. */
export type SkipReason = "policy" | "run-failed" | "aborted" | "restore-failed";

const SKIPPED: Readonly<Record<SkipReason, string>> = {
  "policy": "its policy is never",
  "run-failed": "the run failed",
  "aborted": "the run was aborted",
  "restore-failed": "it could not be restored; the stored volume stays as it is",
};

function hinted({ hint }: { readonly hint?: string }): string {
  return hint === undefined ? "" : ` (${hint})`;
}

/** The log line of an event. */
export function describeVolumeEvent(event: VolumeEvent): string {
  const facts = (...more: string[]) => [`volume=${event.volume}`, `key=${event.key}`, ...more].join(" ");
  const done = (bytes: number, ms: number) =>
    facts(`bytes=${bytes} (${formatBytes(bytes)})`, `seconds=${(ms / 1000).toFixed(3)}`);
  switch (event.type) {
    case "volume-restoring":
      return `restoring volume from cache ${facts()}`;
    case "volume-restored":
      return `restored volume from cache ${done(event.bytes, event.ms)}`;
    case "volume-missed":
      return `cache miss ${facts(`reason=${event.reason}`)}`;
    case "volume-restore-failed":
      return `cannot restore volume from cache ${facts()}: ${event.message}${
        event.remedy === undefined ? hinted(event) : `; it stays until somebody runs: ${event.remedy}`
      }`;
    case "volume-expired-kept":
      return `cannot remove expired volume from cache ${facts()}: ${event.message}`;
    case "volume-persisting":
      return `persisting volume to cache ${facts()}`;
    case "volume-persisted":
      return `persisted volume to cache ${done(event.bytes, event.ms)}`;
    case "volume-unchanged":
      return `volume unchanged, nothing persisted ${facts(`bytes=0`, `checked in ${formatDuration(event.ms)}`)}`;
    case "volume-conflict":
      return `another run persisted this volume meanwhile, ${
        event.kept === "ours" ? "replacing it" : "keeping it"
      } ${facts()}`;
    case "volume-persist-failed":
      return `cannot persist volume to cache ${facts()}: ${event.message}${hinted(event)}`;
    case "volume-persist-skipped":
      return `volume not persisted: ${SKIPPED[event.reason]} ${facts()}`;
    default:
      return unreachable(event);
  }
}
