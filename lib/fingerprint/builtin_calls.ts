// Calls of built-ins, and what they may do to what they are given. Invariant: what is not listed may keep and change its arguments.

import { child, type Node, staticKey, text } from "./ast.ts";
import type { Scope } from "./scopes.ts";

/** `Object.assign(x, …)` and the like write to their first argument. */
export function isWritingHelper(callee: Node): boolean {
  const root = text(child(callee, "object"), "name");
  const method = staticKey(callee, "property") ?? "";
  if (root === "Reflect") return ["set", "defineProperty", "deleteProperty", "setPrototypeOf"].includes(method);
  return root === "Object" && ["assign", "defineProperty", "defineProperties", "setPrototypeOf"].includes(method);
}

const HARMLESS_ROOTS: ReadonlySet<string> = new Set([
  "console",
  "Math",
  "JSON",
  "Number",
  "String",
  "Boolean",
  "BigInt",
  "Symbol",
]);
const HARMLESS_NAMES: ReadonlySet<string> = new Set([
  "parseInt",
  "parseFloat",
  "isNaN",
  "structuredClone",
  "String",
  "Number",
  "Boolean",
  "BigInt",
  "Symbol",
]);

/** Calls of built-ins that keep nothing of their arguments and change nothing in them. */
export function isHarmlessCallee(callee: Node, scope: Scope | undefined): boolean {
  const isGlobal = (name: string) => {
    for (let at = scope; at !== undefined; at = at.outer) if (at.names.has(name)) return false;
    return true;
  };
  if (callee.type === "Identifier") return HARMLESS_NAMES.has(text(callee, "name")) && isGlobal(text(callee, "name"));
  const root = text(child(callee, "object"), "name");
  if (root === "Object") {
    return ["keys", "values", "entries", "freeze", "fromEntries", "is", "hasOwn"].includes(
      staticKey(callee, "property") ?? "",
    );
  }
  return HARMLESS_ROOTS.has(root) && isGlobal(root);
}

/** Methods of built-in types that change nothing. */
export const READING_METHODS: ReadonlySet<string> = new Set(
  ("at charAt charCodeAt codePointAt concat endsWith entries every filter find findIndex findLast flat flatMap forEach get has " +
    "includes indexOf join keys lastIndexOf localeCompare map match matchAll normalize padEnd padStart reduce reduceRight repeat " +
    "replace replaceAll search slice some split startsWith substring test toFixed toISOString toLowerCase toReversed toSorted " +
    "toSpliced toString toUpperCase trim trimEnd trimStart valueOf values with exec").split(" "),
);
