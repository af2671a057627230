// The public surface, pinned: a name that comes or goes is a decision, not an accident.

import assert from "node:assert/strict";
import * as cli from "../../cli.ts";
import * as pivot from "../../mod.ts";
import * as pipeline from "../../lib/pipeline/public.ts";

const DECLARING = [
  "bytes",
  "csv",
  "dep",
  "incremental",
  "isStage",
  "json",
  "jsonl",
  "loader",
  "metric",
  "out",
  "path",
  "plot",
  "stage",
  "text",
  "yaml",
];

Deno.test("the module exports these names", () => {
  assert.deepEqual(Object.keys(pivot).sort(), ["PivotError", "PivotFindings", "openRepository", ...DECLARING].sort());
  assert.deepEqual(Object.keys(pipeline).sort(), DECLARING);
  assert.deepEqual(Object.keys(cli), ["main"]);
});
