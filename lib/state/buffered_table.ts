// A table whose puts wait in memory. Invariants: a put is visible to this process at once and stays so while its
// transaction is under way; a transaction that failed loses nothing.

import type { Database } from "lmdb";

/** A table of the database. */
export type TableOfBytes = Database<Uint8Array, string>;

/** A small store of bytes under text keys. */
export interface KeyValue {
  get(key: string): Uint8Array | undefined;
  put(key: string, value: Uint8Array): void;
  delete(key: string): void;
  /** Keys with this prefix, sorted. */
  keys(prefix?: string): string[];
}

/** LMDB keys are bounded; what has a longer one is not remembered. */
const MAX_KEY_BYTES = 1_900;

/** Puts wait in memory until they are flushed inside a transaction. */
export class BufferedTable implements KeyValue {
  readonly #table: TableOfBytes;
  #pending: Map<string, Uint8Array | null> = new Map();
  /** Handed to a transaction that is not durable yet; readers still find it here. */
  #flushing: Map<string, Uint8Array | null> = new Map();

  constructor(table: TableOfBytes) {
    this.#table = table;
  }

  get dirty(): boolean {
    return this.#pending.size > 0;
  }

  get(key: string): Uint8Array | undefined {
    const pending = this.#buffered(key);
    if (pending !== undefined) return pending ?? undefined;
    return key.length * 3 > MAX_KEY_BYTES ? undefined : this.#table.get(key);
  }

  #buffered(key: string): Uint8Array | null | undefined {
    const pending = this.#pending.size === 0 ? undefined : this.#pending.get(key);
    return pending !== undefined || this.#flushing.size === 0 ? pending : this.#flushing.get(key);
  }

  put(key: string, value: Uint8Array): void {
    // A key that LMDB cannot hold is simply not remembered: the state is a cache.
    if (key.length * 3 <= MAX_KEY_BYTES) this.#pending.set(key, value);
  }

  delete(key: string): void {
    if (key.length * 3 <= MAX_KEY_BYTES) this.#pending.set(key, null);
  }

  /** How many keys the table has, what waits aside. */
  get storedCount(): number {
    return Number((this.#table.getStats() as { entryCount?: number }).entryCount ?? 0);
  }

  /** Keys with this prefix, sorted, what waits included. */
  keys(prefix = ""): string[] {
    const found = new Set<string>();
    for (const key of this.#table.getKeys({ start: prefix, end: `${prefix}\uffff` })) found.add(key);
    for (const [key, value] of [...this.#flushing, ...this.#pending]) {
      if (!key.startsWith(prefix)) continue;
      if (value === null) found.delete(key);
      else found.add(key);
    }
    return [...found].sort();
  }

  /** Writes what waits; must run inside a transaction, and be followed by {@linkcode settle}. */
  flush(): void {
    for (const [key, value] of this.#pending) {
      if (value === null) this.#table.remove(key);
      else this.#table.put(key, value);
    }
    [this.#flushing, this.#pending] = [this.#pending, new Map()];
  }

  /** Ends a flush. What could not be written waits again, later puts before it. */
  settle(outcome: "durable" | "failed"): void {
    if (outcome === "failed") this.#pending = new Map([...this.#flushing, ...this.#pending]);
    this.#flushing = new Map();
  }
}
