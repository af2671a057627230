// From an import specifier to what it stands for, by deno.json's import map (https://github.com/WICG/import-maps),
// package.json and deno.lock. Invariant: the files read here are named in `configFiles`, so that editing any of them is seen.

import { byCodeUnit, canonicalJson, type Digest, isJsonObject, type Json, type JsonObject } from "../core/mod.ts";
import { parseYaml } from "../pipeline/mod.ts";
import { hashText } from "../sys/mod.ts";

/** What a specifier stands for. */
export type Target =
  /** A file on this machine: absolute path. */
  | { readonly type: "file"; readonly path: string }
  /** A package with all that it needs; `id` is `npm:name@version`. */
  | { readonly type: "package"; readonly id: string; readonly hash: Digest }
  | { readonly type: "builtin"; readonly id: string }
  /** Pivot itself. */
  | { readonly type: "pivot" }
  | { readonly type: "unknown"; readonly specifier: string };

/** The configuration that decides what specifiers mean. */
export interface Resolver {
  resolve(specifier: string, fromPath: string): Target;
  /** Digest over every configuration that was read. */
  readonly digest: Digest;
  readonly warnings: ReadonlySet<string>;
}

/** Files that {@linkcode createResolver} reads, if they exist. */
export const CONFIG_FILES = ["deno.json", "deno.jsonc", "deno.lock", "package.json", "import_map.json"] as const;

/** Options of {@linkcode createResolver}. */
export interface ResolverOptions {
  readonly projectRoot: string;
  /** Folder of Pivot's own sources, with a slash at its end; a URL when it is not on this disk. */
  readonly ownUrl: string;
  /** Text of a configuration file, or undefined. */
  readonly read: (path: string) => string | undefined;
}

interface ImportMap {
  readonly base: string;
  readonly imports: Readonly<Record<string, string>>;
  readonly scopes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/** Reads the configuration and makes a resolver. */
export async function createResolver(options: ResolverOptions): Promise<Resolver> {
  const texts: Record<string, string> = {};
  const readJson = async (file: string): Promise<JsonObject> => {
    const text = options.read(`${options.projectRoot}/${file}`);
    if (text === undefined) return {};
    texts[file] = text;
    return await toObject(text, file);
  };
  const deno = { ...await readJson("deno.jsonc"), ...await readJson("deno.json") };
  const mapFile = typeof deno.importMap === "string" ? deno.importMap.replace(/^\.\//, "") : undefined;
  const map = mapFile === undefined ? deno : await readJson(mapFile);
  const lock = await readJson("deno.lock");
  const packageJson = await readJson("package.json");
  const members = await readMembers(deno, readJson);
  const warnings = new Set<string>();
  const rootUrl = fileUrl(`${options.projectRoot}/`);
  const importMap: ImportMap = { base: rootUrl, imports: stringsOf(map.imports), scopes: scopesOf(map.scopes) };
  const packages = new Packages(lock, packageJson, warnings);
  return {
    digest: hashText(canonicalJson({ texts, members: members.map(([name]) => name) })),
    warnings,
    resolve(specifier, fromPath) {
      const url = mapped(specifier, fileUrl(fromPath), importMap, members) ?? specifier;
      return classify(url, { options, packages, fromPath });
    },
  };
}

async function toObject(text: string, file: string): Promise<JsonObject> {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    // Comments: YAML's parser reads JSON, and the comments are blanked first.
    const blanked = text.replace(
      /"(?:[^"\\\n]|\\.)*"|\/\/[^\n]*|\/\*[\s\S]*?\*\/|,(?=\s*[}\]])|\t/g,
      (part) => part.startsWith('"') ? part : part.replace(/[^\n]/g, " "),
    );
    const { value } = await parseYaml(blanked, file);
    return isJsonObject(value) ? value : {};
  }
}

