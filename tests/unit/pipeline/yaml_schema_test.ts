// The published schema and the reader know the same pivot.yaml.

import assert from "node:assert/strict";
import Ajv from "ajv";
import { parse } from "yaml";
import { isJsonObject } from "../../../lib/core/mod.ts";
import { pivotYamlSchema, SCHEMA_COMMENT, STAGE_KEYS } from "../../../lib/pipeline/mod.ts";
import { testProject } from "../../support/project.ts";

const validate = new Ajv.default({ strict: true, allowUnionTypes: true }).compile(pivotYamlSchema());

Deno.test("the schema knows every key that the reader knows, and no other", () => {
  const properties = pivotYamlSchema().properties;
  const stages = isJsonObject(properties) && isJsonObject(properties.stages)
    ? properties.stages.additionalProperties
    : undefined;
  const keys = isJsonObject(stages) && isJsonObject(stages.properties) ? Object.keys(stages.properties) : [];
  assert.deepEqual(keys.sort(), [...STAGE_KEYS].sort());
});

const GOOD = [
  "stages: {}",
  'stages: { a: { cmd: "true" } }',
  "stages: { a: { cmd: [echo, x], deps: [a, b], outs: { o: x.txt, p: { path: y.txt, cache: false } } } }",
  "stages: { a: { module: ./s.ts#train, params: { lr: 0.1 }, matrix: { lr: [1, 2] }, mutex: gpu, timeout: 5m } }",
  "stages: { a: { task: build, plots: [{ path: l.csv, x: step, y: loss }], params: [seed, { o.json: [a] }] } }",
];
const BAD = [
  "stage: {}",
  "stages: { a: { comand: x } }",
  "stages: { a: { cmd: 3 } }",
  "stages: { a: { outs: [{ pth: x }] } }",
  "stages: { a: { retries: -1 } }",
  "stages: { 'a b': { cmd: x } }",
  "stages: { a: { matrix: { lr: 1 } } }",
];

for (const text of GOOD) {
  Deno.test(`the schema takes ${text}`, () => assert.ok(validate(parse(text)), JSON.stringify(validate.errors)));
}
for (const text of BAD) {
  Deno.test(`the schema refuses ${text}, and so does the reader`, async () => {
    assert.ok(!validate(parse(text)));
    using project = testProject({ "pivot.yaml": text });
    await project.expect(3, "status");
  });
}

Deno.test("`pivot schema --write` puts the schema into the project and points to it", async () => {
  using project = testProject({ "pivot.yaml": "stages: {} # mine\n" });
  assert.deepEqual(JSON.parse((await project.expect(0, "schema")).out), pivotYamlSchema());
  await project.expect(0, "schema", "--write");
  assert.deepEqual(JSON.parse(project.read(".pivot/pivot.schema.json")), pivotYamlSchema());
  assert.equal(project.read("pivot.yaml"), `${SCHEMA_COMMENT}\nstages: {} # mine\n`);
  assert.equal((await project.expect(0, "schema", "--write")).out, ".pivot/pivot.schema.json\n");
});
