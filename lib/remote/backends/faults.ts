// A backend that breaks on demand, for tests of what rests on one. Invariant: apart from the faults asked for it keeps the contract.

import type { Backend, CallOptions, ObjectBody, PartUploads } from "./backend.ts";
import type { CallKind } from "./observe.ts";
import { remoteProblem, type RemoteReason } from "./problems.ts";

/** What is done to one call. */
export type InjectedFault =
  /** Fails before anything is done. */
  | { readonly type: "fail"; readonly reason: RemoteReason }
  /** Does it, then fails: the caller cannot know. */
  | { readonly type: "lose-answer" }
  /** Answers only when the call is cancelled. */
  | { readonly type: "stall" }
  /** Breaks the body of a `get` off after so many bytes. */
  | { readonly type: "cut"; readonly afterBytes: number }
  /** Flips a bit of this byte in the body of a `get`, or in what is written. */
  | { readonly type: "flip"; readonly at: number };

/** A call that may be broken. */
export interface BreakableCall {
  /** Kind of the call. */
  readonly kind: CallKind;
  /** Key or prefix. */
  readonly key: string;
  /** From 1, over all calls. */
  readonly number: number;
}

/**
 * Wraps a backend; `faultFor` decides for each call, undefined lets it pass.
 *
 * @example
 * ```ts
 * import { faulty, memoryBackend } from "@pivot/pivot/remote";
 * const backend = faulty(memoryBackend("test"), ({ kind }) => kind === "head" ? { type: "fail", reason: "throttled" } : undefined);
 * const code = await backend.head("a").catch((error) => error.code);
 * console.assert(code === "remote-throttled");
 * ```
 */
export function faulty(inner: Backend, faultFor: (call: BreakableCall) => InjectedFault | undefined): Backend {
  const breaker = new Breaker(inner.url, faultFor);
  const { parts } = inner;
  return {
    url: inner.url,
    head: (key, call = {}) => breaker.run({ kind: "head", key, call }, () => inner.head(key, call)),
    async get(key, call = {}) {
      const fault = breaker.next("get", key);
      const found = await breaker.apply(fault, { kind: "get", key, call }, () => inner.get(key, call));
      return found === undefined ? undefined : breaker.broken(found, fault, key);
    },
    put: (key, bytes, call) => {
      const fault = breaker.next("put", key);
      return breaker.apply(fault, { kind: "put", key, call }, () => inner.put(key, flipped(bytes, fault), call));
    },
    async *list(prefix, call = {}) {
      await breaker.run({ kind: "list", key: prefix, call }, () => Promise.resolve());
      yield* inner.list(prefix, call);
    },
    delete: (key, call = {}) => breaker.run({ kind: "delete", key, call }, () => inner.delete(key, call)),
    ...(parts === undefined ? {} : { parts: faultyParts(parts, breaker) }),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

function faultyParts(parts: PartUploads, breaker: Breaker): PartUploads {
  const run = <Value>(key: string, call: CallOptions, act: () => Promise<Value>): Promise<Value> =>
    breaker.run({ kind: "part", key, call }, act);
  return {
    begin: (key, call) => run(key, call, () => parts.begin(key, call)),
    send: (upload, part, call = {}) => run(upload.key, call, () => parts.send(upload, part, call)),
    complete: (upload, sent, call) => run(upload.key, call, () => parts.complete(upload, sent, call)),
    abort: (upload, call = {}) => run(upload.key, call, () => parts.abort(upload, call)),
    list: (prefix, call = {}) => run(prefix, call, () => parts.list(prefix, call)),
    sent: (upload, call = {}) => run(upload.key, call, () => parts.sent(upload, call)),
  };
}

interface Breakable {
  readonly kind: CallKind;
  readonly key: string;
  readonly call: CallOptions;
}

class Breaker {
  readonly #url: string;
  readonly #faultFor: (call: BreakableCall) => InjectedFault | undefined;
  #count = 0;

  constructor(url: string, faultFor: (call: BreakableCall) => InjectedFault | undefined) {
    this.#url = url;
    this.#faultFor = faultFor;
  }

  next(kind: CallKind, key: string): InjectedFault | undefined {
    return this.#faultFor({ kind, key, number: ++this.#count });
  }

  run<Value>(about: Breakable, act: () => Promise<Value>): Promise<Value> {
    return this.apply(this.next(about.kind, about.key), about, act);
  }

  async apply<Value>(
    fault: InjectedFault | undefined,
    { kind, key, call }: Breakable,
    act: () => Promise<Value>,
  ): Promise<Value> {
    call.signal?.throwIfAborted();
    const tried = `${kind} "${key}"`;
    if (fault?.type === "fail") throw remoteProblem(fault.reason, { url: this.#url, tried });
    if (fault?.type === "stall") return await untilAborted(call.signal);
    const value = await act();
    if (fault?.type === "lose-answer") throw remoteProblem("interrupted", { url: this.#url, tried });
    return value;
  }

  /** A body as it arrives over a bad line. */
  broken(found: ObjectBody, fault: InjectedFault | undefined, key: string): ObjectBody {
    if (fault?.type !== "cut" && fault?.type !== "flip") return found;
    let seen = 0;
    const spoil = new TransformStream<Uint8Array, Uint8Array>({
      transform: (chunk, controller) => {
        const start = seen;
        seen += chunk.length;
        if (fault.type === "flip") return controller.enqueue(flipped(chunk, { type: "flip", at: fault.at - start }));
        if (seen <= fault.afterBytes) return controller.enqueue(chunk);
        if (fault.afterBytes > start) controller.enqueue(chunk.subarray(0, fault.afterBytes - start));
        controller.error(remoteProblem("interrupted", { url: this.#url, tried: `get "${key}"` }));
      },
    });
    return { info: found.info, body: found.body.pipeThrough(spoil) };
  }
}

function flipped(bytes: Uint8Array, fault: InjectedFault | undefined): Uint8Array {
  if (fault?.type !== "flip" || fault.at < 0 || fault.at >= bytes.length) return bytes;
  const copy = bytes.slice();
  copy[fault.at] = (copy[fault.at] ?? 0) ^ 1;
  return copy;
}

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
