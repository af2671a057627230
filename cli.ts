/**
 * The `pivot` command. `import` it for {@linkcode main}, or run it.
 *
 * @module
 */

import { main } from "./lib/cli/mod.ts";

export { main } from "./lib/cli/mod.ts";
export type {
  Branded,
  Digest,
  Embedded,
  EmbeddedManifest,
  EmbeddedStage,
  MainOptions,
  SourceSpot,
  StageCode,
  SymbolPlace,
} from "./lib/cli/mod.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
