// A backend that is never written to. Invariant: a write is refused before anything is sent.

import { PivotError } from "../../core/mod.ts";
import type { Backend } from "./backend.ts";

/** Wraps a backend; writes and deletions throw `remote-read-only`. */
export function readOnly(inner: Backend): Backend {
  const refuse = (what: string, key: string) =>
    Promise.reject(
      new PivotError(`cannot ${what} "${key}": the remote ${inner.url} is used for reading only`, {
        code: "remote-read-only",
        kind: "remote",
        data: { reason: "read-only", retry: false },
      }),
    );
  return {
    url: inner.url,
    head: (key, call) => inner.head(key, call),
    get: (key, call) => inner.get(key, call),
    list: (prefix, call) => inner.list(prefix, call),
    put: (key) => refuse("write", key),
    delete: (key) => refuse("delete", key),
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}
