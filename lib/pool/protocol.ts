// What travels between the coordinator and a worker. Errors travel in wire form, since a posted
// Error loses its class and fields.

import type { WireError } from "../core/mod.ts";

/** Coordinator to worker. */
export type ToWorker =
  | { readonly type: "run"; readonly id: number; readonly input: unknown }
  | { readonly type: "cancel"; readonly id: number; readonly reason: WireError };

/** Worker to coordinator. */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "progress"; readonly id: number; readonly value: unknown }
  | { readonly type: "done"; readonly id: number; readonly output: unknown }
  | { readonly type: "failed"; readonly id: number; readonly error: WireError };
