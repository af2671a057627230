// Free names of a piece of code and what is done with them: a scope analysis over the syntax tree.
// Invariant: a name that is bound inside (parameter, local, catch, class, label) is never reported; doubt counts as use.

import { child, children, fields, isErased, isNode, type Node, staticKey, text, unwrap } from "./ast.ts";
import { isHarmlessCallee, isWritingHelper, READING_METHODS } from "./builtin_calls.ts";
import { bindingsOf, declaredBy, type Scope, scopeOf } from "./scopes.ts";

/** What may happen to the thing that a name stands for. */
export type Effect = "read" | "escape" | "write";

/** One use of a free name. */
export interface Use {
  readonly name: string;
  /** `outs.clean` for `prepare.outs.clean`; empty when the whole thing is used. */
  readonly member: string;
  readonly effect: Effect;
}

/** What a piece of code uses beyond itself. */
export interface Uses {
  readonly names: readonly Use[];
  /** Specifiers of `import("literal")`. */
  readonly dynamicImports: readonly string[];
  /** Relative files of `new URL("./x", import.meta.url)`. */
  readonly urls: readonly string[];
  /** Why symbols cannot tell what it does: `eval`, `import(computed)`. */
  readonly opaque: readonly string[];
}

/** Collects the free names of a node. */
export function usesOf(node: Node): Uses {
  const walker = new Walker();
  walker.visit(node, undefined);
  return walker.result();
}

class Walker {
  readonly #found: Map<string, Use> = new Map();
  readonly #dynamicImports: Set<string> = new Set();
  readonly #urls: Set<string> = new Set();
  readonly #opaque: Set<string> = new Set();

  result(): Uses {
    return {
      names: [...this.#found.values()],
      dynamicImports: [...this.#dynamicImports],
      urls: [...this.#urls],
      opaque: [...this.#opaque],
    };
  }

  #use(name: string, scope: Scope | undefined, how: { member?: string; effect?: Effect } = {}): void {
    for (let at = scope; at !== undefined; at = at.outer) if (at.names.has(name)) return;
    const member = how.member ?? "";
    const key = `${name}.${member}`;
    const before = this.#found.get(key);
    const effect = stronger(before?.effect ?? "read", how.effect ?? "read");
    this.#found.set(key, { name, member, effect });
    if (name === "eval" || name === "Function") this.#opaque.add(name);
  }

  visit(outer: Node, scope: Scope | undefined, effect: Effect = "read"): void {
    const node = unwrap(outer);
    if (isErased(node)) return;
    switch (node.type) {
      case "Identifier":
      case "JSXIdentifier":
        return this.#use(text(node, "name"), scope, { effect });
      case "MemberExpression":
      case "OptionalMemberExpression":
      case "JSXMemberExpression":
        return this.#visitMember(node, scope, effect);
      case "AssignmentExpression":
        this.#visitTarget(child(node, "left"), scope);
        return this.#visitChild(node, "right", scope, "escape");
      case "UpdateExpression":
        return this.#visitTarget(child(node, "argument"), scope);
      case "UnaryExpression":
        if (node.operator === "delete") return this.#visitTarget(child(node, "argument"), scope);
        return this.#visitChild(node, "argument", scope);
      case "ForInStatement":
      case "ForOfStatement":
        return this.#visitForEach(node, scope);
      case "CallExpression":
      case "OptionalCallExpression":
      case "NewExpression":
        return this.#visitCall(node, scope);
      case "ImportExpression":
        return this.#visitDynamicImport(child(node, "source"), scope);
      case "MetaProperty":
      case "BreakStatement":
      case "ContinueStatement":
        return;
      case "LabeledStatement":
        return this.#visitChild(node, "body", scope);
      case "ReturnStatement":
        return this.#visitChild(node, "argument", scope, "escape");
      default:
        return this.#visitScoped(node, scope);
    }
  }

  #visitChild(node: Node, field: string, scope: Scope | undefined, effect: Effect = "read"): void {
    const inner = child(node, field);
    if (inner !== undefined) this.visit(inner, scope, effect);
  }

  #visitMember(node: Node, scope: Scope | undefined, effect: Effect): void {
    const path: string[] = [];
    let at: Node = node;
    while (
      at.type === "MemberExpression" || at.type === "OptionalMemberExpression" || at.type === "JSXMemberExpression"
    ) {
      const key = staticKey(at, "property") ??
        (at.type === "JSXMemberExpression" ? text(child(at, "property"), "name") : undefined);
      const property = child(at, "property");
      if (key === undefined) {
        if (property !== undefined && property.type !== "PrivateName") this.visit(property, scope);
        path.length = 0;
      } else path.unshift(key);
      const next = child(at, "object");
      if (next === undefined) return;
      if (key === undefined) {
        // A computed member: what lies below it is unknown, the object is used as a whole.
        this.#visitRoot(unwrap(next), scope, { path: undefined, effect });
        return;
      }
      at = unwrap(next);
    }
    this.#visitRoot(at, scope, { path, effect });
  }

  #visitRoot(root: Node, scope: Scope | undefined, how: { path: readonly string[] | undefined; effect: Effect }): void {
    if (root.type !== "Identifier" && root.type !== "JSXIdentifier") return this.visit(root, scope, how.effect);
    const member = how.path === undefined ? "" : how.path.slice(0, 2).join(".");
    this.#use(text(root, "name"), scope, { member, effect: how.effect });
  }

