// The pipeline as an interactive picture: layers from left to right, status and times per stage, details on demand.
// The layout is made by dagre when the page is made; the page only moves and highlights it.

import { dataElement, html, type Markup, renderPage, trusted } from "./html.ts";
import { escapeHtml } from "./html.ts";
import { DAG_SCRIPT } from "./dag_script.ts";
import { BASE_STYLE, THEME_SCRIPT } from "./style.ts";

/** Status of a stage, as a word that the style knows. */
export type StageStatus = "skip" | "restore" | "run" | "pending" | "blocked";

/** One stage of the picture. */
export interface DagStage {
  readonly name: string;
  readonly upstream: readonly string[];
  readonly status: StageStatus;
  /** Status in words. */
  readonly statusText: string;
  /** Why. */
  readonly reason: string;
  /** How long it last took, in words; absent if it never ran. */
  readonly took?: string;
  /** Lists behind headings, for the details. */
  readonly details: Readonly<Record<string, readonly string[]>>;
}

/** What the page is made from. */
export interface DagPageData {
  readonly project: string;
  readonly stages: readonly DagStage[];
}

const BOX = { width: 190, height: 58 };

/** The page as HTML. */
export async function dagPage({ project, stages }: DagPageData): Promise<string> {
  const layout = await arrange(stages);
  const counts = [...Map.groupBy(stages, (stage) => stage.statusText)].map(([text, each]) => `${each.length} ${text}`);
  const about = stages.length === 0 ? "no stages yet" : counts.join(", ");
  return renderPage({
    title: `Pipeline of ${project}`,
    style: BASE_STYLE + DAG_STYLE,
    body: html`<a class="skip" href="#graph">Skip to the graph</a>
<header class="top"><h1>Pipeline of ${project}</h1><span class="muted">${about}</span><span class="space"></span>
<label class="small">Find <input id="find" type="search" placeholder="stage" list="names"></label>
<datalist id="names">${stages.map(({ name }) => html`<option value="${name}"></option>`)}</datalist>
<button id="fit" type="button">Whole graph</button><button id="theme" type="button" aria-pressed="false">Dark or light</button></header>
<main>${
      picture(stages, layout)
    }<aside id="details" aria-live="polite"><p class="muted">Choose a stage to see why it would run, and what it reads and makes. Drag to move, scroll to zoom.</p></aside></main>
${dataElement("stages", Object.fromEntries(stages.map((stage) => [stage.name, stage])))}`,
    script: THEME_SCRIPT + DAG_SCRIPT,
  });
}

interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  readonly edges: readonly { readonly from: string; readonly to: string; readonly path: string }[];
}

async function arrange(stages: readonly DagStage[]): Promise<Layout> {
  const { default: dagre } = await import("@dagrejs/dagre");
  const graph = new dagre.graphlib.Graph();
  // The optimal ranking takes too long on large graphs.
  graph.setGraph({
    rankdir: "LR",
    nodesep: 18,
    ranksep: 70,
    ranker: stages.length > 300 ? "longest-path" : "network-simplex",
  });
  graph.setDefaultEdgeLabel(() => ({}));
  const known = new Set(stages.map((stage) => stage.name));
  for (const { name } of stages) graph.setNode(name, { ...BOX });
  for (const { name, upstream } of stages) for (const up of upstream) if (known.has(up)) graph.setEdge(up, name);
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const finite = (value: number) => Number.isFinite(value) ? value : 0;
  return {
    width: finite(width),
    height: finite(height),
    boxes: new Map(stages.map(({ name }) => {
      const { x, y } = graph.node(name);
      return [name, { x: x - BOX.width / 2, y: y - BOX.height / 2 }];
    })),
    edges: graph.edges().map((edge: { v: string; w: string }) => ({
      from: edge.v,
      to: edge.w,
      path: curve(graph.edge(edge).points),
    })),
  };
}

function curve(points: readonly { readonly x: number; readonly y: number }[]): string {
  const round = (value: number) => Math.round(value * 10) / 10;
  const [first, ...rest] = points.map(({ x, y }) => ({ x: round(x), y: round(y) }));
  if (first === undefined) return "";
  let path = `M${first.x},${first.y}`;
  let before = first;
  for (const point of rest) {
    const middle = round((before.x + point.x) / 2);
    path += `C${middle},${before.y} ${middle},${point.y} ${point.x},${point.y}`;
    before = point;
  }
  return path;
}

