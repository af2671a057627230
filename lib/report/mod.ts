/**
 * Tables, graph pictures and explanations: plain data in, text out. No disk, no terminal.
 *
 * @module
 */

export { dagDot, dagMermaid, type DagNode, dagText } from "./dag.ts";
export { type ExplainedSymbol, type Explanation, explanationNotes, renderExplanation } from "./explain.ts";
export { displayWidth, markdownTable, renderTable, type Table, type TableOptions } from "./table.ts";
