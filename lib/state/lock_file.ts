// The record of a stage's last good run: `.pivot/stages/<stage>.lock`, YAML 1.2, tracked in git, everything that a clone
// needs to pull and skip. Invariants: the same lock gives the same bytes; a lock from elsewhere cannot name a path
// outside the project; secrets never stand in it (environment values only as digests).

import {
  byCodeUnit,
  type Content,
  type Digest,
  isJsonObject,
  type Json,
  type JsonObject,
  parseDigest,
  parseRelPath,
  type PathContent,
  PivotError,
  type StageName,
  type TreeEntry,
} from "../core/mod.ts";

/** Version of the lock format that this release writes. */
export const LOCK_VERSION = 1;

/** A recorded output. */
export interface LockedOut extends PathContent {
  /** `out`, `metric`, `plot` or `incremental`. */
  readonly kind: string;
  readonly cache: boolean;
}

/** The record of one good run. */
export interface StageLock {
  readonly version: typeof LOCK_VERSION;
  /** Identity of what was executed, apart from code that fingerprints see. */
  readonly action: string;
  readonly codeDigest: Digest;
  /** Manifest: symbol to hash. */
  readonly code: Readonly<Record<string, Digest>>;
  readonly params: JsonObject;
  /** Digest of each environment variable that counts; null = was not set. */
  readonly env: Readonly<Record<string, Digest | null>>;
  readonly deps: readonly PathContent[];
  readonly outs: readonly LockedOut[];
}

/** The path of a stage's lock below the project root. */
export function lockPath(stage: StageName): string {
  return `.pivot/stages/${stage}.lock`;
}

