/**
 * Code identities of stages, computed from source: what a stage reaches, symbol by symbol, with sound fallbacks.
 *
 * User modules are parsed, never imported. A warm answer costs one stat per file that it rests on.
 *
 * @module
 */

export { createFingerprinter, type FingerprinterOptions, LOADER_FORMAT } from "./fingerprinter.ts";
export {
  type Embedded,
  embeddedFingerprinter,
  type EmbeddedManifest,
  type EmbeddedStage,
  functionText,
  makeManifest,
  MANIFEST_FORMAT,
} from "./embedded.ts";
export type * from "./types.ts";
