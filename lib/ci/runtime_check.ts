// What a TypeScript pipeline hands to `runtime`, checked when it does: modules are run without a look at their types.
// Invariant: an option that is not understood is an error before a process or a volume is made.

import { nearest, PivotError } from "../core/mod.ts";

type Kind = "text" | "number" | "texts" | "variables" | "mounts" | "command";

const TASK: Readonly<Record<string, Kind>> = {
  name: "text",
  image: "text",
  command: "command",
  env: "variables",
  mounts: "mounts",
  dir: "text",
  stdin: "text",
  timeoutMs: "number",
};
const COMMAND: Readonly<Record<string, Kind>> = { path: "text", args: "texts", user: "text" };
const VOLUME: Readonly<Record<string, Kind>> = { name: "text", size: "number" };

const LOOKS: Readonly<Record<Kind, string>> = {
  text: "a text",
  number: "a number above 0",
  texts: "a list of texts",
  variables: "an object of texts, as in { NAME: value }",
  mounts: "[{ name, path }] or { path: volume }",
  command: "{ path, args, user }",
};

/** @throws {PivotError} `bad-call` (kind `invalid`) unless it is what `runtime.run` takes. */
export function checkTask(value: unknown): void {
  const call = "runtime.run()";
  checkFields(value, TASK, call);
  const { name, command, mounts } = value as Record<string, unknown>;
  if (name === undefined || name === "") throw badCall(`${call} needs a "name"`, 'write { name: "build", command: … }');
  if (command === undefined) throw badCall(`${call} needs a "command"`, `write command: { path: "sh", args: [] }`);
  checkFields(command, COMMAND, `"command" of ${call}`);
  const { path } = command as Record<string, unknown>;
  if (path === undefined || path === "") {
    throw badCall(`"command" of ${call} needs a "path"`, "name the program to run");
  }
  if (Array.isArray(mounts)) {
    for (const mount of mounts) checkFields(mount, { name: "text", path: "text" }, `a mount of ${call}`);
  }
  for (const [place, volume] of Object.entries(isObject(mounts) ? mounts : {})) {
    if (isObject(volume) && typeof volume["name"] === "string") continue;
    throw badCall(
      `the mount at "${place}" of ${call} is ${shown(volume)}, not a volume`,
      "give what `await runtime.createVolume(…)` gave",
    );
  }
}

/** @throws {PivotError} `bad-call` (kind `invalid`) unless it is what `runtime.createVolume` takes. */
export function checkVolume(value: unknown): void {
  const call = "runtime.createVolume()";
  checkFields(value, VOLUME, call);
  if ((value as Record<string, unknown>)["name"] !== "") return;
  throw badCall(`"name" of ${call} is empty`, "leave it out for a volume that is not kept");
}

function checkFields(value: unknown, known: Readonly<Record<string, Kind>>, what: string): void {
  const names = Object.keys(known);
  if (!isObject(value)) throw badCall(`${what} takes an object, not ${shown(value)}`, `write { ${names.join(", ")} }`);
  for (const [name, given] of Object.entries(value)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) {
      const meant = nearest(name, names);
      const list = `known are ${names.join(", ")}`;
      throw badCall(`${what} knows no "${name}"`, meant === undefined ? list : `did you mean "${meant}"? ${list}`);
    }
    if (given !== undefined && !fits(given, kind)) {
      throw badCall(`"${name}" of ${what} is ${shown(given)}, not ${LOOKS[kind]}`);
    }
  }
}

function fits(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number" && Number.isFinite(value) && value > 0;
    case "texts":
      return Array.isArray(value) && value.every((each) => typeof each === "string");
    case "variables":
      return isObject(value) && Object.values(value).every((each) => typeof each === "string");
    case "mounts":
      return Array.isArray(value) || isObject(value);
    case "command":
      return isObject(value);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof Promise) return "a promise";
  if (typeof value === "string") return `the text "${value}"`;
  return isObject(value) ? "another object" : String(value);
}

function badCall(message: string, hint?: string): PivotError {
  return new PivotError(message, { code: "bad-call", kind: "invalid", ...(hint === undefined ? {} : { hint }) });
}
