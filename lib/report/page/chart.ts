// Tables as charts: Vega-Lite specifications, drawn to SVG when the page is made, so that the page needs no library.
// Invariant: a chart never has more points than MAX_CHART_ROWS; what was left out is said in its caption.

import { isJsonObject, type Json, type JsonObject, PivotError } from "../../core/mod.ts";
import type { Row } from "../data_rows.ts";

/** Rows of a chart; more are thinned out evenly. */
export const MAX_CHART_ROWS: number = 5000;

/** How a table is drawn. */
export interface ChartOptions {
  /** Column to the right. @default the first column that is not drawn, or the row's number */
  readonly x?: string;
  /** Column or columns, by commas, upwards. @default the last column of numbers */
  readonly y?: string;
  /** `linear`, `scatter`, `smooth`, `bar`, `confusion`, or a Vega-Lite specification. @default "linear" */
  readonly template?: string | JsonObject;
  /** Column that tells lines apart by colour. */
  readonly color?: string;
  /** Heading, for specifications of one's own. */
  readonly title?: string;
}

/** A drawn chart. */
export interface Chart {
  readonly svg: string;
  /** What is drawn, in words. */
  readonly caption: string;
}

/** Names of the templates that are built in. */
export const TEMPLATES = ["linear", "scatter", "smooth", "bar", "confusion"] as const;
type Template = (typeof TEMPLATES)[number];

const SIZE = { width: 380, height: 220 };
const COLORS = ["#3b82c4", "#e07b39", "#3fa66b", "#c2557f", "#8a6fd1", "#b39233", "#4aa8b5", "#8c8c8c"];
const CONFIG: JsonObject = {
  background: null,
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "var(--muted)",
    titleColor: "var(--muted)",
    gridColor: "var(--grid)",
    domainColor: "var(--line)",
    tickColor: "var(--line)",
    titleFontWeight: "normal",
    labelLimit: 120,
  },
  legend: { labelColor: "var(--fg)", titleColor: "var(--muted)", orient: "top", titleFontWeight: "normal" },
  title: { color: "var(--fg)" },
  range: { category: COLORS },
};

/**
 * Draws rows.
 *
 * @throws {PivotError} `bad-plot` with a sentence: no rows, a column that is not there, a template that is not known.
 */
export async function drawChart(rows: readonly Row[], options: ChartOptions): Promise<Chart> {
  if (rows.length === 0) throw badPlot("the table is empty");
  const { specification, caption } = specify(rows, options);
  const [vega, lite] = await Promise.all([import("vega"), import("vega-lite")]);
  try {
    const compiled = lite.compile(specification as unknown as Parameters<typeof lite.compile>[0], {
      logger: silent(vega),
    });
    const view = new vega.View(vega.parse(compiled.spec), { renderer: "none", logger: silent(vega) });
    const svg = await view.toSVG();
    view.finalize();
    return { svg, caption };
  } catch (error) {
    throw badPlot(`the chart cannot be drawn: ${(error as Error).message}`);
  }
}

function silent(vega: { logger(level: number): unknown }): never {
  return vega.logger(0) as never;
}

function badPlot(message: string): PivotError {
  return new PivotError(message, { code: "bad-plot" });
}

interface Specified {
  readonly specification: JsonObject;
  readonly caption: string;
}

function specify(all: readonly Row[], options: ChartOptions): Specified {
  const rows = thin(all).map((row, at) => ({ row: at + 1, ...numbersAsNumbers(row) }));
  const left = all.length > rows.length ? `, ${rows.length} of ${all.length} rows` : "";
  const { template = "linear" } = options;
  const axes = chooseAxes(rows, all[0] ?? {}, options);
  const data: JsonObject = { values: rows };
  if (typeof template !== "string") {
    const filled = fill(template, {
      "<DATA>": rows,
      "<X>": axes.x,
      "<Y>": axes.y[0] ?? "",
      "<TITLE>": options.title ?? "",
    });
    return {
      specification: {
        ...SIZE,
        config: CONFIG,
        ...(filled as JsonObject),
        ...(isJsonObject(filled) && "data" in filled ? {} : { data }),
      },
      caption: `own template${left}`,
    };
  }
  if (!isTemplate(template)) throw badPlot(`there is no template "${template}"; known are ${TEMPLATES.join(", ")}`);
  return {
    specification: { ...SIZE, config: CONFIG, data, ...drawing(template, rows, axes, options.color) },
    caption: `${axes.y.join(", ")} over ${axes.x}${left}`,
  };
}

function isTemplate(name: string): name is Template {
  return TEMPLATES.some((each) => each === name);
}

/** Evenly spaced rows, the first and the last included. */
function thin(rows: readonly Row[]): readonly Row[] {
  if (rows.length <= MAX_CHART_ROWS) return rows;
  const step = (rows.length - 1) / (MAX_CHART_ROWS - 1);
  return Array.from({ length: MAX_CHART_ROWS }, (_, at) => rows[Math.round(at * step)] ?? {});
}