function picture(stages: readonly DagStage[], { width, height, boxes, edges }: Layout): Markup {
  const lines = edges.map(({ from, to, path }) =>
    `<path class="edge" data-from="${escapeHtml(from)}" data-to="${
      escapeHtml(to)
    }" d="${path}" marker-end="url(#tip)"/>`
  );
  const nodes = stages.map((stage) => {
    const { x, y } = boxes.get(stage.name) ?? { x: 0, y: 0 };
    const label = escapeHtml(`${stage.name}, ${stage.statusText}: ${stage.reason}`);
    const second = escapeHtml(
      cut(stage.took === undefined ? stage.statusText : `${stage.statusText} \u00b7 ${stage.took}`, 26),
    );
    return `<g class="stage ${stage.status}" tabindex="0" role="button" aria-label="${label}" data-name="${
      escapeHtml(stage.name)
    }" transform="translate(${Math.round(x)},${
      Math.round(y)
    })"><rect width="${BOX.width}" height="${BOX.height}" rx="9"/><rect class="mark" width="6" height="${BOX.height}" rx="3"/><text x="18" y="24">${
      escapeHtml(cut(stage.name, 22))
    }</text><text class="second" x="18" y="44">${second}</text><title>${label}</title></g>`;
  });
  const [w, h] = [Math.max(width, 300) + 40, Math.max(height, 120) + 40];
  return trusted(
    `<svg id="graph" viewBox="-20 -20 ${w} ${h}" data-width="${w}" data-height="${h}" aria-label="Graph of stages"><defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0L8,4L0,8z"/></marker></defs>${
      lines.join("")
    }${nodes.join("")}</svg>`,
  );
}

function cut(text: string, length: number): string {
  const chars = [...text];
  return chars.length <= length ? text : `${chars.slice(0, length - 1).join("")}\u2026`;
}

const DAG_STYLE = `
html,body{height:100%}
body{display:flex;flex-direction:column}
main{flex:1;display:flex;min-height:0}
#graph{flex:1;min-width:0;touch-action:none;cursor:grab}
#details{width:330px;overflow:auto;padding:1rem 1.2rem;background:var(--card);border-left:1px solid var(--line);overflow-wrap:anywhere}
#details h2{margin-bottom:.4rem}#details h3{margin:.9rem 0 .2rem;color:var(--muted);font-size:.8rem;text-transform:uppercase;letter-spacing:.04em}
#details ul{margin:0;padding-left:1.1rem}
.badge{display:inline-block;padding:.05rem .5rem;border-radius:99px;border:1px solid currentColor;font-size:.82rem}
.edge{fill:none;stroke:var(--muted);stroke-width:1.3;opacity:.65}
#tip path{fill:var(--muted)}
.stage{cursor:pointer}
.stage rect{fill:var(--card);stroke:var(--line);stroke-width:1.2}
.stage .mark{stroke:none;fill:var(--muted)}
.stage text{fill:var(--fg);font-size:14px;font-weight:600}
.stage .second{fill:var(--muted);font-size:12px;font-weight:400}
.skip .mark{fill:var(--good)}.restore .mark{fill:var(--accent)}.run .mark,.pending .mark{fill:var(--warn)}.blocked .mark{fill:var(--bad)}
b.skip{color:var(--good)}b.restore{color:var(--accent)}b.run,b.pending{color:var(--warn)}b.blocked{color:var(--bad)}
b.skip,b.restore,b.run,b.pending,b.blocked{position:static;font-weight:500}
.chosen rect:first-of-type{stroke:var(--accent);stroke-width:2.5}
.stage:focus{outline:none}.stage:focus-visible rect:first-of-type{stroke:var(--accent);stroke-width:2.5;stroke-dasharray:4 2}
.some .stage:not(.near){opacity:.3}.some .edge:not(.near){opacity:.12}.some .edge.near{stroke:var(--accent);opacity:1}
@media(max-width:760px){main{flex-direction:column}#details{width:auto;border-left:0;border-top:1px solid var(--line);max-height:45%}}
`;
