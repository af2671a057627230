// DVC's `${…}` templating: keys of vars and params.yaml, and `item` and `key` of loops. A name that is not known stays as it is.

import { isJsonObject, type Json, type JsonObject } from "../../core/mod.ts";

/** Values by name. */
export type Scope = JsonObject;

/** Fills every text in a value. A text that is one template alone becomes the value itself. */
export function fillTemplates(value: Json, scope: Scope): Json {
  if (typeof value === "string") return fillText(value, scope);
  if (Array.isArray(value)) return value.map((each) => fillTemplates(each, scope));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [String(fillText(key, scope)), fillTemplates(each, scope)]),
  );
}

const TEMPLATE = /\$\{\s*([\w.[\]-]+)\s*\}/g;

function fillText(text: string, scope: Scope): Json {
  const whole = new RegExp(`^${TEMPLATE.source}$`).exec(text)?.[1];
  if (whole !== undefined) return lookUp(whole, scope) ?? text;
  return text.replace(TEMPLATE, (template, name: string) => {
    const value = lookUp(name, scope);
    return value === undefined
      ? template
      : isJsonObject(value) || Array.isArray(value)
      ? JSON.stringify(value)
      : String(value);
  });
}

function lookUp(name: string, scope: Scope): Json | undefined {
  let value: Json | undefined = scope;
  for (const key of name.replace(/\[(\w+)\]/g, ".$1").split(".")) {
    value = Array.isArray(value) ? value[Number(key)] : isJsonObject(value) ? value[key] : undefined;
  }
  return value;
}
