// The pipeline as a picture: a tree of layers in a terminal, Mermaid, or Graphviz. Data in, text out.

/** One stage of the picture. */
export interface DagNode {
  /** The stage's name. */
  readonly name: string;
  /** Direct upstreams. */
  readonly upstream: readonly string[];
  /** A word behind the name, for instance its status. */
  readonly note?: string;
}

/**
 * The graph for a terminal: one line per stage in topological order, with rails that lead from each
 * stage to those that need it.
 */
export function dagText(nodes: readonly DagNode[]): string[] {
  const known = new Set(nodes.map((node) => node.name));
  const waiting = new Map<string, number>();
  for (const node of nodes) for (const up of node.upstream) waiting.set(up, (waiting.get(up) ?? 0) + 1);
  const rails: (string | undefined)[] = [];
  const lines: string[] = [];
  for (const node of nodes) {
    const incoming = rails.flatMap((rail, at) => rail !== undefined && node.upstream.includes(rail) ? [at] : []);
    for (const up of node.upstream) if (known.has(up)) waiting.set(up, (waiting.get(up) ?? 1) - 1);
    const ending = incoming.filter((at) => (waiting.get(rails[at] ?? "") ?? 0) === 0);
    const own = ending[0] ?? freeRail(rails);
    lines.push(
      railLine(rails, { incoming, ending, own }) + ` ${node.name}${node.note === undefined ? "" : `  ${node.note}`}`,
    );
    for (const at of ending) rails[at] = undefined;
    rails[own] = (waiting.get(node.name) ?? 0) > 0 ? node.name : undefined;
    while (rails.length > 0 && rails.at(-1) === undefined) rails.pop();
  }
  return lines;
}

function freeRail(rails: readonly (string | undefined)[]): number {
  const free = rails.indexOf(undefined);
  return free < 0 ? rails.length : free;
}

interface Turn {
  readonly incoming: readonly number[];
  readonly ending: readonly number[];
  readonly own: number;
}

/** One line of rails: `*` the stage, `|` a rail that goes on, `-` what joins them. */
function railLine(rails: readonly (string | undefined)[], { incoming, ending, own }: Turn): string {
  const touched = [...incoming, own];
  const [from, to] = [Math.min(...touched), Math.max(...touched)];
  const width = Math.max(rails.length, own + 1);
  let line = "";
  for (let at = 0; at < width; at++) {
    const joins = incoming.includes(at) && at !== own;
    if (at === own) line += "\u25cf";
    else if (joins) line += ending.includes(at) ? at < own ? "\u2570" : "\u256f" : at < own ? "\u251c" : "\u2524";
    else if (rails[at] !== undefined) line += "\u2502";
    else line += at > from && at < to ? "\u2500" : " ";
    line += at >= from && at < to ? "\u2500" : " ";
  }
  return line.trimEnd();
}

/** Mermaid's flowchart (https://mermaid.js.org/syntax/flowchart.html). */
export function dagMermaid(nodes: readonly DagNode[]): string[] {
  const id = new Map(nodes.map((node, at) => [node.name, `s${at}`]));
  return [
    "flowchart TD",
    ...nodes.map((node) => `  ${id.get(node.name)}["${escapeMermaid(node.name)}"]`),
    ...nodes.flatMap((node) =>
      node.upstream.flatMap((up) => id.has(up) ? [`  ${id.get(up)} --> ${id.get(node.name)}`] : [])
    ),
  ];
}

function escapeMermaid(text: string): string {
  return text.replace(/["#<>&]/g, (char) => `#${char.charCodeAt(0)};`);
}

/** Graphviz's DOT language (https://graphviz.org/doc/info/lang.html). */
export function dagDot(nodes: readonly DagNode[]): string[] {
  const known = new Set(nodes.map((node) => node.name));
  return [
    "digraph pipeline {",
    "  node [shape=box];",
    ...nodes.map((node) => `  ${JSON.stringify(node.name)};`),
    ...nodes.flatMap((node) =>
      node.upstream.filter((up) => known.has(up)).map((up) =>
        `  ${JSON.stringify(up)} -> ${JSON.stringify(node.name)};`
      )
    ),
    "}",
  ];
}
