// Scopes: the names that a piece of syntax binds for what is inside it. Invariant: `var` and functions reach up to the function
// that holds them, everything else stays in its block.

import { child, children, fields, isNode, type Node, text } from "./ast.ts";

/** Names that are bound here, and the scope around it. */
export interface Scope {
  readonly names: ReadonlySet<string>;
  readonly outer: Scope | undefined;
}

/** The scope inside something that binds `names`; the outer one if it binds none. */
export function scopeOf(names: ReadonlySet<string>, outer: Scope | undefined): Scope | undefined {
  return names.size === 0 ? outer : { names, outer };
}

/** The names that a node binds for what is inside it. */
export function bindingsOf(node: Node): ReadonlySet<string> {
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "ArrowFunctionExpression":
    case "ObjectMethod":
    case "ClassMethod":
    case "ClassPrivateMethod":
      return functionBindings(node);
    case "ClassDeclaration":
    case "ClassExpression":
      return namesIn(child(node, "id"));
    case "BlockStatement":
    case "StaticBlock":
    case "TSModuleBlock":
      return declaredBy(children(node, "body"));
    case "SwitchStatement":
      return declaredBy(children(node, "cases").flatMap((each) => children(each, "consequent")));
    case "ForStatement":
      return declaredBy([child(node, "init")].filter((each) => each !== undefined));
    case "CatchClause":
      return namesIn(child(node, "param"));
    case "TSEnumDeclaration":
      return new Set(enumMembers(node).map((member) => staticEnumName(member)));
    default:
      return NONE;
  }
}

const NONE: ReadonlySet<string> = new Set();

function enumMembers(node: Node): readonly Node[] {
  const body = child(node, "body");
  return body === undefined ? children(node, "members") : children(body, "members");
}

function staticEnumName(member: Node): string {
  const id = child(member, "id");
  return id?.type === "StringLiteral" ? text(id, "value") : text(id, "name");
}

function functionBindings(node: Node): ReadonlySet<string> {
  const found = new Set<string>();
  if (node.type === "FunctionExpression" || node.type === "FunctionDeclaration") addNames(child(node, "id"), found);
  for (const param of children(node, "params")) addNames(param, found);
  if (node.type !== "ArrowFunctionExpression") found.add("arguments");
  const body = child(node, "body");
  if (body !== undefined) addVars(body, found);
  return found;
}

/** `var` and functions reach up to the function that holds them. */
function addVars(node: Node, found: Set<string>): void {
  if (/Function|Method|^Class/.test(node.type)) {
    return;
  }
  if (node.type === "VariableDeclaration" && node.kind === "var") {
    for (const each of children(node, "declarations")) addNames(child(each, "id"), found);
  }
  for (const [, value] of fields(node)) {
    if (isNode(value)) addVars(value, found);
    else if (Array.isArray(value)) { for (const each of value) if (isNode(each)) addVars(each, found); }
  }
}

/** Names that statements declare in their own block. */
export function declaredBy(statements: readonly Node[]): Set<string> {
  const found = new Set<string>();
  for (const outer of statements) {
    const node = outer.type === "ExportNamedDeclaration" ? child(outer, "declaration") ?? outer : outer;
    if (node.type === "VariableDeclaration") {
      for (const each of children(node, "declarations")) addNames(child(each, "id"), found);
    } else if (/^(Function|Class|TSEnum|TSModule)Declaration$/.test(node.type)) addNames(child(node, "id"), found);
  }
  return found;
}

function namesIn(node: Node | undefined): ReadonlySet<string> {
  const found = new Set<string>();
  addNames(node, found);
  return found;
}

/** Names that a binding pattern binds. */
export function addNames(node: Node | undefined, found: Set<string>): void {
  switch (node?.type) {
    case "Identifier":
      found.add(text(node, "name"));
      return;
    case "ObjectPattern":
      for (const property of children(node, "properties")) {
        addNames(child(property, "value") ?? child(property, "argument"), found);
      }
      return;
    case "ArrayPattern":
      for (const element of children(node, "elements")) addNames(element, found);
      return;
    case "AssignmentPattern":
      return addNames(child(node, "left"), found);
    case "RestElement":
      return addNames(child(node, "argument"), found);
    case "TSParameterProperty":
      return addNames(child(node, "parameter"), found);
  }
}
