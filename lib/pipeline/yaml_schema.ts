// The JSON Schema of pivot.yaml, for editors. Invariant: it knows the keys that the reader knows; a test holds them together.

import type { JsonObject } from "../core/mod.ts";

/** Where `pivot schema --write` puts the schema, relative to the project. */
export const SCHEMA_FILE = ".pivot/pivot.schema.json";

/** The comment by which editors find it (https://github.com/redhat-developer/yaml-language-server). */
export const SCHEMA_COMMENT = `# yaml-language-server: $schema=${SCHEMA_FILE}`;

const TEXT = { type: "string", minLength: 1 };
const TEXTS = { type: "array", items: TEXT };
const TEXT_OR_TEXTS = { anyOf: [TEXT, TEXTS] };

function paths(description: string, options: JsonObject): JsonObject {
  const one = {
    anyOf: [
      TEXT,
      { type: "object", properties: { path: TEXT, ...options }, required: ["path"], additionalProperties: false },
    ],
  };
  return {
    description,
    anyOf: [TEXT, { type: "array", items: one }, { type: "object", additionalProperties: one }, { type: "null" }],
  };
}

const CACHE = { cache: { type: "boolean", description: "Keep it in the cache." } };
const PERSIST = { persist: { type: "boolean", description: "Leave the old one in place when the stage runs." } };
const PLOT = {
  x: { ...TEXT, description: "Column to the right." },
  y: { ...TEXT, description: "Column upwards, or several by commas." },
  title: TEXT,
  template: { ...TEXT, description: "linear, scatter, smooth, bar, confusion, or a Vega-Lite file of the project." },
};

const STAGE: JsonObject = {
  module: { ...TEXT, description: "Function to run, as in ./stages.ts#train." },
  cmd: { description: "Shell command, or program and arguments.", anyOf: [TEXT, { ...TEXTS, minItems: 1 }] },
  task: { ...TEXT, description: "Task of deno.json." },
  deps: paths("What the stage reads.", {}),
  outs: paths("What the stage makes, kept in the cache.", { ...CACHE, ...PERSIST, ...PLOT }),
  metrics: paths("Figures that the stage makes, kept in git.", { ...CACHE, ...PERSIST, ...PLOT }),
  plots: paths("Pictures and tables that `pivot plots` shows.", { ...CACHE, ...PERSIST, ...PLOT }),
  incremental: paths("Outputs that each run goes on from.", { ...CACHE, ...PERSIST, ...PLOT }),
  params: {
    description: "Values by key, overridden by params.yaml; or keys of files, which the command reads itself.",
    anyOf: [{ type: "object" }, { type: "array", items: { anyOf: [TEXT, { type: "object" }] } }],
  },
  matrix: {
    description: "Lists of values by key; one stage per combination.",
    type: "object",
    additionalProperties: { type: "array", minItems: 1 },
  },
  mutex: { ...TEXT_OR_TEXTS, description: "Stages that share a name never run at once." },
  timeout: { type: ["string", "number"], description: "90s, 5m, 1h, or milliseconds." },
  retries: { type: "integer", minimum: 0, description: "Further attempts after a failure." },
  env: { ...TEXT_OR_TEXTS, description: "Environment variables that count as inputs." },
  code: { ...TEXT_OR_TEXTS, description: "Globs of files that count as code." },
  always: { type: "boolean", description: "Run every time." },
  frozen: { type: "boolean", description: "Never run." },
  permissions: {
    description: "What a function stage may do: inherit, declared, or permissions by name.",
    anyOf: [{ enum: ["inherit", "declared"] }, { type: "object" }],
  },
  after: { ...TEXT_OR_TEXTS, description: "Stages that must run before this one." },
};

/** The JSON Schema (draft-07) of pivot.yaml. */
export function pivotYamlSchema(): JsonObject {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "pivot.yaml",
    description: "Stages of a pivot pipeline, and overrides of stages that pivot.ts declares.",
    type: ["object", "null"],
    additionalProperties: false,
    properties: {
      stages: {
        type: ["object", "null"],
        propertyNames: { pattern: "^[A-Za-z][A-Za-z0-9_-]*$" },
        additionalProperties: { type: ["object", "null"], properties: STAGE, additionalProperties: false },
      },
    },
  };
}
