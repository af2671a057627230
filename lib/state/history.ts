// Records of past runs, newest first. Invariant: ids sort by time, so a prefix scan is a time line.

import type { Json } from "../core/mod.ts";
import type { BufferedTable } from "./buffered_table.ts";

/** One stage in a run's record. */
export interface HistoryStage {
  readonly stage: string;
  readonly outcome: string;
  readonly reason: string;
  readonly ms: number;
  readonly input: string | null;
  readonly error?: string;
}

/** One run. */
export interface HistoryRecord {
  /** `20261120T231500123Z-ab12cd`: sorts by time; what follows the dash is its short name. */
  readonly id: string;
  readonly startedAt: string;
  readonly ms: number;
  readonly success: boolean;
  readonly command: readonly string[];
  readonly stages: readonly HistoryStage[];
  readonly extra?: Json;
}

/** Past runs. */
export interface History {
  put(record: HistoryRecord): void;
  /** Ids, newest first. */
  ids(): string[];
  get(id: string): HistoryRecord | undefined;
  /**
   * Drops the oldest beyond `keep`, and all that started before `before`.
   *
   * @param keep Runs to keep at most.
   * @returns How many were dropped.
   */
  prune(keep: number, before?: Date): number;
}

/** Makes the id of a run that starts now. */
export function newRunId(now: Date): string {
  return `${timeOf(now)}-${crypto.randomUUID().slice(0, 6)}`;
}

function timeOf(date: Date): string {
  return date.toISOString().replace(/[-:.]/g, "");
}

/** The history in a table of the state database. */
export function historyIn(table: BufferedTable): History {
  const ids = () => table.keys().reverse();
  return {
    put: (record) => table.put(record.id, new TextEncoder().encode(JSON.stringify(record))),
    ids,
    get(id) {
      const bytes = table.get(id);
      return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
    },
    prune(keep, before) {
      const oldest = before === undefined ? "" : timeOf(before);
      const old = ids().filter((id, at) => at >= keep || id < oldest);
      for (const id of old) table.delete(id);
      return old.length;
    },
  };
}
