// URLs of stores that volumes are kept in: the one place that knows which kinds there are and what each takes. Invariant: what
// is let through here can be opened by `lib/app/volume_store.ts`; all else is an error before anything starts.

import { nearest, PivotError } from "../core/mod.ts";
import { readParameters, splitStoreUrl } from "./dsn_parameters.ts";

/** The kinds of stores. */
export type StoreScheme = "s3" | "minio" | "gcs" | "file";

/** Parameters per kind of store, the cache's own `ttl` left out. */
const STORES = {
  s3: ["endpoint", "region", "profile", "checksums"],
  minio: ["region", "secure", "checksums"],
  gcs: ["endpoint", "checksums"],
  file: [],
} as const satisfies Readonly<Record<StoreScheme, readonly string[]>>;

/** All names of parameters of stores, for telling where one belongs. */
export const STORE_PARAMETERS: readonly string[] = [...new Set(Object.values(STORES).flat()), "ttl"];

/** A checked URL in parts. */
export interface StoreUrl {
  /** All before the `?`. */
  readonly base: string;
  /** Names that this kind of store knows, `ttl` among them. */
  readonly names: readonly string[];
  /** What is given. */
  readonly values: ReadonlyMap<string, string>;
}

/** Makes an error of what is wrong, what is known instead, and which of these may be meant. */
export type StoreUrlFailure = (why: string, known?: readonly string[], meant?: string) => Error;

/** Reads a store's URL; `outer` has parameters that stand beside it, of which those of the store are taken. */
export function readStoreUrl(url: string, outer: ReadonlyMap<string, string>, fail: StoreUrlFailure): StoreUrl {
  const { scheme, base, query } = splitStoreUrl(url);
  if (!isStore(scheme)) {
    const why = scheme === "azure" ? "volumes cannot be kept in Azure" : `"${url}" is no store URL`;
    throw fail(why, Object.keys(STORES).map((each) => `${each}://`), `${scheme}://`);
  }
  const wrong = misplaced(scheme, base);
  if (wrong !== undefined) throw fail(`the store URL "${url}" ${wrong}`);
  const names = [...STORES[scheme], "ttl"];
  const inner = readParameters(query, fail);
  for (const name of inner.keys()) {
    if (!names.includes(name)) throw fail(`"${name}" is no parameter of a ${scheme} store`, names, name);
  }
  const values = new Map(inner);
  for (const name of names) {
    const value = outer.get(name);
    if (value === undefined) continue;
    if (values.has(name) && values.get(name) !== value) throw fail(`"${name}" is given twice, with different values`);
    values.set(name, value);
  }
  for (const [name, value] of values) if (value === "" && name !== "ttl") throw fail(`"${name}" is empty`);
  return { base, names, values };
}

function misplaced(scheme: StoreScheme, base: string): string | undefined {
  const [host = "", ...path] = base.slice(`${scheme}://`.length).split("/");
  const named = path.some((part) => part !== "");
  if (scheme === "file") {
    if (host !== "" && host !== "localhost") return `names the host "${host}"; write file:/// with three slashes`;
    return named ? undefined : "names no folder";
  }
  if (scheme === "minio") return host !== "" && named ? undefined : "needs a host and a bucket";
  return host === "" ? "names no bucket" : undefined;
}

/** The URL with its own parameters, without `ttl`, which is the cache's. */
export function showStoreUrl({ base, names, values }: StoreUrl): string {
  const own = names.flatMap((name) => {
    const value = name === "ttl" ? undefined : values.get(name);
    return value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`];
  });
  return own.length === 0 ? base : `${base}?${own.join("&")}`;
}

/**
 * Checks a store's URL as people type it after `--store`.
 *
 * @throws {PivotError} `bad-store` (kind `usage`) for an unknown kind of store or parameter.
 */
export function checkStoreUrl(url: string): { readonly scheme: StoreScheme; readonly url: string } {
  const shown = url.replace(/(:\/\/)[^/?@]*@/, "$1***@").replace(/\?.*$/s, "");
  const fail: StoreUrlFailure = (why, known = [], meant = "") => {
    const near = nearest(meant, known);
    const list = known.length === 0
      ? "write s3://bucket/prefix, minio://host:port/bucket/prefix, gcs://bucket/prefix or file:///folder"
      : `known are ${known.join(", ")}`;
    return new PivotError(`cannot use the store "${shown}": ${why}`, {
      code: "bad-store",
      kind: "usage",
      hint: near === undefined || near === meant ? list : `did you mean "${near}"? ${list}`,
    });
  };
  // A value in it may be a secret that does not belong there.
  const parsed = readStoreUrl(url, new Map(), (why, ...more) => fail(why.replaceAll(url, shown), ...more));
  if (parsed.values.has("ttl")) throw fail(`"ttl" belongs to the driver of a run, not here`);
  const scheme = splitStoreUrl(url).scheme;
  if (!isStore(scheme)) throw fail(`"${scheme}" is no kind of store`);
  return { scheme, url: showStoreUrl(parsed) };
}

function isStore(scheme: string): scheme is StoreScheme {
  return Object.hasOwn(STORES, scheme);
}
