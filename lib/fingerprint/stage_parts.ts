// Which parts of `stage({…})` are code. Paths, parameters and other plain options are compared as values by the engine, so they
// do not count here; functions and loaders do. Invariant: an option object that is not plainly written counts whole.

import { child, children, fields, isNode, type Node, staticKey, text, unwrap } from "./ast.ts";

/** The parts of a stage declaration that are code. */
export interface StageParts {
  /** Expressions whose code counts for the stage itself. */
  readonly counted: readonly Node[];
  /** Names of the counted parts, so that swapping two of them is a change. */
  readonly labels: readonly string[];
  /** The loader of each output, if it has one. */
  readonly outs: ReadonlyMap<string, Node | undefined>;
}

/** Options that hold values only. */
const VALUES: ReadonlySet<string> = new Set([
  "params",
  "matrix",
  "env",
  "mutex",
  "timeout",
  "retries",
  "permissions",
  "always",
  "frozen",
  "code",
  "cmd",
  "task",
]);

/** The parts of a call of Pivot's `stage`; undefined if it is no such call or not plainly written. */
export function stageParts(call: Node, pivotName: (local: string) => string | undefined): StageParts | undefined {
  if (call.type !== "CallExpression" || !callsPivot(call, pivotName, ["stage"])) return undefined;
  const [argument, ...more] = children(call, "arguments");
  const options = argument === undefined ? undefined : unwrap(argument);
  if (options?.type !== "ObjectExpression" || more.length > 0) return undefined;
  const counted: Node[] = [];
  const labels: string[] = [];
  const outs = new Map<string, Node | undefined>();
  for (const property of children(options, "properties")) {
    const key = property.type === "SpreadElement" ? undefined : staticKey(property, "key");
    if (key === undefined) return undefined;
    if (VALUES.has(key)) continue;
    const value = child(property, "value");
    const items = value === undefined
      ? undefined
      : key === "deps"
      ? itemsOf(value)
      : key === "outs"
      ? outItems(value, pivotName)
      : undefined;
    if (items === undefined) {
      if (key === "outs") return undefined;
      counted.push(property);
      labels.push(key);
      continue;
    }
    for (const [name, item] of items) {
      const loader = loaderOf(item, pivotName);
      if (key === "outs") outs.set(name, loader);
      if (loader === undefined) continue;
      counted.push(loader);
      labels.push(`${key}.${name}`);
    }
  }
  return { counted, labels, outs };
}

const DECLARING = ["dep", "out", "metric", "plot", "incremental"];

function callsPivot(call: Node, pivotName: (local: string) => string | undefined, names: readonly string[]): boolean {
  const callee = unwrap(child(call, "callee") ?? call);
  if (callee.type === "Identifier") return names.includes(pivotName(text(callee, "name")) ?? "");
  // `import * as pivot` and `pivot.stage(…)`.
  return pivotName(text(child(callee, "object"), "name")) === "*" &&
    names.includes(staticKey(callee, "property") ?? "");
}

/** Named entries of an object literal; undefined if it is not one, or has spreads or computed names. */
function itemsOf(value: Node): [string, Node][] | undefined {
  const object = unwrap(value);
  if (object.type !== "ObjectExpression") return undefined;
  const items: [string, Node][] = [];
  for (const property of children(object, "properties")) {
    const key = property.type === "ObjectProperty" ? staticKey(property, "key") : undefined;
    const inner = child(property, "value");
    if (key === undefined || inner === undefined) return undefined;
    items.push([key, unwrap(inner)]);
  }
  return items;
}

function outItems(value: Node, pivotName: (local: string) => string | undefined): [string, Node][] | undefined {
  const plain = unwrap(value);
  if (plain.type === "CallExpression" && callsPivot(plain, pivotName, DECLARING)) return [["", plain]];
  return itemsOf(value);
}

/** The code in `dep("path", loader)`: its loader. Anything else counts as it is written. */
function loaderOf(item: Node, pivotName: (local: string) => string | undefined): Node | undefined {
  if (item.type !== "CallExpression" || !callsPivot(item, pivotName, DECLARING)) return item;
  const [, second, third] = children(item, "arguments");
  if (third !== undefined && holdsFunctions(third)) return item;
  const loader = second === undefined ? undefined : unwrap(second);
  if (loader === undefined) return undefined;
  return loader.type === "ObjectExpression" && !holdsFunctions(loader) ? undefined : loader;
}

function holdsFunctions(node: Node): boolean {
  if (/Function|Method/.test(node.type)) return true;
  for (const [, value] of fields(node)) {
    if (isNode(value) && holdsFunctions(value)) return true;
    if (Array.isArray(value) && value.some((each) => isNode(each) && holdsFunctions(each))) return true;
  }
  return false;
}
