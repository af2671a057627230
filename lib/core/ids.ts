// Branded strings that only their parser makes, so that a checked name cannot be
// confused with an unchecked one.

import { PivotError } from "./errors.ts";

/** A text that only its parser makes. */
export type Branded<Name extends string> = string & {
  /** Exists for the type checker alone. */
  readonly "~brand": Name;
};

/** xxhash64 of some bytes: 16 lower-case hex digits. */
export type Digest = Branded<"Digest">;
/** SHA-256 of some bytes: 64 lower-case hex digits. */
export type Sha256 = Branded<"Sha256">;
/** A stage's name, `train` or for a matrix variant `train@0.1_a`. */
export type StageName = Branded<"StageName">;
/** A path relative to the project root, `/` between segments, no `.`, `..` or empty segment. */
export type RelPath = Branded<"RelPath">;

const DIGEST = /^[0-9a-f]{16}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const STAGE_NAME = /^[A-Za-z][A-Za-z0-9_-]*(@[A-Za-z0-9._+-]+)?$/;

/** Whether `text` is a {@linkcode Digest}. */
export function isDigest(text: unknown): text is Digest {
  return typeof text === "string" && DIGEST.test(text);
}

/** @throws {PivotError} `bad-digest` */
export function parseDigest(text: unknown): Digest {
  if (isDigest(text)) return text;
  throw new PivotError(`not an xxhash64 digest: ${JSON.stringify(text)}`, { code: "bad-digest", kind: "integrity" });
}

/** Whether `text` is a {@linkcode Sha256}. */
export function isSha256(text: unknown): text is Sha256 {
  return typeof text === "string" && SHA256.test(text);
}

/** @throws {PivotError} `bad-digest` */
export function parseSha256(text: unknown): Sha256 {
  if (isSha256(text)) return text;
  throw new PivotError(`not a SHA-256 digest: ${JSON.stringify(text)}`, { code: "bad-digest", kind: "integrity" });
}

/** Whether `text` is a {@linkcode StageName}. */
export function isStageName(text: unknown): text is StageName {
  return typeof text === "string" && STAGE_NAME.test(text);
}

/** @throws {PivotError} `bad-stage-name` */
export function parseStageName(text: string): StageName {
  if (isStageName(text)) return text;
  throw new PivotError(`"${text}" is not a stage name`, {
    code: "bad-stage-name",
    kind: "invalid",
    hint: "a name starts with a letter and goes on with letters, digits, - and _",
  });
}

/** Nothing to change and nothing to refuse: most paths are so, and there may be ten thousand of them. */
const PLAIN_PATH = /^(?:\w[\w.-]*\/)*\w[\w.-]*$/;

/**
 * Parses a project-relative path as people write it: `./a//b/` becomes `a/b`.
 *
 * @throws {PivotError} `path-outside-project` for an absolute path or one that leaves
 * the project, `bad-path` for an empty one or one with a NUL.
 */
export function parseRelPath(text: string): RelPath {
  if (PLAIN_PATH.test(text)) return text as RelPath;
  const bad = (code: string, why: string) =>
    new PivotError(`path "${text}" ${why}`, {
      code,
      kind: "invalid",
      hint: "write paths relative to the project root, with / between folders",
    });
  if (text.includes("\0")) throw bad("bad-path", "contains a NUL character");
  if (text.startsWith("/") || /^[A-Za-z]:[\\/]/.test(text)) throw bad("path-outside-project", "is absolute");
  const kept: string[] = [];
  for (const segment of text.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") kept.push(segment);
    else if (kept.pop() === undefined) throw bad("path-outside-project", "leaves the project");
  }
  if (kept.length === 0) throw bad("bad-path", "names no file");
  return kept.join("/") as RelPath;
}

/** Orders strings by UTF-16 code unit: the same on every machine and in every locale. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
