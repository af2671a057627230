/**
 * Code identities of stages, computed from source.
 *
 * @module
 */
export type * from "./types.ts";
