// A backend that tries again. Invariants: only what the contract calls worth a retry is tried again; a body that breaks off goes on at
// the byte where it broke; a throttled remote makes all calls wait, not just the one that was told.

import { assert } from "../../core/mod.ts";
import { delay } from "../../sys/mod.ts";
import type { Backend, CallOptions, GetOptions, ObjectBody, PartUploads } from "./backend.ts";
import { canRetry, reasonOf, remoteProblem } from "./problems.ts";

/** Options of {@linkcode withRetry}. */
export interface RetryOptions {
  /** Tries of one call, the first included. */
  readonly tries: number;
  /** Silence after which a body counts as stalled, milliseconds. A whole call may take four times as long. */
  readonly stallMs: number;
  /** Wait before the second try, milliseconds; doubles each time, up to 20 s, and is jittered. @default 200 */
  readonly firstWaitMs?: number;
  /** Told of each retry. */
  readonly onRetry?: (error: Error, attempt: number) => void;
}

/** Wraps a backend. */
export function withRetry(inner: Backend, options: RetryOptions): Backend {
  const retry = new Retry(inner.url, options);
  const { parts } = inner;
  return {
    url: inner.url,
    head: (key, call = {}) => retry.run(`look at "${key}"`, call, (how) => inner.head(key, how)),
    get: (key, call = {}) => getWhole(inner, { key, call, retry, options }),
    put: (key, bytes, call) => retry.run(`write "${key}"`, call, (how) => inner.put(key, bytes, { ...call, ...how })),
    async *list(prefix, call = {}) {
      let after = call.after;
      for (let attempt = 1;;) {
        try {
          for await (const info of inner.list(prefix, { ...call, ...(after === undefined ? {} : { after }) })) {
            after = info.key;
            attempt = 1;
            yield info;
          }
          return;
        } catch (error) {
          await retry.waitAfter(error, attempt++, call.signal);
        }
      }
    },
    delete: (key, call = {}) => retry.run(`delete "${key}"`, call, (how) => inner.delete(key, how)),
    ...(parts === undefined ? {} : { parts: partsWithRetry(parts, retry) }),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

function partsWithRetry(parts: PartUploads, retry: Retry): PartUploads {
  return {
    begin: (key, call) => retry.run(`begin "${key}"`, call, (how) => parts.begin(key, { ...call, ...how })),
    send: (upload, part, call = {}) =>
      retry.run(`write a part of "${upload.key}"`, call, (how) => parts.send(upload, part, how)),
    complete: (upload, sent, call) =>
      retry.run(`write "${upload.key}"`, call, (how) => parts.complete(upload, sent, how)),
    abort: (upload, call = {}) => retry.run(`give up "${upload.key}"`, call, (how) => parts.abort(upload, how)),
    list: (prefix, call = {}) => retry.run("list unfinished uploads", call, (how) => parts.list(prefix, how)),
    sent: (upload, call = {}) =>
      retry.run(`look at the parts of "${upload.key}"`, call, (how) => parts.sent(upload, how)),
  };
}

/** Tries calls again, by one policy for all of them. */
export class Retry {
  readonly #url: string;
  readonly #options: RetryOptions;
  /** No call begins before this time: a throttled remote asked for quiet. */
  #quietUntilMs = 0;

  /** @param url As shown to people. */
  constructor(url: string, options: RetryOptions) {
    assert(options.tries >= 1, "a call is tried at least once");
    this.#url = url;
    this.#options = options;
  }

  /** Runs a call until it succeeds, or no try is left. @param tried For messages. */
  async run<Value>(tried: string, call: CallOptions, act: (how: CallOptions) => Promise<Value>): Promise<Value> {
    for (let attempt = 1;; attempt++) {
      await this.#quiet(call.signal);
      try {
        return await this.#timed(tried, call, act);
      } catch (error) {
        await this.waitAfter(error, attempt, call.signal);
      }
    }
  }

  async #timed<Value>(tried: string, call: CallOptions, act: (how: CallOptions) => Promise<Value>): Promise<Value> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#options.stallMs * 4);
    const signals = [deadline.signal, ...(call.signal === undefined ? [] : [call.signal])];
    try {
      return await act({ signal: AbortSignal.any(signals) });
    } catch (error) {
      call.signal?.throwIfAborted();
      if (deadline.signal.aborted) throw remoteProblem("stalled", { url: this.#url, tried });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits before the next try; throws `error` if there is to be none. */
  async waitAfter(error: unknown, attempt: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (!canRetry(error) || attempt >= this.#options.tries) throw error;
    this.#options.onRetry?.(error, attempt);
    const ceiling = Math.min(20_000, (this.#options.firstWaitMs ?? 200) * 2 ** (attempt - 1));
    const waitMs = ceiling * (0.5 + Math.random() / 2);
    if (reasonOf(error) === "throttled") this.#quietUntilMs = Math.max(this.#quietUntilMs, Date.now() + waitMs);
    await delay(waitMs, signal);
  }

  async #quiet(signal: AbortSignal | undefined): Promise<void> {
    const leftMs = this.#quietUntilMs - Date.now();
    if (leftMs > 0) await delay(leftMs, signal);
  }
}

interface WholeGet {
  readonly key: string;
  readonly call: GetOptions;
  readonly retry: Retry;
  readonly options: RetryOptions;
}

async function getWhole(inner: Backend, get: WholeGet): Promise<ObjectBody | undefined> {
  const { key, call, retry, options } = get;
  const tried = `read "${key}"`;
  const open = (range: GetOptions["range"]) =>
    retry.run(tried, call, async (how) => {
      // The deadline ends with the answer's head; the body has its own watch, and the caller's signal.
      how.signal?.throwIfAborted();
      const late = new AbortController();
      const stop = () => late.abort(how.signal?.reason);
      how.signal?.addEventListener("abort", stop);
      const signal = AbortSignal.any([late.signal, ...(call.signal === undefined ? [] : [call.signal])]);
      try {
        return await inner.get(key, { signal, ...(range === undefined ? {} : { range }) });
      } finally {
        how.signal?.removeEventListener("abort", stop);
      }
    });
  const first = await open(call.range);
  if (first === undefined) return undefined;
  const end = call.range?.end ?? first.info.size;
  let at = call.range?.start ?? 0;
  let attempt = 1;
  let reader = first.body.getReader();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        try {
          const next = await unlessStalled(
            reader,
            options.stallMs,
            () => remoteProblem("stalled", { url: inner.url, tried }),
          );
          if (next.done) return controller.close();
          at += next.value.length;
          attempt = 1;
          return controller.enqueue(next.value);
        } catch (error) {
          await retry.waitAfter(error, attempt++, call.signal);
          const again = await open({ start: at, end });
          if (again === undefined) throw error;
          reader = again.body.getReader();
        }
      }
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return { info: first.info, body };
}

async function unlessStalled(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  stallMs: number,
  problem: () => Error,
): Promise<ReadableStreamReadResult<Uint8Array>> {
  const stalled = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    stalled.reject(problem());
    reader.cancel().catch(() => {});
  }, stallMs);
  try {
    return await Promise.race([reader.read(), stalled.promise]);
  } finally {
    clearTimeout(timer);
  }
}
