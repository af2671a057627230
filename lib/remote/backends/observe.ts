// A backend whose calls can be counted and logged. Invariant: what is told of a call is its kind, key and outcome, never a credential
// and never content.

import type { Backend, PartUploads } from "./backend.ts";

/** Kinds of calls. */
export type CallKind = "head" | "get" | "put" | "list" | "delete" | "part";

/** One call that ended. */
export interface ObservedCall {
  /** Kind of the call. */
  readonly kind: CallKind;
  /** Key or prefix. */
  readonly key: string;
  /** Milliseconds until it was answered; a body may take longer. */
  readonly ms: number;
  /** What went wrong, if anything. */
  readonly error?: string;
}

/** Wraps a backend; `onCall` is told of each call when it was answered. */
export function observed(inner: Backend, onCall: (call: ObservedCall) => void): Backend {
  const watch = async <Value>(kind: CallKind, key: string, act: () => Promise<Value>): Promise<Value> => {
    const started = performance.now();
    const tell = (more: { error?: string }) => onCall({ kind, key, ms: performance.now() - started, ...more });
    try {
      const value = await act();
      tell({});
      return value;
    } catch (error) {
      tell({ error: (error as { code?: string }).code ?? (error as Error).name });
      throw error;
    }
  };
  const { parts } = inner;
  return {
    url: inner.url,
    head: (key, call) => watch("head", key, () => inner.head(key, call)),
    get: (key, call) => watch("get", key, () => inner.get(key, call)),
    put: (key, bytes, call) => watch("put", key, () => inner.put(key, bytes, call)),
    async *list(prefix, call) {
      const started = performance.now();
      let error: string | undefined;
      try {
        yield* inner.list(prefix, call);
      } catch (thrown) {
        error = (thrown as { code?: string }).code ?? (thrown as Error).name;
        throw thrown;
      } finally {
        const ms = performance.now() - started;
        onCall({ kind: "list", key: prefix, ms, ...(error === undefined ? {} : { error }) });
      }
    },
    delete: (key, call) => watch("delete", key, () => inner.delete(key, call)),
    ...(parts === undefined ? {} : { parts: observedParts(parts, watch) }),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

type Watch = <Value>(kind: CallKind, key: string, act: () => Promise<Value>) => Promise<Value>;

function observedParts(parts: PartUploads, watch: Watch): PartUploads {
  return {
    begin: (key, call) => watch("part", key, () => parts.begin(key, call)),
    send: (upload, part, call) => watch("part", upload.key, () => parts.send(upload, part, call)),
    complete: (upload, sent, call) => watch("part", upload.key, () => parts.complete(upload, sent, call)),
    abort: (upload, call) => watch("part", upload.key, () => parts.abort(upload, call)),
    list: (prefix, call) => watch("part", prefix, () => parts.list(prefix, call)),
    sent: (upload, call) => watch("part", upload.key, () => parts.sent(upload, call)),
  };
}

/** Wraps a backend and counts its calls by kind. */
export function counted(inner: Backend): Backend & { readonly counts: Readonly<Record<CallKind, number>> } {
  const counts: Record<CallKind, number> = { head: 0, get: 0, put: 0, list: 0, delete: 0, part: 0 };
  return { ...observed(inner, ({ kind }) => counts[kind] += 1), counts };
}
