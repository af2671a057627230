// Which stage may start when. Invariants: a stage starts after all its upstreams settled well; at most `jobs` run at
// once; stages that share a mutex never overlap; after a failure nothing new starts, or with keepGoing only what
// does not depend on it.

import { assert, type StageName } from "../core/mod.ts";

/** One thing to schedule. */
export interface Node {
  readonly name: StageName;
  /** Upstreams among the scheduled nodes. */
  readonly upstream: readonly StageName[];
  readonly mutex: readonly string[];
}

/** Options of {@linkcode schedule}. */
export interface ScheduleOptions {
  /** At once, at most. */
  readonly jobs: number;
  readonly keepGoing: boolean;
  readonly signal: AbortSignal;
  /** Does the work; resolves to whether it went well. Must not reject. */
  readonly work: (name: StageName) => Promise<boolean>;
  /** Called for each node that was never started. */
  readonly onNotRun: (name: StageName) => void;
}

/** Runs all nodes; resolves when none is left running. `nodes` are in topological order. */
export async function schedule(nodes: readonly Node[], options: ScheduleOptions): Promise<void> {
  const board = new Board(nodes, options);
  board.startReady();
  while (board.running.size > 0) {
    await Promise.race(board.running.values());
    board.startReady();
  }
  board.reportNotRun();
}

class Board {
  readonly running: Map<StageName, Promise<void>> = new Map();
  readonly #options: ScheduleOptions;
  readonly #waiting: Map<StageName, Node>;
  readonly #bad: Set<StageName> = new Set();
  readonly #heldMutexes: Set<string> = new Set();

  constructor(nodes: readonly Node[], options: ScheduleOptions) {
    assert(options.jobs >= 1, "jobs must be at least 1");
    this.#options = options;
    this.#waiting = new Map(nodes.map((node) => [node.name, node]));
  }

  startReady(): void {
    if (this.#options.signal.aborted) return;
    if (this.#bad.size > 0 && !this.#options.keepGoing) return;
    for (const node of this.#waiting.values()) {
      if (this.running.size >= this.#options.jobs) return;
      if (node.upstream.some((name) => this.#isOpen(name) || this.#bad.has(name))) continue;
      if (node.mutex.some((name) => this.#heldMutexes.has(name))) continue;
      this.#start(node);
    }
  }

  reportNotRun(): void {
    for (const name of this.#waiting.keys()) this.#options.onNotRun(name);
  }

  #isOpen(name: StageName): boolean {
    return this.#waiting.has(name) || this.running.has(name);
  }

  #start(node: Node): void {
    this.#waiting.delete(node.name);
    for (const mutex of node.mutex) this.#heldMutexes.add(mutex);
    const work = this.#options.work(node.name).then((good) => {
      this.running.delete(node.name);
      for (const mutex of node.mutex) this.#heldMutexes.delete(mutex);
      if (!good) this.#bad.add(node.name);
    });
    this.running.set(node.name, work);
  }
}
