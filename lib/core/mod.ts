/**
 * Names, errors and bounds that every room shares. No I/O, no dependencies.
 *
 * @module
 */

export { assert, unreachable } from "./assert.ts";
export {
  asPivotError,
  type ErrorKind,
  EXIT_CODES,
  fromWire,
  messageOf,
  PivotError,
  type PivotErrorOptions,
  PivotFindings,
  type SourceSpot,
  toWire,
  type WireError,
} from "./errors.ts";
export type {
  CheckoutMode,
  Content,
  FileContent,
  FileIndex,
  IndexedFile,
  PathContent,
  TreeContent,
  TreeEntry,
} from "./content.ts";
export {
  type Branded,
  byCodeUnit,
  type Digest,
  isDigest,
  isSha256,
  isStageName,
  parseDigest,
  parseRelPath,
  parseSha256,
  parseStageName,
  type RelPath,
  type Sha256,
  type StageName,
} from "./ids.ts";
export type { StepHook } from "./step_hook.ts";
export { canonicalJson, isJsonObject, type Json, jsonEqual, type JsonObject } from "./json.ts";
export * from "./limits.ts";
export { formatBytes, formatDuration, nearest, plural } from "./text.ts";
