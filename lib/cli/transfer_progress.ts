// A transfer as it happens: on a terminal one live line with files, bytes, rate and time left; elsewhere a line now and then.
// Invariant: lines that stay are never mixed with the live one.

import { formatBytes, formatDuration } from "../core/mod.ts";
import type { SyncEvent } from "../remote/mod.ts";
import type { Terminal } from "./terminal.ts";

const REDRAW_MS = 100;
const SPARSE_MS = 5_000;

/** Shows one transfer. */
export class TransferProgress implements Disposable {
  readonly #terminal: Terminal;
  readonly #now: () => number;
  #startedMs: number;
  #shownMs: number;
  #total = { files: 0, bytes: 0 };
  #done = { files: 0, bytes: 0 };
  #failed = 0;
  #isDrawn = false;

  /** @param now Milliseconds, from any point on. */
  constructor(terminal: Terminal, now: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#now = now;
    this.#startedMs = this.#shownMs = now();
  }

  /** Takes what happened. */
  onEvent(event: SyncEvent): void {
    switch (event.type) {
      case "started":
        this.#startedMs = this.#shownMs = this.#now();
        this.#total = { files: event.files, bytes: event.bytes };
        this.#done = { files: 0, bytes: 0 };
        this.#failed = 0;
        return;
      case "progress":
        this.#done.bytes = event.bytes;
        return this.#show();
      case "moved":
        this.#done.files += 1;
        return this.#above(`  ${event.blob.label}  ${formatBytes(event.blob.size)}`);
      case "failed":
        this.#failed += 1;
        return this.#above(`  ${this.#terminal.style("bad", "failed")} ${event.blob.label}: ${event.error.message}`);
    }
  }

  #above(line: string): void {
    this.#erase();
    this.#terminal.note(line);
    const isOver = this.#done.files + this.#failed >= this.#total.files;
    if (this.#terminal.live && this.#shownMs > this.#startedMs && !isOver) this.#draw();
  }

  #show(): void {
    const now = this.#now();
    if (now - this.#shownMs < (this.#terminal.live ? REDRAW_MS : SPARSE_MS)) return;
    this.#shownMs = now;
    this.#erase();
    if (this.#terminal.live) this.#draw();
    else this.#terminal.note(`  ${this.#text()}`);
  }

  #text(): string {
    const { files, bytes } = this.#total;
    // A part that was sent twice counts once.
    const moved = Math.min(this.#done.bytes, bytes);
    const elapsedMs = Math.max(1, this.#now() - this.#startedMs);
    const perSecond = moved * 1000 / elapsedMs;
    const left = moved === 0 ? "" : `, ${formatDuration((bytes - moved) * 1000 / perSecond)} left`;
    const counts = `${this.#done.files} of ${files} files, ${formatBytes(moved)} of ${formatBytes(bytes)}`;
    return `${counts}, ${formatBytes(Math.round(perSecond))}/s${left}`;
  }

  #draw(): void {
    const width = Number.isFinite(this.#terminal.width) ? this.#terminal.width : 80;
    this.#terminal.draw(`${this.#terminal.style("info", this.#text().slice(0, width - 1))}\n`);
    this.#isDrawn = true;
  }

  #erase(): void {
    if (this.#isDrawn) this.#terminal.draw("\x1b[1A\x1b[J");
    this.#isDrawn = false;
  }

  /** Takes the live line away. */
  [Symbol.dispose](): void {
    this.#erase();
  }
}
