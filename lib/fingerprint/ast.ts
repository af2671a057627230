// The little that is needed of Babel's syntax tree. Invariant: a node is any object with a `type`; every other object
// (locations, comments, tokens) is not walked.

/** A node of the syntax tree. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly loc?: { readonly start: { readonly line: number; readonly column: number } };
  readonly [field: string]: unknown;
}

/** Whether a value is a node. */
export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string" &&
    (value as { type: string }).type !== "CommentLine" && (value as { type: string }).type !== "CommentBlock";
}

/** The node in a field, if there is one. */
export function child(node: Node, field: string): Node | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

/** The nodes in a list field; holes of arrays are left out. */
export function children(node: Node, field: string): readonly Node[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** The text in a field, or an empty one. */
export function text(node: Node | undefined, field: string): string {
  const value = node?.[field];
  return typeof value === "string" ? value : "";
}

/** Fields that say nothing about what the code does. */
const SILENT: ReadonlySet<string> = new Set([
  "type",
  "start",
  "end",
  "loc",
  "range",
  "extra",
  "leadingComments",
  "innerComments",
  "trailingComments",
  "comments",
  "errors",
  "tokens",
  "typeAnnotation",
  "typeParameters",
  "typeArguments",
  "superTypeParameters",
  "superTypeArguments",
  "returnType",
  "predicate",
  "implements",
  "declare",
  "definite",
  "readonly",
  "override",
  "abstract",
  "accessibility",
  "importKind",
  "exportKind",
  "shorthand",
]);

/** The fields of a node that count, with their values. */
export function* fields(node: Node): Generator<[name: string, value: unknown]> {
  for (const name in node) {
    if (!SILENT.has(name)) yield [name, node[name]];
  }
}

/** Type wrappers: what they wrap is what runs. */
const WRAPPERS: ReadonlySet<string> = new Set([
  "TSAsExpression",
  "TSSatisfiesExpression",
  "TSNonNullExpression",
  "TSTypeAssertion",
  "TSInstantiationExpression",
  "ParenthesizedExpression",
]);

/** The expression without type wrappers and parentheses. */
export function unwrap(node: Node): Node {
  let inner = node;
  while (WRAPPERS.has(inner.type)) inner = child(inner, "expression") ?? inner;
  return inner;
}

/** Whether a node is erased before the code runs. */
export function isErased(node: Node): boolean {
  switch (node.type) {
    case "TSInterfaceDeclaration":
    case "TSTypeAliasDeclaration":
    case "TSDeclareFunction":
    case "TSDeclareMethod":
    case "TSIndexSignature":
    case "TSAbstractMethodDefinition":
    case "TSNamespaceExportDeclaration":
    case "EmptyStatement":
      return true;
    default:
      return node.declare === true ||
        (node.abstract === true && node.type !== "ClassDeclaration" && node.type !== "ClassExpression");
  }
}

/** Key of a property or member when it is known without running: a name, or a literal. */
export function staticKey(node: Node, field: "key" | "property"): string | undefined {
  const key = child(node, field);
  if (key === undefined) return undefined;
  if (key.type === "StringLiteral" || key.type === "NumericLiteral") return String(key.value);
  if (node.computed === true) return undefined;
  return key.type === "Identifier" ? text(key, "name") : undefined;
}
