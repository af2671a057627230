// A bounded set of Web Workers per kind of work. Invariants: a worker has only its kind's permissions;
// a job ends exactly once; a worker that dies fails its own jobs and is replaced for the next ones.

import { assert, fromWire, PivotError, toWire } from "../core/mod.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** The kinds of work that leave the coordinator's thread. */
export type WorkerKind = "hash" | "archive" | "transfer";

/** How workers of one kind are started. */
export interface WorkerKindOptions {
  /** Module of the worker. @default `workers/<kind>.ts` of this package */
  readonly url?: URL;
  /** The only permissions that the worker gets. */
  readonly permissions: Deno.PermissionOptionsObject | "inherit" | "none";
  /** Workers at most; they start when first needed. @default navigator.hardwareConcurrency */
  readonly size?: number;
  /** Jobs that one worker holds at once; more than 1 suits work that waits on the network. @default 1 */
  readonly jobsPerWorker?: number;
}

/** Options of one job. */
export interface JobOptions {
  /** Cancels the job. */
  readonly signal?: AbortSignal;
  /** After a cancel, how long the worker may put its things in order before the job rejects, milliseconds. @default 0 */
  readonly graceMs?: number;
  /** Called with what the job reports while it goes on. */
  readonly onProgress?: (value: unknown) => void;
  /** Buffers that move to the worker instead of being copied. */
  readonly transfer?: readonly Transferable[];
}

/** Runs jobs in workers. */
export interface WorkerPool extends AsyncDisposable {
  /**
   * Runs one job; waits its turn when all workers are busy.
   *
   * @throws what the worker's handler threw, as the same class; `worker-died` if the worker ended; the signal's reason.
   */
  run<Input, Output>(kind: WorkerKind, input: Input, options?: JobOptions): Promise<Output>;
  /** How many jobs of this kind can be under way at once. */
  width(kind: WorkerKind): number;
}

interface Job {
  readonly id: number;
  readonly input: unknown;
  readonly options: JobOptions;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Runs from the cancel to the end of the grace. */
  grace?: ReturnType<typeof setTimeout>;
}

interface Outgoing {
  readonly message: ToWorker;
  readonly transfer: Transferable[];
}

interface Member {
  readonly worker: Worker;
  /**
   * Messages that wait for the worker's "ready"; undefined once it came. A worker that awaits at its top level (as for
   * WebAssembly) would lose what is posted before it listens.
   */
  backlog: Outgoing[] | undefined;
  readonly jobs: Map<number, Job>;
}

/** Makes a pool. No worker starts before its first job. */
export function createPool(kinds: Partial<Record<WorkerKind, WorkerKindOptions>>): WorkerPool {
  const groups = new Map<WorkerKind, Group>();
  for (const [kind, options] of Object.entries(kinds)) {
    groups.set(kind as WorkerKind, new Group(kind as WorkerKind, options));
  }
  const groupOf = (kind: WorkerKind): Group => {
    const group = groups.get(kind);
    assert(group !== undefined, `no "${kind}" workers in this pool`);
    return group;
  };
  return {
    run: <Input, Output>(kind: WorkerKind, input: Input, options: JobOptions = {}) =>
      groupOf(kind).run(input, options) as Promise<Output>,
    width: (kind) => groupOf(kind).width,
    [Symbol.asyncDispose]() {
      for (const group of groups.values()) group.close();
      return Promise.resolve();
    },
  };
}

class Group {
  readonly #kind: WorkerKind;
  readonly #options: WorkerKindOptions;
  readonly #size: number;
  readonly #perWorker: number;
  readonly #members: Member[] = [];
  readonly #waiting: Job[] = [];
  #nextId = 1;
  #closed = false;

  constructor(kind: WorkerKind, options: WorkerKindOptions) {
    this.#kind = kind;
    this.#options = options;
    this.#size = Math.max(1, options.size ?? navigator.hardwareConcurrency);
    this.#perWorker = Math.max(1, options.jobsPerWorker ?? 1);
  }

  get width(): number {
    return this.#size * this.#perWorker;
  }

