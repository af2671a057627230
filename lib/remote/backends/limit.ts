// A backend that does only so much at once. Invariant: a call that waits for its turn ends with its signal; a body counts until it was
// read or given up.

import type { Backend, CallOptions, PartUploads } from "./backend.ts";

/** Wraps a backend. @param atOnce Calls that are on their way at the same time, bodies included. */
export function withLimit(inner: Backend, atOnce: number): Backend {
  const gate = new Gate(atOnce);
  const { parts } = inner;
  return {
    url: inner.url,
    head: (key, call = {}) => gate.run(call, () => inner.head(key, call)),
    async get(key, call = {}) {
      const leave = await gate.enter(call);
      try {
        const found = await inner.get(key, call);
        if (found === undefined) {
          leave();
          return undefined;
        }
        return { info: found.info, body: leaving(found.body, leave) };
      } catch (error) {
        leave();
        throw error;
      }
    },
    put: (key, bytes, call) => gate.run(call, () => inner.put(key, bytes, call)),
    // Pages are asked for one after the other: a listing takes one place.
    async *list(prefix, call = {}) {
      const leave = await gate.enter(call);
      try {
        yield* inner.list(prefix, call);
      } finally {
        leave();
      }
    },
    delete: (key, call = {}) => gate.run(call, () => inner.delete(key, call)),
    ...(parts === undefined ? {} : { parts: limitedParts(parts, gate) }),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

function limitedParts(parts: PartUploads, gate: Gate): PartUploads {
  return {
    begin: (key, call) => gate.run(call, () => parts.begin(key, call)),
    send: (upload, part, call = {}) => gate.run(call, () => parts.send(upload, part, call)),
    complete: (upload, sent, call) => gate.run(call, () => parts.complete(upload, sent, call)),
    abort: (upload, call = {}) => gate.run(call, () => parts.abort(upload, call)),
    list: (prefix, call = {}) => gate.run(call, () => parts.list(prefix, call)),
    sent: (upload, call = {}) => gate.run(call, () => parts.sent(upload, call)),
  };
}

/** Lets so many in; the rest wait in line. */
class Gate {
  #free: number;
  readonly #line: (() => void)[] = [];

  constructor(size: number) {
    this.#free = size;
  }

  async enter({ signal }: CallOptions): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    let inside = true;
    return () => {
      if (!inside) return;
      inside = false;
      const next = this.#line.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
  }

  async run<Value>(call: CallOptions, act: () => Promise<Value>): Promise<Value> {
    const leave = await this.enter(call);
    try {
      return await act();
    } finally {
      leave();
    }
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const turn = () => resolve();
    this.#line.push(turn);
    const stop = () => {
      const at = this.#line.indexOf(turn);
      if (at < 0) return;
      this.#line.splice(at, 1);
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", stop);
    }
  }
}

function leaving(body: ReadableStream<Uint8Array>, leave: () => void): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      leave();
    },
    async cancel(reason) {
      leave();
      await reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
}
