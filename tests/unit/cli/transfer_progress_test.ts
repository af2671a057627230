// How a transfer is shown: live on a terminal, sparse elsewhere, and never one within the other.

import assert from "node:assert/strict";
import { TransferProgress } from "../../../lib/cli/transfer_progress.ts";
import type { Terminal } from "../../../lib/cli/terminal.ts";
import { parseDigest, PivotError } from "../../../lib/core/mod.ts";

const blob = { digest: parseDigest("0123456789abcdef"), size: 1000, label: "out/a.bin" };

function recorder(live: boolean): { terminal: Terminal; lines: string[] } {
  const lines: string[] = [];
  const terminal: Terminal = {
    out: (line) => void lines.push(`out ${line}`),
    bytes: () => {},
    note: (line) => void lines.push(line),
    draw: (text) => void lines.push(text.replace("\x1b[1A\x1b[J", "<erase>").replace("\n", "<drawn>")),
    style: (_style, text) => text,
    live,
    width: 60,
  };
  return { terminal, lines };
}

function play(live: boolean): string[] {
  const { terminal, lines } = recorder(live);
  let now = 0;
  using progress = new TransferProgress(terminal, () => now);
  progress.onEvent({ type: "started", files: 4, bytes: 4000 });
  for (const [at, bytes] of [[50, 100], [1000, 1000], [6000, 2000]] as const) {
    now = at;
    progress.onEvent({ type: "progress", bytes, files: 0 });
  }
  progress.onEvent({ type: "moved", blob });
  const error = new PivotError("cannot write it", { code: "remote-denied", kind: "remote" });
  progress.onEvent({ type: "failed", blob, error });
  now = 12_000;
  // Bytes that were sent twice do not make more than there are.
  progress.onEvent({ type: "progress", bytes: 9000, files: 1 });
  return lines;
}

Deno.test("on a terminal one line tells files, bytes, rate and time left; lines that stay go above it", () => {
  assert.deepEqual(play(true), [
    "0 of 4 files, 1 kB of 4 kB, 1 kB/s, 3.0s left<drawn>",
    "<erase>",
    "0 of 4 files, 2 kB of 4 kB, 333 B/s, 6.0s left<drawn>",
    "<erase>",
    "  out/a.bin  1 kB",
    "1 of 4 files, 2 kB of 4 kB, 333 B/s, 6.0s left<drawn>",
    "<erase>",
    "  failed out/a.bin: cannot write it",
    "1 of 4 files, 2 kB of 4 kB, 333 B/s, 6.0s left<drawn>",
    "<erase>",
    "1 of 4 files, 4 kB of 4 kB, 333 B/s, 0ms left<drawn>",
    "<erase>",
  ]);
});

Deno.test("elsewhere there is a line every few seconds, and nothing is redrawn", () => {
  assert.deepEqual(play(false), [
    "  0 of 4 files, 2 kB of 4 kB, 333 B/s, 6.0s left",
    "  out/a.bin  1 kB",
    "  failed out/a.bin: cannot write it",
    "  1 of 4 files, 4 kB of 4 kB, 333 B/s, 0ms left",
  ]);
});
