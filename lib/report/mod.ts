/**
 * Tables, graph pictures and explanations: plain data in, text out. No disk, no terminal.
 *
 * @module
 */

export { dagDot, dagMermaid, type DagNode, dagText } from "./dag.ts";
export { type ExplainedSymbol, type Explanation, explanationNotes, renderExplanation } from "./explain.ts";
export { displayWidth, markdownTable, renderTable, type Table, type TableOptions } from "./table.ts";
export {
  type ComparedValue,
  compareTable,
  type CompareTableOptions,
  compareValues,
  type NamedValues,
  valueTable,
} from "./compare.ts";
export { type ChangedCell, diffRows, type DiffRowsOptions, type RowChange, type TableDiff } from "./data_diff.ts";
export { type DataTable, dataTables, type DataTablesOptions } from "./data_tables.ts";
export { jsonProblem, readRows, type Row, type TableFormat, tableFormat } from "./data_rows.ts";
export {
  changeOf,
  DEFAULT_PRECISION,
  flatten,
  type FlatValues,
  oneLine,
  showChange,
  showNumber,
  showTyped,
  showValue,
} from "./values.ts";
