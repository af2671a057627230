// The worker's side of the protocol. A worker file calls this once and holds no other logic.

import { fromWire, toWire } from "../core/mod.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";

/** What a worker's global scope offers; said here since the library for it would change everyone's globals. */
interface WorkerScope {
  postMessage(message: FromWorker, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<ToWorker>) => void) | null;
}

/** What a handler gets beside its input. */
export interface JobContext {
  /** Aborted when the coordinator cancels this job. */
  readonly signal: AbortSignal;
  /** Posts something to the coordinator while the job goes on. */
  readonly progress: (value: unknown) => void;
  /** Moves a buffer with the result instead of copying it. */
  readonly transfer: (buffer: Transferable) => void;
}

/** Answers jobs with `handler`, each as its own promise. What the handler throws reaches the coordinator whole. */
export function serveJobs<Input, Output>(
  handler: (input: Input, context: JobContext) => Output | Promise<Output>,
): void {
  const scope = globalThis as unknown as WorkerScope;
  const running = new Map<number, AbortController>();
  const post = (message: FromWorker, transfer: Transferable[] = []) => scope.postMessage(message, transfer);

  async function answer(id: number, input: Input): Promise<void> {
    const controller = new AbortController();
    const transfer: Transferable[] = [];
    running.set(id, controller);
    try {
      const output = await handler(input, {
        signal: controller.signal,
        progress: (value) => post({ type: "progress", id, value }),
        transfer: (buffer) => void transfer.push(buffer),
      });
      post({ type: "done", id, output }, transfer);
    } catch (error) {
      post({ type: "failed", id, error: toWire(error) });
    } finally {
      running.delete(id);
    }
  }

  scope.onmessage = (event: MessageEvent<ToWorker>) => {
    const message = event.data;
    if (message.type === "cancel") running.get(message.id)?.abort(fromWire(message.reason));
    else void answer(message.id, message.input as Input);
  };
  post({ type: "ready" });
}
