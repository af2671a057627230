/**
 * Continuous-integration pipelines: Concourse's YAML dialect and TypeScript modules, planned as a value and run by a driver.
 *
 * Everything that can be known to be wrong is found, with line and column, before anything runs. Jobs run in the order of
 * the file; after one that did not succeed the rest are skipped. Resources (`get`, `put`) are not supported and said so.
 *
 * @module
 */

export type { CiEvent, CiResult, Outcome, TaskResult } from "./events.ts";
export type { Artifact, HookEvent, JobPlan, PipelinePlan, Step, TaskConfig } from "./plan.ts";
export { tasksOf } from "./plan.ts";
export type { CiDriver, CiVolume, TaskRequest } from "./ports.ts";
export { readPipeline, type ReadPipelineOptions } from "./read_pipeline.ts";
export type { Variables } from "./reader.ts";
export { createRedactor, type Redactor } from "./redact.ts";
export { runPipeline, type RunPipelineOptions, selectJobs } from "./run_pipeline.ts";
export {
  type RunModuleOptions,
  type Runtime,
  runtime,
  type RuntimeResult,
  type RuntimeTask,
  type RuntimeVolume,
  runTypeScriptPipeline,
} from "./runtime.ts";
