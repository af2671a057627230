// Blobs are not synced one by one, so a power cut may take bytes whose hash is remembered. Invariant: after the machine
// started anew, no hash is trusted of a file that was written shortly before the last commit of the earlier time.

import { decodeFile } from "./file_record.ts";
import type { BufferedTable } from "./buffered_table.ts";

/** The kernel writes dirty pages back well within this time (Linux: 30 s and a flush interval). */
export const WRITE_BACK_MS = 60_000;
/** Two readings of one boot time differ by less, clock adjustments aside; a wrong "rebooted" only costs hashing. */
const SAME_BOOT_MS = 10_000;

/** Which start of the machine the database was last written under. */
export interface BootMark {
  /** Forgets hashes that a power cut may have made wrong. */
  forgetUnsynced(files: BufferedTable): void;
  /** Notes this start and the time; goes into the commit under way. */
  write(): void;
}

/** Reads the mark in the `meta` table. */
export function bootMark(
  meta: BufferedTable,
  options: { readonly now?: () => number; readonly uptimeMs?: () => number },
): BootMark {
  const now = options.now ?? Date.now;
  const uptimeMs = options.uptimeMs ?? (() => Deno.osUptime() * 1000);
  const boot = now() - uptimeMs();
  return {
    forgetUnsynced(files) {
      const [bootThen, committedMs] = readNumbers(meta.get("boot"));
      if (bootThen === undefined || committedMs === undefined || Math.abs(bootThen - boot) < SAME_BOOT_MS) return;
      for (const path of files.keys()) {
        const bytes = files.get(path);
        const file = bytes === undefined ? undefined : decodeFile(bytes);
        if (file === undefined || file.mtimeMs >= committedMs - WRITE_BACK_MS) files.delete(path);
      }
    },
    write: () => meta.put("boot", new TextEncoder().encode(`${boot} ${now()}`)),
  };
}

function readNumbers(bytes: Uint8Array | undefined): readonly number[] {
  return bytes === undefined ? [] : new TextDecoder().decode(bytes).split(" ").map(Number);
}
