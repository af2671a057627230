// Reading YAML files of the project with places, through a parse cache so that a no-op run loads no parser.

import { isJsonObject, type Json, PivotError, PivotFindings, type SourceSpot } from "../core/mod.ts";
import { type FileStamp, statPath } from "../sys/mod.ts";

/** Remembers parse results by path and stamp; the state database has one. */
export interface ParseCache {
  get<Value>(path: string, stamp: FileStamp): Value | undefined;
  put(path: string, value: unknown, at: { readonly stamp: FileStamp; readonly readAtMs: number }): void;
}

/** A parsed file: its value, and the line and column of each key path. */
export interface ParsedYaml {
  readonly value: Json;
  /** `stages.train.outs` -> [line, column]. */
  readonly places: Readonly<Record<string, readonly [line: number, column: number]>>;
}

/**
 * Reads `file` (relative to `root`) if it is there.
 *
 * @throws {PivotFindings} with line and column of each syntax error.
 */
export async function readYaml(
  root: string,
  file: string,
  cache: ParseCache | undefined,
): Promise<ParsedYaml | undefined> {
  const stamp = statPath(`${root}/${file}`);
  if (stamp === undefined) return undefined;
  const kept = cache?.get<ParsedYaml>(file, stamp);
  if (kept !== undefined) return kept;
  const readAtMs = Date.now();
  const parsed = await parseYaml(Deno.readTextFileSync(`${root}/${file}`), file);
  cache?.put(file, parsed, { stamp, readAtMs });
  return parsed;
}

/** Parses text with places. Duplicate keys and unknown tags are errors. */
export async function parseYaml(text: string, file: string): Promise<ParsedYaml> {
  const { isMap, isScalar, isSeq, LineCounter, parseDocument } = await import("yaml");
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new PivotFindings(
      `"${file}" is not valid YAML`,
      document.errors.map((error) => {
        const { line, col } = counter.linePos(error.pos[0]);
        const spot = { file, line, column: col };
        return new PivotError(`"${file}": ${error.message}`, { code: "bad-yaml", kind: "invalid", spot });
      }),
    );
  }
  const places: Record<string, [number, number]> = {};
  const visit = (node: unknown, path: string): void => {
    if (isMap(node)) {
      for (const pair of node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
        const at = path === "" ? key : `${path}.${key}`;
        const offset = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
        if (offset !== undefined) {
          const { line, col } = counter.linePos(offset);
          places[at] = [line, col];
        }
        visit(pair.value, at);
      }
    } else if (isSeq(node)) node.items.forEach((item, index) => visit(item, `${path}[${index}]`));
  };
  visit(document.contents, "");
  const value: Json = document.toJS({ maxAliasCount: 100 }) ?? null;
  return { value, places };
}

/** The place of a key path, or of the nearest key above it that has one. */
export function placeIn(parsed: ParsedYaml, file: string, path: string): SourceSpot {
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    const place = parsed.places[at];
    if (place !== undefined) return { file, line: place[0], column: place[1] };
  }
  return { file };
}

/** The value as a mapping; an empty file is an empty one. */
export function asMapping(value: Json): { readonly [key: string]: Json } | undefined {
  return value === null ? {} : isJsonObject(value) ? value : undefined;
}
