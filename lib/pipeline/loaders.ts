// How a file becomes a value and back. Invariants: a loader touches only the path that it is given; what `save` wrote,
// `load` reads back as an equal value; heavy parsers load when they are first used. Their specifiers are written out, since a stage
// runs under the import map of its own project.

import { isJsonObject, type Json, PivotError } from "../core/mod.ts";

/** Reads and writes values of one type. */
export interface Loader<Value> {
  /** For reports: `csv`, `json`, … */
  readonly name: string;
  /** True for {@linkcode path}: the value is the absolute path itself. */
  readonly byPath: boolean;
  /** Reads the value at an absolute path. */
  load(path: string): Value | Promise<Value>;
  /** Writes the value to an absolute path; its folder exists. */
  save(value: Value, path: string): void | Promise<void>;
  /** The value of an incremental output that was never written. */
  empty?(): Value;
}

/** A loader whose value is the path. */
export interface PathLoader extends Loader<string> {
  /** Tells it from loaders that read. */
  readonly byPath: true;
}

/** What {@linkcode loader} takes. */
export interface LoaderOptions<Value> {
  /** Reads the value at an absolute path. */
  readonly load: (path: string) => Value | Promise<Value>;
  /** Writes the value to an absolute path; its folder exists. */
  readonly save: (value: Value, path: string) => void | Promise<void>;
  /** The value of an incremental output that was never written. */
  readonly empty?: () => Value;
  /** Shown in reports. @default "custom" */
  readonly name?: string;
}

/**
 * Makes a loader of one's own. Its code and options are part of the fingerprint of the stages that use it.
 *
 * @example
 * ```ts
 * import { loader } from "@pivot/pivot";
 * const lines = loader<string[]>({
 *   load: async (path) => (await Deno.readTextFile(path)).split("\n"),
 *   save: (value, path) => Deno.writeTextFile(path, value.join("\n")),
 *   empty: () => [],
 * });
 * console.assert(lines.name === "custom");
 * ```
 */
export function loader<Value>(options: LoaderOptions<Value>): Loader<Value> {
  return { name: "custom", byPath: false, ...options };
}

/** One row of a table with a header line. */
export type CsvRow = Readonly<Record<string, string>>;

/** Options of {@linkcode csv}. */
export interface CsvOptions {
  /** Between two fields. @default "," */
  readonly separator?: string;
}

/** Comma-separated values (RFC 4180) with a header line: an array of rows, all fields texts. */
export function csv(options: CsvOptions = {}): Loader<readonly CsvRow[]> {
  const delimiter = options.separator ?? ",";
  return {
    name: "csv",
    byPath: false,
    async load(path) {
      const { CsvError, parse } = await import("npm:csv-parse@^6.1.0/sync");
      try {
        return parse<CsvRow>(await Deno.readTextFile(path), {
          columns: true,
          delimiter,
          skip_empty_lines: true,
          bom: true,
        });
      } catch (error) {
        if (!(error instanceof CsvError)) throw error;
        throw unreadable("CSV", path, error.message, typeof error.lines === "number" ? error.lines : undefined);
      }
    },
    async save(value, path) {
      const { stringify } = await import("npm:csv-stringify@^6.6.0/sync");
      await Deno.writeTextFile(path, stringify([...value], { header: true, delimiter }));
    },
    empty: () => [],
  };
}

/** Options of {@linkcode json}. */
export interface JsonOptions {
  /** Spaces per level; 0 = one line. @default 2 */
  readonly indent?: number;
}

/**
 * JSON (RFC 8259). Give the type that the file holds: `json<Model>()`.
 *
 * JSON has neither NaN nor Infinity, and what reads it refuses them: saving such a number, or a date that is none, fails and
 * names its key, instead of writing the null that `JSON.stringify` makes of it. Return null where that is meant, or use
 * {@linkcode yaml}, which has both.
 */
// deno-lint-ignore no-explicit-any -- a file's type is for the caller to say; `unknown` would force a cast at each use
export function json<Value = any>(options: JsonOptions = {}): Loader<Value> {
  return {
    name: "json",
    byPath: false,
    async load(path) {
      const text = await Deno.readTextFile(path);
      try {
        return JSON.parse(text);
      } catch (error) {
        throw unreadable("JSON", path, (error as Error).message);
      }
    },
    async save(value, path) {
      await Deno.writeTextFile(path, `${toJson(value, path, { indent: options.indent ?? 2 })}\n`);
    },
  };
}

