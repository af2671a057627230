/**
 * What users import to declare stages. Light, since every stage process loads it.
 *
 * @module
 */

export * from "./declare.ts";
export {
  bytes,
  csv,
  type CsvOptions,
  type CsvRow,
  json,
  jsonl,
  type JsonOptions,
  type Loader,
  loader,
  type LoaderOptions,
  path,
  type PathLoader,
  text,
  yaml,
} from "./loaders.ts";
export type { OutKind, PlotSpec, StagePermissions } from "./spec.ts";
