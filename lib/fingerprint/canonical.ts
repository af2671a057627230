// Canonical text of code: equal for sources that differ only in types, comments, formatting, quotes or parentheses.
// Format 1: nodes in prefix form, literals by value. Invariant: two different programs never share a text.

import { child, fields, isErased, isNode, type Node, staticKey, text, unwrap } from "./ast.ts";

/** The canonical text of a node. */
export function canonical(node: Node): string {
  const parts: string[] = [];
  write(node, parts);
  return parts.join("");
}

function write(outer: Node, parts: string[]): void {
  const node = unwrap(outer);
  if (isErased(node)) return;
  switch (node.type) {
    case "Identifier":
      // Optional markers and types hang on identifiers; only the name runs.
      parts.push(`i${JSON.stringify(node.name)}`);
      return;
    case "StringLiteral":
    case "DirectiveLiteral":
      parts.push(`s${JSON.stringify(node.value)}`);
      return;
    case "NumericLiteral":
      parts.push(`n${String(node.value)}`);
      return;
    case "BigIntLiteral":
      parts.push(`b${BigInt(text(node, "value")).toString()}`);
      return;
    case "TemplateElement":
      parts.push(`t${JSON.stringify(node.value)}`);
      return;
    case "JSXText":
      parts.push(`x${JSON.stringify(jsxText(text(node, "value")))}`);
      return;
    case "ObjectProperty":
    case "ObjectMethod":
    case "ClassMethod":
    case "ClassProperty":
    case "ClassAccessorProperty":
      writeKeyed(node, parts);
      return;
    case "TSParameterProperty":
      // `constructor(private a)` makes a property whatever the modifier says.
      parts.push("(TSParameterProperty ");
      write(child(node, "parameter") ?? node, parts);
      parts.push(")");
      return;
    default:
      writeFields(node, parts, undefined);
  }
}

function writeKeyed(node: Node, parts: string[]): void {
  const key = staticKey(node, "key");
  writeFields(node, parts, key === undefined ? undefined : `k${JSON.stringify(key)}`);
}

function writeFields(node: Node, parts: string[], key: string | undefined): void {
  parts.push(`(${node.type}`);
  const names: [string, unknown][] = [...fields(node)];
  for (const [name, value] of names.sort(([a], [b]) => a < b ? -1 : 1)) {
    if (value === undefined || value === null || value === false) continue;
    if (key !== undefined && name === "computed") continue;
    if (name === "optional" && !node.type.startsWith("Optional")) continue;
    if (key !== undefined && name === "key") parts.push(` key:${key}`);
    else writeField(name, value, parts);
  }
  parts.push(")");
}

function writeField(name: string, value: unknown, parts: string[]): void {
  if (isNode(value)) {
    parts.push(` ${name}:`);
    write(value, parts);
  } else if (Array.isArray(value)) {
    parts.push(` ${name}:[`);
    for (const each of value) {
      if (each === null) parts.push("_");
      else if (isNode(each)) write(each, parts);
      parts.push(",");
    }
    parts.push("]");
  } else if (typeof value !== "object") parts.push(` ${name}:${JSON.stringify(value)}`);
  else parts.push(` ${name}:${JSON.stringify(value, (key, each) => LOCATION.has(key) ? undefined : each)}`);
}

const LOCATION: ReadonlySet<string> = new Set(["start", "end", "loc", "range"]);

/** White space in JSX text as React's transform reads it: lines trimmed and joined by one space. */
function jsxText(raw: string): string {
  const lines = raw.split(/\r?\n/);
  return lines.map((line, at) => {
    const left = at === 0 ? line : line.trimStart();
    return at === lines.length - 1 ? left : left.trimEnd();
  }).filter((line) => line !== "").join(" ");
}
