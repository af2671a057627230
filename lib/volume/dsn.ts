// The `--driver` text as a checked value. Invariant: every parameter is either understood or an error that lists what is
// known; nothing is parsed and then ignored.

import { nearest, PivotError } from "../core/mod.ts";
import { parseTtl } from "./dsn_duration.ts";
import { decode, readParameters } from "./dsn_parameters.ts";
import { readStoreUrl, showStoreUrl, STORE_PARAMETERS, type StoreUrl } from "./dsn_store.ts";

/** A driver with its volume cache. */
export interface DriverDsn {
  /** Which driver. */
  readonly driver: "native" | "docker" | "k8s";
  /** Text after `://`; empty for the driver's default. */
  readonly namespace: string;
  /** The driver's own parameters. */
  readonly options: Readonly<Record<string, string>>;
  /** Absent: volumes are not cached. */
  readonly cache: CacheDsn | undefined;
}

/** Where and how volumes are cached. */
export interface CacheDsn {
  /** Store URL with its own parameters, `ttl` excepted: `s3://bucket/prefix?region=us-west-2`. */
  readonly storeUrl: string;
  /** How archives are compressed. @default "zstd" */
  readonly compression: "zstd" | "gzip" | "none";
  /** Put before the volume in keys, without slashes at its ends; empty for none. */
  readonly prefix: string;
  /** Milliseconds after which an entry is a miss; undefined: never. */
  readonly ttlMs: number | undefined;
}

/** Parameters per driver. */
const DRIVER_OPTIONS: Readonly<Record<DriverDsn["driver"], readonly string[]>> = {
  native: ["root", "mounts"],
  docker: ["host", "image"],
  k8s: ["kubeconfig", "context", "storage_class", "storage_size", "image"],
};
/** Values of parameters that are one of a few. */
const DRIVER_CHOICES: Readonly<Record<string, readonly string[]>> = { mounts: ["namespace", "links"] };
const CACHE_OPTIONS = ["cache", "cache_compression", "cache_prefix"] as const;
const COMPRESSIONS = ["zstd", "gzip", "none"] as const;

/**
 * Parses a driver DSN: `native`, `docker://NAMESPACE?…`, `k8s://NAMESPACE?…`.
 *
 * The cache's store URL may carry parameters of its own: `cache=s3://bucket?region=us-west-2&cache_prefix=a`. Those after
 * the first `&` stand in the outer query; the names that belong to the store are given back to it.
 *
 * @throws {PivotError} `bad-dsn` (kind `usage`) for an unknown driver, name or value, and for a name given twice.
 * @example
 * ```ts
 * import { parseDriverDsn } from "@pivot/pivot/volume";
 * const dsn = parseDriverDsn("docker://?cache=s3://bucket?region=us-west-2&cache_prefix=project-a");
 * console.assert(dsn.cache?.storeUrl === "s3://bucket?region=us-west-2" && dsn.cache.prefix === "project-a");
 * ```
 */
export function parseDriverDsn(text: string): DriverDsn {
  const match = /^([a-z0-9]+)(?::\/\/([^?]*)(?:\?(.*))?)?$/s.exec(text.trim());
  const driver = match?.[1] ?? text;
  if (match === null || !isDriver(driver)) {
    throw badDsn(text, `"${driver}" is no driver`, Object.keys(DRIVER_OPTIONS), driver);
  }
  const parameters = readParameters(match[3] ?? "", (why) => badDsn(text, why));
  const cacheUrl = parameters.get("cache");
  const store = cacheUrl === undefined
    ? undefined
    : readStoreUrl(cacheUrl, parameters, (why, known, meant) => badDsn(text, why, known, meant));
  const known = [...DRIVER_OPTIONS[driver], ...CACHE_OPTIONS, ...(store?.names ?? [])];
  for (const name of parameters.keys()) {
    if (!known.includes(name)) throw badDsn(text, unknownName(name, driver, cacheUrl), known, name);
  }
  if (cacheUrl === undefined) {
    const orphan = CACHE_OPTIONS.find((name) => parameters.has(name));
    if (orphan !== undefined) throw badDsn(text, `"${orphan}" needs "cache"`);
  }
  const options = DRIVER_OPTIONS[driver].flatMap((name) => {
    const value = parameters.get(name);
    if (value === "") throw badDsn(text, `"${name}" is empty`);
    if (name === "root" && value !== undefined && !value.startsWith("/")) {
      throw badDsn(text, `"root" is "${value}", not an absolute path`);
    }
    const choices = DRIVER_CHOICES[name];
    if (value !== undefined && choices?.includes(value) === false) {
      throw badDsn(text, `"${value}" is no value of "${name}"`, choices, value);
    }
    return value === undefined ? [] : [[name, value] as const];
  });
  const namespace = decode(match[2] ?? "", (why) => badDsn(text, why)).replace(/\/+$/, "");
  if (driver === "native" && namespace !== "") {
    throw badDsn(text, `the native driver has no namespaces, but "${namespace}" is given`);
  }
  return {
    driver,
    namespace,
    options: Object.fromEntries(options),
    cache: store === undefined ? undefined : cacheOf(text, store, parameters),
  };
}

function isDriver(name: string): name is DriverDsn["driver"] {
  return Object.hasOwn(DRIVER_OPTIONS, name);
}

function cacheOf(text: string, store: StoreUrl, parameters: ReadonlyMap<string, string>): CacheDsn {
  const compression = parameters.get("cache_compression") ?? "zstd";
  if (!isCompression(compression)) {
    throw badDsn(text, `"${compression}" is no compression`, COMPRESSIONS, compression);
  }
  const ttl = store.values.get("ttl");
  return {
    storeUrl: showStoreUrl(store),
    compression,
    prefix: checkPrefix(text, parameters.get("cache_prefix") ?? ""),
    ttlMs: ttl === undefined ? undefined : parseTtl(ttl, (why) => badDsn(text, why)),
  };
}

function isCompression(name: string): name is CacheDsn["compression"] {
  return COMPRESSIONS.some((each) => each === name);
}

function checkPrefix(text: string, prefix: string): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, "");
  const bad = trimmed !== "" && trimmed.split("/").some((part) => part === "" || part === "." || part === "..");
  if (bad || /\p{Cc}/u.test(trimmed)) throw badDsn(text, `"${prefix}" cannot be a key's prefix`);
  return trimmed;
}

function unknownName(name: string, driver: string, cacheUrl: string | undefined): string {
  const needsCache = cacheUrl === undefined && STORE_PARAMETERS.includes(name);
  return needsCache
    ? `"${name}" is a parameter of a store, but "cache" is not given`
    : `"${name}" is no parameter of the ${driver} driver${cacheUrl === undefined ? "" : " or its cache"}`;
}

function badDsn(text: string, why: string, known: readonly string[] = [], meant = ""): PivotError {
  const near = nearest(meant, known);
  const list = known.length === 0 ? "see `pivot ci run --help` for examples" : `known are ${known.join(", ")}`;
  return new PivotError(`cannot use the driver "${withoutSecrets(text)}": ${withoutSecrets(why)}`, {
    code: "bad-dsn",
    kind: "usage",
    hint: near === undefined || near === meant ? list : `did you mean "${near}"? ${list}`,
  });
}

/** A URL as people paste it may carry a password. */
function withoutSecrets(text: string): string {
  return text.replace(/(:\/\/[^/?@:]*):[^/?@]*@/g, "$1:***@");
}
