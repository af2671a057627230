// Data that no stage makes: `.pivot/tracked/<path>.lock`, YAML, kept in git, one file per path.
// Invariants: a record names exactly one path inside the project; what cannot be read is an error, since losing sight of
// data would let gc remove it.

import { type Content, parseRelPath, PivotError, type RelPath } from "../core/mod.ts";
import { parentOf, removeIfThere, statPath, walk, writeDurable } from "../sys/mod.ts";
import { formatContent, readRecordedPath } from "./lock_file.ts";
import type { ParsedFiles } from "./state.ts";

/** Folder of the records, below the project root. */
export const TRACKED_FOLDER = ".pivot/tracked";

const TRACKED_VERSION = 1;

/** Records of tracked data. */
export interface Tracked {
  /** All of it, by path. */
  load(): Promise<ReadonlyMap<RelPath, Content>>;
  /** Writes a record, durably. */
  put(path: RelPath, content: Content): void;
  /** Removes a record; fine if there is none. */
  delete(path: RelPath): void;
}

/** The file that records a tracked path, below the project root. */
export function trackedFile(path: RelPath): string {
  return `${TRACKED_FOLDER}/${path}.lock`;
}

/** Opens the records below `projectRoot`. */
export function openTracked(projectRoot: string, parsed: ParsedFiles): Tracked {
  const folder = `${projectRoot}/${TRACKED_FOLDER}`;
  return {
    async load() {
      if (statPath(folder) === undefined) return new Map();
      const files = walk(folder).filter(({ path, stat }) => stat.kind === "file" && path.endsWith(".lock"));
      const found = new Map<RelPath, Content>();
      for (const { path, stat } of files) {
        const file = `${TRACKED_FOLDER}/${path}`;
        const readAtMs = Date.now();
        const kept = parsed.get<Content>(file, stat);
        const content = kept ?? await readRecord(projectRoot, file, path.slice(0, -".lock".length));
        if (kept === undefined) parsed.put(file, content, { stamp: stat, readAtMs });
        found.set(parseRelPath(path.slice(0, -".lock".length)), content);
      }
      return found;
    },
    put(path, content) {
      const lines = ["# Written by pivot track; keep it in git.", `version: ${TRACKED_VERSION}`];
      writeDurable(
        `${projectRoot}/${trackedFile(path)}`,
        `${[...lines, ...formatContent(path, content)].join("\n")}\n`,
      );
    },
    delete(path) {
      const file = `${projectRoot}/${trackedFile(path)}`;
      removeIfThere(file);
      removeEmptyFolders(parentOf(file), folder);
    },
  };
}

async function readRecord(projectRoot: string, file: string, path: string): Promise<Content> {
  let text: string;
  try {
    text = Deno.readTextFileSync(`${projectRoot}/${file}`);
  } catch (error) {
    throw damaged({ file, path }, error);
  }
  return await trackedFromText(text, { file, path });
}

/** Which record a text is. */
interface RecordName {
  readonly file: string;
  /** The tracked path. */
  readonly path: string;
}

/**
 * Reads a record's text.
 *
 * @throws {PivotError} `lock-damaged` or `lock-too-new` (kind `invalid`), naming the file.
 */
export async function trackedFromText(text: string, name: RecordName): Promise<Content> {
  const { parse } = await import("yaml");
  try {
    const value: unknown = parse(text, { maxAliasCount: 0 });
    const { version } = value as { version?: unknown };
    if (typeof version === "number" && version > TRACKED_VERSION) {
      const why = `it has format ${version}, this pivot reads up to ${TRACKED_VERSION}`;
      throw unusable(name, why, { code: "lock-too-new", hint: "update pivot" });
    }
    const recorded = readRecordedPath(value);
    if (version !== TRACKED_VERSION) throw new TypeError("it has no version");
    if (recorded.path !== name.path) throw new TypeError(`it records "${recorded.path}"`);
    return recorded.content;
  } catch (error) {
    if (error instanceof PivotError && error.code === "lock-too-new") throw error;
    throw damaged(name, error);
  }
}

function damaged(name: RecordName, error: unknown): PivotError {
  const why = (error as Error).message.split("\n")[0] ?? "";
  const hint = `take it from git again, or run \`pivot track ${name.path}\``;
  return unusable(name, why, { code: "lock-damaged", hint });
}

function unusable(
  { file }: RecordName,
  why: string,
  about: { readonly code: string; readonly hint: string },
): PivotError {
  return new PivotError(`"${file}" is not a usable record: ${why}`, { ...about, kind: "invalid", spot: { file } });
}

function removeEmptyFolders(from: string, top: string): void {
  for (let folder = from; folder.startsWith(top); folder = parentOf(folder)) {
    if (statPath(folder) === undefined || [...Deno.readDirSync(folder)].length > 0) return;
    Deno.removeSync(folder);
  }
}