function toJson(
  value: unknown,
  path: string,
  { indent, key = "" }: { readonly indent: number; readonly key?: string },
): string {
  const text = JSON.stringify(value, null, indent);
  // Only a text with a null in it can have lost something.
  if (text?.includes("null")) refuseLost(value, { path, key });
  if (text !== undefined) return text;
  throw new PivotError(`cannot save "${path}" as JSON: the value is ${typeof value}`, { code: "value-not-saved" });
}

/** `JSON.stringify` writes null for numbers and dates that JSON lacks: a metric would silently be no metric. */
function refuseLost(value: unknown, about: { readonly path: string; readonly key: string }): void {
  const keys = new WeakMap<object, string>();
  JSON.stringify(value, function (this: object, key: string, written: unknown): unknown {
    const above = keys.get(this);
    const at = above === undefined
      ? about.key
      : Array.isArray(this)
      ? `${above}[${key}]`
      : above === ""
      ? key
      : `${above}.${key}`;
    // A date has become null already.
    const given: unknown = (this as Record<string, unknown>)[key];
    const lost = typeof written === "number" && !Number.isFinite(written)
      ? String(written)
      : given instanceof Date && written === null
      ? "an invalid date"
      : undefined;
    if (lost !== undefined) throw notInJson(lost, { key: at, path: about.path });
    if (typeof written === "object" && written !== null) keys.set(written, at);
    return written;
  });
}

function notInJson(lost: string, { key, path }: { readonly key: string; readonly path: string }): PivotError {
  const what = key === "" ? "the value" : `"${key}"`;
  return new PivotError(`cannot save "${path}" as JSON: ${what} is ${lost}, which JSON cannot hold`, {
    code: "value-not-saved",
    hint: "return null or a text in its place, or save it with yaml(), which knows .nan and .inf",
    data: { key },
  });
}

/** One JSON value per line. The same values are refused as by {@linkcode json}. */
// deno-lint-ignore no-explicit-any -- as for json()
export function jsonl<Value = any>(): Loader<readonly Value[]> {
  return {
    name: "jsonl",
    byPath: false,
    async load(path) {
      const lines = (await Deno.readTextFile(path)).split("\n");
      return lines.flatMap((line, at) => {
        if (line.trim() === "") return [];
        try {
          return [JSON.parse(line) as Value];
        } catch (error) {
          throw unreadable("JSON lines", path, (error as Error).message, at + 1);
        }
      });
    },
    async save(value, path) {
      const lines = value.map((each, at) => `${toJson(each, path, { indent: 0, key: `[${at}]` })}\n`);
      await Deno.writeTextFile(path, lines.join(""));
    },
    empty: () => [],
  };
}

/** YAML 1.2, one document. */
// deno-lint-ignore no-explicit-any -- as for json()
export function yaml<Value = any>(): Loader<Value> {
  return {
    name: "yaml",
    byPath: false,
    async load(path) {
      const { parse } = await import("npm:yaml@^2.8.1");
      try {
        return parse(await Deno.readTextFile(path));
      } catch (error) {
        throw unreadable("YAML", path, (error as Error).message);
      }
    },
    async save(value, path) {
      const { stringify } = await import("npm:yaml@^2.8.1");
      await Deno.writeTextFile(path, stringify(value));
    },
  };
}

/** UTF-8 text. */
export function text(): Loader<string> {
  return {
    name: "text",
    byPath: false,
    load: (path) => Deno.readTextFile(path),
    save: (value, path) => Deno.writeTextFile(path, value),
    empty: () => "",
  };
}

/** Bytes as they are. */
export function bytes(): Loader<Uint8Array> {
  return {
    name: "bytes",
    byPath: false,
    load: (path) => Deno.readFile(path),
    save: (value, path) => Deno.writeFile(path, value),
    empty: () => new Uint8Array(),
  };
}

/** The path itself: as a dependency the stage gets the absolute path; as an output the stage writes the file. */
export function path(): PathLoader {
  return { name: "path", byPath: true, load: (at) => at, save: () => {} };
}

/** The loader that a metric's extension asks for: JSON or YAML. */
export function metricLoader(file: string): Loader<Json> {
  return /\.ya?ml$/i.test(file) ? yaml<Json>() : json<Json>();
}

function unreadable(format: string, file: string, why: string, line?: number): PivotError {
  return new PivotError(`cannot read "${file}" as ${format}: ${why}`, {
    code: "unreadable-file",
    spot: { file, ...(line === undefined ? {} : { line }) },
  });
}

/** Whether a value is a loader. */
export function isLoader(value: unknown): value is Loader<unknown> {
  return isJsonObject(value) && typeof (value as { load?: unknown }).load === "function" &&
    typeof (value as { save?: unknown }).save === "function";
}
