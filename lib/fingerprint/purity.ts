// Whether evaluating an expression at the top level of a module can do no more than make a value.
// Invariant: only what is known to be harmless is; every other call counts as an act.

import { child, children, isErased, type Node, staticKey, text, unwrap } from "./ast.ts";

const PURE_CONSTRUCTORS: ReadonlySet<string> = new Set(
  "Map Set WeakMap WeakSet RegExp Date URL URLSearchParams Error TypeError RangeError Array Object TextEncoder TextDecoder Intl Uint8Array Float64Array Float32Array Int32Array Uint32Array ArrayBuffer AbortController"
    .split(" "),
);
const PURE_CALLS: ReadonlySet<string> = new Set(
  "Symbol String Number Boolean BigInt parseInt parseFloat structuredClone RegExp Array".split(" "),
);
const PURE_METHODS: Readonly<Record<string, readonly string[]>> = {
  Object: ["freeze", "keys", "values", "entries", "fromEntries", "create"],
  Array: ["from", "of", "isArray"],
  JSON: ["parse", "stringify"],
  String: ["raw", "fromCharCode", "fromCodePoint"],
  Symbol: ["for"],
  Number: ["parseInt", "parseFloat", "isInteger"],
};

/** Whether evaluating `node` acts on nothing. `isKnown` names functions of Pivot, which only describe. */
export function isPure(node: Node, isKnown: (name: string) => boolean): boolean {
  const plain = unwrap(node);
  const all = (nodes: readonly Node[]) => nodes.every((each) => isPure(each, isKnown));
  const field = (name: string) => {
    const inner = child(plain, name);
    return inner === undefined || isPure(inner, isKnown);
  };
  switch (plain.type) {
    case "StringLiteral":
    case "NumericLiteral":
    case "BooleanLiteral":
    case "NullLiteral":
    case "BigIntLiteral":
    case "RegExpLiteral":
    case "Identifier":
    case "ThisExpression":
    case "MetaProperty":
    case "ArrowFunctionExpression":
    case "FunctionExpression":
    case "FunctionDeclaration":
    case "ObjectMethod":
      return true;
    case "TemplateLiteral":
      return all(children(plain, "expressions"));
    case "ArrayExpression":
      return all(children(plain, "elements"));
    case "ObjectExpression":
      return all(children(plain, "properties"));
    case "ObjectProperty":
      return field("value") && (plain.computed !== true || field("key"));
    case "SpreadElement":
    case "UnaryExpression":
      return plain.operator !== "delete" && field("argument");
    case "BinaryExpression":
    case "LogicalExpression":
      return field("left") && field("right");
    case "ConditionalExpression":
      return field("test") && field("consequent") && field("alternate");
    case "MemberExpression":
    case "OptionalMemberExpression":
      return field("object") && (plain.computed !== true || field("property"));
    case "NewExpression":
      return PURE_CONSTRUCTORS.has(text(child(plain, "callee"), "name")) && all(children(plain, "arguments"));
    case "CallExpression":
      return isPureCall(plain, isKnown) && all(children(plain, "arguments"));
    case "ClassDeclaration":
    case "ClassExpression":
      return isPureClass(plain, isKnown);
    default:
      return false;
  }
}

function isPureCall(node: Node, isKnown: (name: string) => boolean): boolean {
  const callee = unwrap(child(node, "callee") ?? node);
  if (callee.type === "Identifier") return isKnown(text(callee, "name")) || PURE_CALLS.has(text(callee, "name"));
  const root = text(child(callee, "object"), "name");
  if (root === "Math") return true;
  return PURE_METHODS[root]?.includes(staticKey(callee, "property") ?? "") ?? false;
}

function isPureClass(node: Node, isKnown: (name: string) => boolean): boolean {
  if (children(node, "decorators").length > 0) return false;
  const parent = child(node, "superClass");
  if (parent !== undefined && !isPure(parent, isKnown)) return false;
  const body = child(node, "body");
  return body !== undefined && children(body, "body").every((member) => {
    if (isErased(member)) return true;
    if (member.type === "StaticBlock" || children(member, "decorators").length > 0) return false;
    const key = child(member, "key");
    if (member.computed === true && key !== undefined && !isPure(key, isKnown)) return false;
    const value = child(member, "value");
    return member.static !== true || value === undefined || isPure(value, isKnown);
  });
}