  run(input: unknown, options: JobOptions): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#closed) {
      reject(new PivotError(`the "${this.#kind}" workers are closed`, { code: "pool-closed", kind: "bug" }));
      return promise;
    }
    if (options.signal?.aborted) {
      reject(options.signal.reason);
      return promise;
    }
    const job: Job = { id: this.#nextId++, input, options, resolve, reject };
    const cancel = () => this.#cancel(job);
    options.signal?.addEventListener("abort", cancel, { once: true });
    this.#waiting.push(job);
    this.#fill();
    return promise.finally(() => {
      clearTimeout(job.grace);
      options.signal?.removeEventListener("abort", cancel);
    });
  }

  close(): void {
    this.#closed = true;
    const gone = new PivotError(`the "${this.#kind}" workers were closed`, { code: "pool-closed" });
    for (const job of this.#waiting.splice(0)) job.reject(gone);
    for (const member of this.#members.splice(0)) {
      member.worker.terminate();
      for (const job of member.jobs.values()) job.reject(gone);
    }
  }

  #fill(): void {
    while (this.#waiting.length > 0) {
      const member = this.#freeMember();
      if (member === undefined) return;
      const job = this.#waiting.shift();
      assert(job !== undefined, "the queue was not empty");
      this.#start(member, job);
    }
  }

  #freeMember(): Member | undefined {
    const free = this.#members
      .filter((member) => member.jobs.size < this.#perWorker)
      .sort((a, b) => a.jobs.size - b.jobs.size)[0];
    if (free !== undefined && (free.jobs.size === 0 || this.#members.length >= this.#size)) return free;
    return this.#members.length < this.#size ? this.#spawn() : free;
  }

  #spawn(): Member {
    const url = this.#options.url ?? new URL(`../../workers/${this.#kind}.ts`, import.meta.url);
    const worker = new Worker(url, {
      type: "module",
      name: `pivot-${this.#kind}`,
      deno: { permissions: this.#options.permissions },
    });
    const member: Member = { worker, backlog: [], jobs: new Map() };
    worker.onmessage = (event: MessageEvent<FromWorker>) => this.#receive(member, event.data);
    worker.onerror = (event: ErrorEvent) => {
      event.preventDefault();
      this.#bury(member, event.message);
    };
    worker.onmessageerror = () => this.#bury(member, "a message could not be read");
    this.#members.push(member);
    return member;
  }

  #start(member: Member, job: Job): void {
    member.jobs.set(job.id, job);
    const message: ToWorker = { type: "run", id: job.id, input: job.input };
    this.#post(member, { message, transfer: [...(job.options.transfer ?? [])] });
  }

  #post(member: Member, outgoing: Outgoing): void {
    if (member.backlog === undefined) member.worker.postMessage(outgoing.message, outgoing.transfer);
    else member.backlog.push(outgoing);
  }

  #ready(member: Member): void {
    const backlog = member.backlog ?? [];
    member.backlog = undefined;
    for (const outgoing of backlog) this.#post(member, outgoing);
  }

  #receive(member: Member, message: FromWorker): void {
    if (message.type === "ready") return this.#ready(member);
    const job = member.jobs.get(message.id);
    if (job === undefined) return;
    if (message.type === "progress") return job.options.onProgress?.(message.value);
    member.jobs.delete(message.id);
    if (job.grace !== undefined) job.reject(job.options.signal?.reason);
    else if (message.type === "done") job.resolve(message.output);
    else job.reject(fromWire(message.error));
    this.#fill();
  }

  #cancel(job: Job): void {
    const reason: unknown = job.options.signal?.reason;
    const queued = this.#waiting.indexOf(job);
    if (queued >= 0) this.#waiting.splice(queued, 1);
    const member = this.#members.find((each) => each.jobs.has(job.id));
    const message: ToWorker = { type: "cancel", id: job.id, reason: toWire(reason) };
    if (member !== undefined) this.#post(member, { message, transfer: [] });
    // The worker still owns the job until it answers: its place is not given to another before that.
    const { graceMs = 0 } = job.options;
    if (member === undefined || graceMs === 0) return job.reject(reason);
    job.grace = setTimeout(() => job.reject(reason), graceMs);
  }

  #bury(member: Member, why: string): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    this.#members.splice(index, 1);
    member.worker.terminate();
    for (const job of member.jobs.values()) {
      job.reject(
        new PivotError(`a "${this.#kind}" worker ended: ${why}`, { code: "worker-died", kind: "bug", data: { why } }),
      );
    }
    this.#fill();
  }
}