/** Workspace members by their package names. */
async function readMembers(
  deno: JsonObject,
  readJson: (file: string) => Promise<JsonObject>,
): Promise<[name: string, exports: Readonly<Record<string, string>>][]> {
  const listed = Array.isArray(deno.workspace)
    ? deno.workspace
    : isJsonObject(deno.workspace)
    ? deno.workspace.members
    : [];
  const found: [string, Record<string, string>][] = [];
  for (const folder of Array.isArray(listed) ? listed : []) {
    if (typeof folder !== "string" || folder.includes("*")) continue;
    const clean = folder.replace(/^\.\//, "").replace(/\/$/, "");
    const config = await readJson(`${clean}/deno.json`);
    if (typeof config.name !== "string") continue;
    const exports = typeof config.exports === "string" ? { ".": config.exports } : stringsOf(config.exports);
    found.push([
      config.name,
      Object.fromEntries(
        Object.entries(exports).map(([key, value]) => [key, `./${clean}/${value.replace(/^\.\//, "")}`]),
      ),
    ]);
  }
  return found;
}

function stringsOf(value: Json | undefined): Record<string, string> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function scopesOf(value: Json | undefined): Record<string, Record<string, string>> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(Object.entries(value).map(([scope, imports]) => [scope, stringsOf(imports)]));
}

/** The URL of an absolute path. */
export function fileUrl(path: string): string {
  return `file://${path.split("/").map(encodeURIComponent).join("/")}`;
}

function mapped(
  specifier: string,
  from: string,
  map: ImportMap,
  members: readonly [string, Readonly<Record<string, string>>][],
): string | undefined {
  const scopes = Object.keys(map.scopes)
    .map((scope) => [new URL(scope, map.base).href, scope] as const)
    .filter(([url]) => from === url || (url.endsWith("/") && from.startsWith(url)))
    .sort(([a], [b]) => b.length - a.length);
  for (const [, scope] of scopes) {
    const found = lookUp(specifier, map.scopes[scope] ?? {}, map.base);
    if (found !== undefined) return found;
  }
  const found = lookUp(specifier, map.imports, map.base);
  if (found !== undefined) return found;
  if (/^\.{0,2}\//.test(specifier)) return new URL(specifier, from).href;
  for (const [name, exports] of members) {
    const target = specifier === name
      ? exports["."]
      : specifier.startsWith(`${name}/`)
      ? exports[`./${specifier.slice(name.length + 1)}`]
      : undefined;
    if (target !== undefined) return new URL(target, map.base).href;
  }
  return undefined;
}

function lookUp(specifier: string, imports: Readonly<Record<string, string>>, base: string): string | undefined {
  const exact = imports[specifier];
  if (exact !== undefined) return isRelative(exact) ? new URL(exact, base).href : exact;
  let best: string | undefined;
  for (const key of Object.keys(imports)) {
    if (key.endsWith("/") && specifier.startsWith(key) && key.length > (best?.length ?? 0)) best = key;
  }
  if (best !== undefined) {
    const target = imports[best] ?? "";
    return (isRelative(target) ? new URL(target, base).href : target) + specifier.slice(best.length);
  }
  // `"chalk": "npm:chalk@5"` also answers for `chalk/sub`.
  const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0] ?? "";
  const owner = imports[name];
  return owner !== undefined && /^(npm|jsr):/.test(owner) ? `${owner}${specifier.slice(name.length)}` : undefined;
}

function isRelative(target: string): boolean {
  return /^\.{0,2}\//.test(target);
}

function classify(
  url: string,
  about: { options: ResolverOptions; packages: Packages; fromPath: string },
): Target {
  const { options, packages } = about;
  if (
    /^(jsr:\/?|npm:\/?)?@pivot\/pivot(@|\/|$)/.test(url) ||
    url.startsWith(options.ownUrl) && !url.startsWith(fileUrl(`${options.projectRoot}/`))
  ) {
    return { type: "pivot" };
  }
  if (url.startsWith("file://")) return { type: "file", path: decodeURIComponent(new URL(url).pathname) };
  if (url.startsWith("node:")) return { type: "builtin", id: url };
  if (/^(npm|jsr):/.test(url)) return packages.registry(url);
  if (/^https?:/.test(url)) return packages.remote(url);
  return packages.bare(url);
}

/** Packages by deno.lock, versions 4 and 5. */
class Packages {
  readonly #specifiers: Readonly<Record<string, string>>;
  readonly #tables: Readonly<Record<string, JsonObject>>;
  readonly #remote: Readonly<Record<string, string>>;
  readonly #dependencies: Readonly<Record<string, string>>;
  readonly #warnings: Set<string>;
  readonly #hasLock: boolean;
  readonly #hashes: Map<string, Digest> = new Map();