/** Cells of csv are texts; those that are numbers become numbers. */
function numbersAsNumbers(row: Row): Row {
  return Object.fromEntries(Object.entries(row).map(([column, value]) => [column, asNumber(value)]));
}

function asNumber(value: Json): Json {
  if (typeof value !== "string" || value.trim() === "") return value;
  const number = Number(value);
  return Number.isFinite(number) ? number : value;
}

interface Axes {
  readonly x: string;
  readonly y: readonly string[];
}

function chooseAxes(rows: readonly Row[], first: Row, options: ChartOptions): Axes {
  const columns = Object.keys(first);
  const known = (column: string) => {
    if (columns.includes(column)) return column;
    throw badPlot(`there is no column "${column}"; columns are ${columns.join(", ")}`);
  };
  const drawable = columns.filter((column) => column !== options.x && column !== options.color);
  const numeric = drawable.filter((column) =>
    rows.every((row) => typeof row[column] === "number" || row[column] === null)
  );
  const given = options.y === undefined
    ? undefined
    : columns.includes(options.y)
    ? [options.y]
    : options.y.split(",").map((column) => known(column.trim()));
  const last = numeric.at(-1) ?? drawable.at(-1);
  const y = given ?? (last === undefined ? [] : [last]);
  if (y.length === 0) throw badPlot("the table has no column to draw");
  if (options.x !== undefined) return { x: known(options.x), y };
  return { x: columns.find((column) => !y.includes(column) && column !== options.color) ?? "row", y };
}

function typeOf(rows: readonly Row[], column: string): "quantitative" | "temporal" | "nominal" {
  const values = rows.map((row) => row[column]).filter((value) => value !== null && value !== undefined);
  if (values.every((value) => typeof value === "number")) return "quantitative";
  return values.every((value) => typeof value === "string" && /^\d{4}-\d\d(-\d\d([T ][\d:.]+Z?)?)?$/.test(value))
    ? "temporal"
    : "nominal";
}

function drawing(template: Template, rows: readonly Row[], axes: Axes, color: string | undefined): JsonObject {
  const [first = ""] = axes.y;
  const xField = field(axes.x);
  if (template === "confusion") return confusion(axes);
  const several = axes.y.length > 1;
  const fold = several ? [{ fold: axes.y.map(field), as: ["series", "value"] }] : [];
  const yField = several ? "value" : field(first);
  const tell = color ?? (several ? "series" : undefined);
  const xType = typeOf(rows, axes.x);
  const encoding: JsonObject = {
    x: {
      field: xField,
      type: xType,
      title: axes.x,
      ...(xType === "nominal" ? { sort: null } : {}),
      ...(template === "bar" && xType === "quantitative" ? { type: "ordinal" } : {}),
    },
    y: {
      field: yField,
      type: several ? "quantitative" : typeOf(rows, first),
      title: several ? null : first,
      ...(template === "bar" ? {} : { scale: { zero: false } }),
    },
    ...(tell === undefined ? {} : { color: { field: field(tell), type: "nominal", title: null } }),
  };
  const offset = template === "bar" && tell !== undefined ? { xOffset: { field: field(tell) } } : {};
  const smooth = template !== "smooth"
    ? []
    : [{ loess: yField, on: xField, bandwidth: 0.3, ...(tell === undefined ? {} : { groupby: [field(tell)] }) }];
  return { mark: markOf(template, rows.length), transform: [...fold, ...smooth], encoding: { ...encoding, ...offset } };
}

function markOf(template: Template, rows: number): JsonObject {
  if (template === "scatter") return { type: "point", filled: true, opacity: 0.7 };
  if (template === "bar") return { type: "bar" };
  return { type: "line", point: rows <= 30, strokeWidth: 2 };
}

/** How often each pair of values occurs. */
function confusion({ x, y }: Axes): JsonObject {
  const [actual = ""] = y;
  const pair = {
    x: { field: field(x), type: "nominal", title: x },
    y: { field: field(actual), type: "nominal", title: actual },
  };
  return {
    encoding: pair,
    layer: [
      {
        mark: "rect",
        encoding: { color: { aggregate: "count", type: "quantitative", title: "rows", scale: { scheme: "blues" } } },
      },
      {
        mark: { type: "text", fill: "#0b2038", stroke: "white", strokeWidth: 0.3 },
        encoding: { text: { aggregate: "count", type: "quantitative" } },
      },
    ],
  };
}

/** A column's name as Vega-Lite reads it: dots and brackets would be taken for a path. */
function field(column: string): string {
  return column.replace(/[.[\]\\]/g, "\\$&");
}

/** Replaces texts that are a placeholder as a whole. */
function fill(value: Json, by: Readonly<Record<string, Json>>): Json {
  if (typeof value === "string") return Object.hasOwn(by, value) ? by[value] ?? null : value;
  if (Array.isArray(value)) return value.map((each) => fill(each, by));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, fill(each, by)]));
}
