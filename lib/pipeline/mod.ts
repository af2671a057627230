/**
 * Declaring stages. (Contents arrive with the room.)
 *
 * @module
 */
export type * from "./spec.ts";
