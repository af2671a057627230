// Learns what a module declares by importing it in a process of its own, never in ours. Invariant: what is cached was declared
// without reading files, environment or network, so that equal sources declare the same.

import { fromWire, isJsonObject, PivotError, PivotFindings, type RelPath, type WireError } from "../core/mod.ts";
import { pathToFileURL } from "node:url";
import { spawnChild, statPath } from "../sys/mod.ts";
import type { Declaration } from "./declaration.ts";

/** What the describing process is told. */
export interface DescribeRequest {
  readonly nonce: string;
  readonly moduleUrl: string;
  readonly modulePath: string;
  readonly rootUrl: string;
}

/** What it answers. */
export type DescribeAnswer =
  | { readonly type: "declared"; readonly declarations: readonly Declaration[] }
  | { readonly type: "failed"; readonly error: WireError };

/** What a module declares. */
export interface Described {
  readonly declarations: readonly Declaration[];
  /** False: the module looked at its surroundings while it declared, and must be asked each time. */
  readonly pure: boolean;
}

/** Options of {@linkcode describeModule}. */
export interface DescribeOptions {
  readonly projectRoot: string;
  readonly module: RelPath;
  /** The `deno` to run. */
  readonly deno: string;
  /** Called once the process has all that it reads from this one. */
  readonly onFed?: () => void;
  readonly signal?: AbortSignal;
}

/**
 * Imports the module with no permission at all; if that fails, again with all. Imports written as literals need no
 * permission, so whatever succeeds the first time looked at nothing but its sources.
 *
 * @throws {PivotError} `module-failed` (kind `invalid`) with the place, when it cannot be imported.
 */
export async function describeModule(options: DescribeOptions): Promise<Described> {
  const scoped = await ask(options, []);
  if (scoped.type === "declared") return { declarations: scoped.declarations, pure: true };
  const free = await ask(options, ["--allow-all"]);
  if (free.type === "declared") return { declarations: free.declarations, pure: false };
  throw importFailed(options, free.error);
}

/** A comma in a path is doubled in a permission list. */
export function escapeList(path: string): string {
  return path.replaceAll(",", ",,");
}

async function ask(options: DescribeOptions, permissions: readonly string[]): Promise<DescribeAnswer> {
  const rootUrl = folderUrl(options.projectRoot);
  const request: DescribeRequest = {
    nonce: crypto.randomUUID(),
    moduleUrl: pathToFileURL(`${options.projectRoot}/${options.module}`).href,
    modulePath: options.module,
    rootUrl,
  };
  let output = "";
  const decoder = new TextDecoder();
  const child = spawnChild({
    command: [
      options.deno,
      "run",
      "--no-check",
      "--no-prompt",
      "--quiet",
      ...configFlags(options.projectRoot),
      ...permissions,
      "-",
    ],
    cwd: options.projectRoot,
    env: { NO_COLOR: "1" },
    stdin: new TextEncoder().encode(programOf(request)),
    onOutput: (chunk) => output += decoder.decode(chunk, { stream: true }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  child.fed.then(options.onFed, () => undefined);
  const exit = await child.exit;
  options.signal?.throwIfAborted();
  const mark = `\x1e${request.nonce} `;
  const at = output.lastIndexOf(mark);
  if (at >= 0) {
    const answer: unknown = JSON.parse(output.slice(at + mark.length).split("\n")[0] ?? "");
    if (isJsonObject(answer)) return answer as unknown as DescribeAnswer;
  }
  const error = { name: "Error", message: output.trim() || `the process exited with code ${exit.code}` };
  return { type: "failed", error };
}

/** The import is a literal: only then Deno allows it without permission to read. */
function programOf(request: DescribeRequest): string {
  const entry = new URL("../../workers/describe.ts", import.meta.url).href;
  return `import { describe } from ${JSON.stringify(entry)};\n` +
    `await describe(${JSON.stringify(request)}, () => import(${JSON.stringify(request.moduleUrl)}));\n`;
}

/** User modules run under their own project's configuration; ours must not leak into them. */
export function configFlags(projectRoot: string): string[] {
  const found = ["deno.json", "deno.jsonc"].find((file) => statPath(`${projectRoot}/${file}`) !== undefined);
  return found === undefined ? ["--no-config"] : ["--config", `${projectRoot}/${found}`];
}

/** The URL of a folder, with a slash at its end, encoded as Deno itself encodes it in stacks. */
export function folderUrl(path: string): string {
  return `${pathToFileURL(path).href}/`;
}

function importFailed(options: DescribeOptions, wire: WireError): PivotError {
  const cause = fromWire(wire);
  if (cause instanceof PivotFindings) return cause;
  const rootUrl = folderUrl(options.projectRoot);
  const place = placeOf(`${wire.message}\n${wire.stack ?? ""}`, rootUrl);
  const message = wire.message.split("\n")[0]?.replaceAll(rootUrl, "") ?? "";
  return new PivotError(`cannot load "${options.module}": ${message}`, {
    code: "module-failed",
    kind: "invalid",
    spot: place ?? { file: options.module },
    hint: /not find|not found/i.test(message)
      ? "check the import, and run `deno install` if it is a package"
      : "correct the file and try again",
    cause,
  });
}

/** The first place inside the project that an error message or stack names. */
function placeOf(text: string, rootUrl: string): { file: string; line: number; column: number } | undefined {
  for (const found of text.matchAll(/(file:\/\/[^\s)]+?):(\d+):(\d+)/g)) {
    const [, url, line, column] = found;
    if (url?.startsWith(rootUrl)) {
      return { file: decodeURIComponent(url.slice(rootUrl.length)), line: Number(line), column: Number(column) };
    }
  }
  return undefined;
}