  /** The target of an assignment: names in it are written to. */
  #visitTarget(node: Node | undefined, scope: Scope | undefined): void {
    if (node === undefined) return;
    const target = unwrap(node);
    switch (target.type) {
      case "ObjectPattern":
        for (const property of children(target, "properties")) {
          if (property.computed === true) this.#visitChild(property, "key", scope);
          this.#visitTarget(child(property, "value") ?? child(property, "argument"), scope);
        }
        return;
      case "ArrayPattern":
        for (const element of children(target, "elements")) this.#visitTarget(element, scope);
        return;
      case "AssignmentPattern":
        this.#visitTarget(child(target, "left"), scope);
        return this.#visitChild(target, "right", scope);
      case "RestElement":
        return this.#visitTarget(child(target, "argument"), scope);
      default:
        return this.visit(target, scope, "write");
    }
  }

  #visitForEach(node: Node, scope: Scope | undefined): void {
    const left = child(node, "left");
    const inner = scopeOf(left?.type === "VariableDeclaration" ? declaredBy([left]) : new Set(), scope);
    if (left?.type === "VariableDeclaration") this.visit(left, inner);
    else this.#visitTarget(left, scope);
    this.#visitChild(node, "right", scope);
    this.#visitChild(node, "body", inner);
  }

  #visitCall(node: Node, scope: Scope | undefined): void {
    const callee = child(node, "callee");
    const args = children(node, "arguments");
    if (callee?.type === "Import") return this.#visitDynamicImport(args[0], scope);
    if (this.#takeModuleUrl(node, callee, args)) return;
    const plain = callee === undefined ? undefined : unwrap(callee);
    if (plain !== undefined) this.#visitCallee(plain, scope);
    const writesFirst = plain !== undefined && isWritingHelper(plain);
    const harmless = plain !== undefined && isHarmlessCallee(plain, scope);
    for (const [at, arg] of args.entries()) {
      this.visit(arg, scope, at === 0 && writesFirst ? "write" : harmless ? "read" : "escape");
    }
  }

  /** Calling `x.push()` may change x; calling `f()` does not change f. */
  #visitCallee(callee: Node, scope: Scope | undefined): void {
    if (callee.type !== "MemberExpression" && callee.type !== "OptionalMemberExpression") {
      return this.visit(callee, scope);
    }
    const method = staticKey(callee, "property");
    this.visit(callee, scope, method !== undefined && READING_METHODS.has(method) ? "read" : "escape");
  }

  #visitDynamicImport(source: Node | undefined, scope: Scope | undefined): void {
    if (source?.type === "StringLiteral") this.#dynamicImports.add(text(source, "value"));
    else {
      this.#opaque.add("import() of a computed name");
      if (source !== undefined) this.visit(source, scope);
    }
  }

  /** `new URL("./x", import.meta.url)` names a file that the code will read. */
  #takeModuleUrl(node: Node, callee: Node | undefined, args: readonly Node[]): boolean {
    const [file, base] = args;
    if (node.type !== "NewExpression" || text(callee, "name") !== "URL" || file?.type !== "StringLiteral") return false;
    const isModuleUrl = base?.type === "MemberExpression" && child(base, "object")?.type === "MetaProperty" &&
      staticKey(base, "property") === "url";
    if (!isModuleUrl) return false;
    this.#urls.add(text(file, "value"));
    return true;
  }

  #visitScoped(node: Node, scope: Scope | undefined): void {
    const inner = scopeOf(bindingsOf(node), scope);
    for (const [name, value] of fields(node)) {
      if (isSkipped(node, name)) continue;
      // The base class, decorators and a computed key are evaluated outside the class's own scope: no harm in the inner one.
      if (isNode(value)) this.visit(value, inner, childEffect(node, name));
      else if (Array.isArray(value)) {
        for (const each of value) if (isNode(each)) this.visit(each, inner, childEffect(node, name));
      }
    }
  }
}

function stronger(a: Effect, b: Effect): Effect {
  return a === "write" || b === "write" ? "write" : a === "escape" || b === "escape" ? "escape" : "read";
}

/** Where a value goes on to live under another name, so that it could be changed through that. */
function childEffect(node: Node, field: string): Effect {
  if (node.type === "VariableDeclarator" && field === "init") return "escape";
  if (node.type === "ObjectProperty" && field === "value") return "escape";
  if (node.type === "ArrayExpression" || node.type === "YieldExpression") return "escape";
  return node.type === "ArrowFunctionExpression" && field === "body" ? "escape" : "read";
}

function isSkipped(node: Node, field: string): boolean {
  switch (field) {
    case "key":
      return node.computed !== true && node.type !== "TSEnumMember";
    case "id":
      // Binding names; a pattern may hold defaults, which run.
      return child(node, "id")?.type === "Identifier";
    case "name":
      return node.type === "JSXAttribute";
    case "label":
      return true;
    default:
      return false;
  }
}
