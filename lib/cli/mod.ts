/**
 * The command line: arguments, commands, rendering, exit codes, signals. The only room that prints.
 *
 * @module
 */

export { main, type MainOptions } from "./main.ts";
export type { Embedded, EmbeddedManifest, EmbeddedStage, StageCode, SymbolPlace } from "../fingerprint/mod.ts";
export type { Branded, Digest, SourceSpot } from "../core/mod.ts";
