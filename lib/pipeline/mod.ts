/**
 * Declaring stages, and loading a project's declarations into a checked graph.
 *
 * Declaring is types and plain data; loading never imports user modules in this process.
 *
 * @module
 */

export type * from "./spec.ts";
export * from "./loaders.ts";
export * from "./declare.ts";
export { type Declaration, describeExports } from "./declaration.ts";
export {
  configFlags,
  type DescribeAnswer,
  type Described,
  describeModule,
  type DescribeRequest,
  escapeList,
  folderUrl,
} from "./describe_module.ts";
export { parseDuration } from "./duration.ts";
export { type ExecuteOptions, executeStage } from "./execute_stage.ts";
export {
  type DeclarationStore,
  type LoadedPipeline,
  type LoadOptions,
  loadPipeline,
  pipelineOf,
  PIVOT_TS,
} from "./load.ts";
export { type ParamSetting, parseSettings } from "./params.ts";
export { PIVOT_YAML, STAGE_KEYS } from "./pivot_yaml.ts";
export { type DenoConfig, type DenoTask, readDenoConfig, taskCommand, tasksOf } from "./stock_tasks.ts";
export { type SelectOptions, selectTargets } from "./targets.ts";
export { type ParseCache, type ParsedYaml, parseYaml, placeIn } from "./yaml_file.ts";
export { pivotYamlSchema, SCHEMA_COMMENT, SCHEMA_FILE } from "./yaml_schema.ts";