/** The lock as YAML. Strings are JSON-quoted, which YAML 1.2 includes, so that no value can be misread. */
export function formatLock(lock: StageLock): string {
  const lines = [
    "# Written by pivot; keep it in git.",
    `version: ${lock.version}`,
    `action: ${quote(lock.action)}`,
    `code_digest: ${quote(lock.codeDigest)}`,
    ...mapping("code", lock.code),
    `params: ${flow(lock.params)}`,
    ...mapping("env", lock.env),
    ...sequence("deps", [...lock.deps].sort(byPath).flatMap((dep) => pathLines(dep, []))),
    ...sequence(
      "outs",
      [...lock.outs].sort(byPath).flatMap((out) => pathLines(out, [`kind: ${out.kind}`, `cache: ${out.cache}`])),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function byPath(a: PathContent, b: PathContent): number {
  return byCodeUnit(a.path, b.path);
}

// Line separators that JSON leaves alone but YAML 1.1 readers fold, and lone surrogates, are written as escapes.
function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function flow(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(", ")}]`;
  if (!isJsonObject(value)) return typeof value === "string" ? quote(value) : JSON.stringify(value);
  const keys = Object.keys(value).sort(byCodeUnit);
  return `{${keys.map((key) => `${quote(key)}: ${flow(value[key] ?? null)}`).join(", ")}}`;
}

function mapping(name: string, values: Readonly<Record<string, string | null>>): string[] {
  const keys = Object.keys(values).sort(byCodeUnit);
  if (keys.length === 0) return [`${name}: {}`];
  return [`${name}:`, ...keys.map((key) => `  ${quote(key)}: ${flow(values[key] ?? null)}`)];
}

function sequence(name: string, lines: string[]): string[] {
  return lines.length === 0 ? [`${name}: []`] : [`${name}:`, ...lines];
}

function pathLines({ path, content }: PathContent, extra: string[]): string[] {
  return [`  - path: ${quote(path)}`, ...[...extra, ...contentLines(content)].map((line) => `    ${line}`)];
}

function contentLines(content: Content): string[] {
  const lines = [`hash: ${quote(content.hash)}`, `size: ${content.size}`];
  if (content.type === "file") return content.executable ? [...lines, "executable: true"] : lines;
  if (content.files.length === 0) return [...lines, "files: []"];
  return [...lines, "files:", ...content.files.map((entry) => `  - ${entryFlow(entry)}`)];
}

/** Lines of YAML that record one path. */
export function formatContent(path: string, content: Content): string[] {
  return [`path: ${quote(path)}`, ...contentLines(content)];
}

/**
 * Reads what {@linkcode formatContent} wrote, as a YAML parser gives it.
 *
 * @throws {Error} if it is anything else.
 */
export function readRecordedPath(value: unknown): PathContent {
  if (!isJsonObject(value)) throw new TypeError("it is not a mapping");
  return readPath(value);
}

function entryFlow(entry: TreeEntry): string {
  const path = `path: ${quote(entry.path)}`;
  if (entry.type === "directory") return `{${path}, directory: true}`;
  if (entry.type === "link") return `{${path}, link: ${quote(entry.target)}}`;
  const bit = entry.executable ? ", executable: true" : "";
  return `{${path}, hash: ${quote(entry.hash)}, size: ${entry.size}${bit}}`;
}

/**
 * Checks what a YAML parser made of a lock file.
 *
 * @throws {PivotError} `lock-too-new` for a newer version (kind `invalid`), `lock-damaged` for anything else that is not a lock.
 */
export function lockFromYaml(value: unknown, file: string): StageLock {
  if (!isJsonObject(value)) throw damaged(file, "it is not a mapping");
  const { version } = value;
  if (typeof version === "number" && version > LOCK_VERSION) {
    throw new PivotError(`"${file}" has format ${version}, this pivot reads up to ${LOCK_VERSION}`, {
      code: "lock-too-new",
      kind: "invalid",
      hint: "update pivot",
      spot: { file, line: 1 },
    });
  }
  if (version !== LOCK_VERSION) throw damaged(file, "it has no version");
  try {
    return {
      version,
      action: text(value.action, "action"),
      codeDigest: parseDigest(value.code_digest),
      code: mapValues(object(value.code, "code"), parseDigest),
      params: object(value.params, "params"),
      env: mapValues(object(value.env, "env"), (each) => each === null ? null : parseDigest(each)),
      deps: list(value.deps, "deps").map(readPath),
      outs: list(value.outs, "outs").map((each) => {
        const fields = object(each, "outs");
        return { ...readPath(each), kind: text(fields.kind, "kind"), cache: fields.cache === true };
      }),
    };
  } catch (error) {
    throw damaged(file, (error as Error).message);
  }
}

function damaged(file: string, why: string): PivotError {
  return new PivotError(`"${file}" is not a usable lock: ${why}`, {
    code: "lock-damaged",
    kind: "invalid",
    hint: "it is taken as no record; the stage runs again and writes a new one",
    spot: { file },
  });
}

function readPath(value: Json): PathContent {
  const fields = object(value, "entry");
  return { path: parseRelPath(text(fields.path, "path")), content: readContent(fields) };
}

function readContent(fields: JsonObject): Content {
  const hash = parseDigest(fields.hash);
  const size = count(fields.size);
  if (fields.files === undefined) return { type: "file", hash, size, executable: fields.executable === true };
  const files = list(fields.files, "files").map(readEntry);
  if (new Set(files.map((entry) => entry.path)).size < files.length) throw new TypeError("a folder names a file twice");
  return { type: "directory", hash, size, files };
}

function readEntry(value: Json): TreeEntry {
  const fields = object(value, "file");
  // Folders in a tree cannot climb out of it: the same rule as for project paths.
  const path: string = parseRelPath(text(fields.path, "path"));
  if (fields.directory === true) return { type: "directory", path };
  if (fields.link !== undefined) return { type: "link", path, target: linkTarget(path, text(fields.link, "link")) };
  return {
    type: "file",
    path,
    hash: parseDigest(fields.hash),
    size: count(fields.size),
    executable: fields.executable === true,
  };
}

// Joined with the link's own folder the target must stay below the listing's root, or be that root.
function linkTarget(path: string, target: string): string {
  let level = path.split("/").length - 1;
  for (const segment of target.split("/")) {
    if (segment === "..") level -= 1;
    else if (segment !== "" && segment !== ".") level += 1;
    if (level < 0) break;
  }
  if (target === "" || target.startsWith("/") || target.includes("\0") || level < 0) {
    throw new TypeError(`link "${path}" leaves its folder`);
  }
  return target;
}

function text(value: Json | undefined, what: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`"${what}" is not a text`);
}

function count(value: Json | undefined): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`"size" is not a number of bytes`);
}

function object(value: Json | undefined, what: string): JsonObject {
  if (isJsonObject(value)) return value;
  throw new TypeError(`"${what}" is not a mapping`);
}

function list(value: Json | undefined, what: string): readonly Json[] {
  if (Array.isArray(value)) return value;
  throw new TypeError(`"${what}" is not a list`);
}

function mapValues<Value>(source: JsonObject, read: (value: Json) => Value): Record<string, Value> {
  return Object.fromEntries(Object.entries(source).map(([key, value]) => [key, read(value)]));
}