  constructor(lock: JsonObject, packageJson: JsonObject, warnings: Set<string>) {
    this.#specifiers = stringsOf(lock.specifiers);
    this.#tables = { npm: isJsonObject(lock.npm) ? lock.npm : {}, jsr: isJsonObject(lock.jsr) ? lock.jsr : {} };
    this.#remote = stringsOf(lock.remote);
    this.#dependencies = { ...stringsOf(packageJson.devDependencies), ...stringsOf(packageJson.dependencies) };
    this.#warnings = warnings;
    this.#hasLock = Object.keys(lock).length > 0;
  }

  registry(url: string): Target {
    const found = /^(npm|jsr):\/?((?:@[^/@]+\/)?[^/@]+)(?:@([^/]+))?(?:\/.*)?$/.exec(url);
    if (found === null) return { type: "unknown", specifier: url };
    const [, registry = "", name = "", range = "*"] = found;
    const version = this.#versionOf(registry, name, range);
    if (version === undefined) {
      this.#warn(
        `no version of ${registry}:${name} is locked, so its requirement "${range}" counts; run \`deno install\``,
      );
      return { type: "package", id: `${registry}:${name}@${range}`, hash: hashText(`${registry}:${name}@${range}`) };
    }
    const id = `${registry}:${name}@${version.replace(/_.*$/, "")}`;
    return { type: "package", id, hash: this.#hashOf(registry, `${name}@${version}`) };
  }

  remote(url: string): Target {
    const hash = this.#remote[url];
    if (hash === undefined) this.#warn(`"${url}" is not in deno.lock, so its address alone counts`);
    return { type: "package", id: url, hash: hashText(`${url} ${hash ?? ""}`) };
  }

  bare(specifier: string): Target {
    const name = specifier.startsWith("@") ? specifier.split("/").slice(0, 2).join("/") : specifier.split("/")[0] ?? "";
    const range = this.#dependencies[name];
    if (range !== undefined) return this.registry(`npm:${name}@${range}`);
    return { type: "unknown", specifier };
  }

  #versionOf(registry: string, name: string, range: string): string | undefined {
    const exact = this.#specifiers[`${registry}:${name}@${range}`];
    if (exact !== undefined) return exact;
    const table = this.#tables[registry] ?? {};
    const bare = range.replace(/^[\^~]/, "");
    for (const [specifier, version] of Object.entries(this.#specifiers)) {
      // The lock writes `^3.0.0` as `3` and the like: the same major number of the same package is meant.
      if (
        specifier.startsWith(`${registry}:${name}@`) &&
        (range === "*" || version === bare || version.startsWith(`${bare}.`))
      ) return version;
    }
    const candidates = Object.keys(table).filter((key) => key.startsWith(`${name}@`)).sort(byCodeUnit);
    const only = candidates.length === 1 ? candidates[0] : candidates.find((key) => key === `${name}@${bare}`);
    return only?.slice(name.length + 1);
  }

  /** Hash of a package's name, version, integrity and, recursively, of what it depends on. */
  #hashOf(registry: string, key: string): Digest {
    const id = `${registry}:${key}`;
    const known = this.#hashes.get(id);
    if (known !== undefined) return known;
    this.#hashes.set(id, hashText(id));
    const entry = this.#tables[registry]?.[key];
    const fields: JsonObject = isJsonObject(entry) ? entry : {};
    const names = Array.isArray(fields.dependencies)
      ? fields.dependencies
      : Object.values(stringsOf(fields.dependencies));
    const inner = names.flatMap((name) => typeof name === "string" ? [this.#dependencyHash(registry, name)] : []);
    const hash = hashText(canonicalJson([id, fields.integrity ?? null, inner]));
    this.#hashes.set(id, hash);
    return hash;
  }

  #dependencyHash(registry: string, name: string): Digest {
    const plain = name.replace(/^(npm|jsr):/, "");
    const from = name.startsWith("npm:") ? "npm" : name.startsWith("jsr:") ? "jsr" : registry;
    const table = this.#tables[from] ?? {};
    const locked = this.#specifiers[`${from}:${plain}`];
    const cut = plain.lastIndexOf("@");
    const base = cut > 0 ? plain.slice(0, cut) : plain;
    const key = plain in table
      ? plain
      : locked !== undefined
      ? `${base}@${locked}`
      : Object.keys(table).find((each) => each.startsWith(`${plain}@`));
    return this.#hashOf(from, key ?? plain);
  }

  #warn(message: string): void {
    this.#warnings.add(
      this.#hasLock ? message : "there is no deno.lock, so packages count by their requirements; run `deno install`",
    );
  }
}
