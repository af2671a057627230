// The modules that an entry module reaches, analysed. Invariant: a file's analysis belongs to exactly the bytes whose digest
// it is stored under, and those bytes are found by stat, so a warm check reads nothing.

import { type Digest, type FileIndex, messageOf, PivotError } from "../core/mod.ts";
import { hashBytes, isRacy, sameStamp, statPath } from "../sys/mod.ts";
import { ANALYSIS_VERSION, type FileAnalysis } from "./analysis.ts";
import { analyse, loadParser, type ParseModule } from "./analyse.ts";
import type { Resolver, Target } from "./resolve.ts";
import type { AnalysisStore } from "./types.ts";

/** One module of the graph. */
export interface Module {
  /** Absolute path. */
  readonly path: string;
  readonly digest: Digest;
  /** Absent for JSON, text and files that could not be parsed. */
  readonly analysis: FileAnalysis | undefined;
  readonly error: PivotError | undefined;
}

/** Options of {@linkcode ModuleLoader}. */
export interface ModuleLoaderOptions {
  readonly projectRoot: string;
  readonly index: FileIndex;
  readonly store: AnalysisStore;
}

const SCRIPT = /\.(ts|tsx|mts|js|jsx|mjs)$/;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Reads and analyses modules, each once. */
export class ModuleLoader {
  readonly #options: ModuleLoaderOptions;
  readonly #modules: Map<string, Module> = new Map();
  #parse: ParseModule | undefined;

  constructor(options: ModuleLoaderOptions) {
    this.#options = options;
  }

  /** Forgets what was read, so that edits since then are seen. */
  reset(): void {
    this.#modules.clear();
  }

  /** Digest of a file by its stamp where that is remembered, else by reading it; undefined if there is no such file. */
  digestOf(path: string): Digest | undefined {
    const stat = statPath(path);
    const real = stat?.kind === "symlink" ? followed(path) : stat;
    if (real === undefined || stat === undefined) return undefined;
    const key = `src:${path}`;
    const known = this.#options.index.get(key);
    if (known !== undefined && !known.racy && sameStamp(known, real)) return known.hash;
    const readAtMs = Date.now();
    const hash = hashBytes(Deno.readFileSync(path));
    const { size, mtimeMs, ctimeMs, inode } = real;
    this.#options.index.put(key, { hash, size, mtimeMs, ctimeMs, inode, racy: isRacy(real, readAtMs) });
    return hash;
  }

  /** Loads everything that `entry` reaches. */
  async load(entry: string, resolver: Resolver): Promise<ReadonlyMap<string, Module>> {
    const found = new Map<string, Module>();
    const pending = [entry];
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      if (found.has(path)) continue;
      const module = await this.#module(path, resolver);
      if (module === undefined) continue;
      found.set(path, module);
      for (const target of targetsOf(module, resolver)) if (target.type === "file") pending.push(target.path);
    }
    return found;
  }

  async #module(path: string, resolver: Resolver): Promise<Module | undefined> {
    const kept = this.#modules.get(path);
    if (kept !== undefined) return kept;
    const digest = this.digestOf(path);
    if (digest === undefined) return undefined;
    const module = { path, digest, ...await this.#analysis(path, digest, resolver) };
    this.#modules.set(path, module);
    return module;
  }

  async #analysis(path: string, digest: Digest, resolver: Resolver): Promise<Pick<Module, "analysis" | "error">> {
    if (!SCRIPT.test(path)) return { analysis: undefined, error: undefined };
    // What counts as Pivot's own names depends on the configuration, hence its digest in the key.
    const key = `file:${ANALYSIS_VERSION}:${path.slice(path.lastIndexOf("."))}:${digest}:${resolver.digest}`;
    const kept = this.#options.store.get(key);
    if (kept !== undefined) return { analysis: JSON.parse(decoder.decode(kept)), error: undefined };
    this.#parse ??= await loadParser();
    try {
      const program = this.#parse(Deno.readTextFileSync(path), path);
      const analysis = analyse(program, (specifier) => resolver.resolve(specifier, path).type === "pivot");
      this.#options.store.put(key, encoder.encode(JSON.stringify(analysis)));
      return { analysis, error: undefined };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return { analysis: undefined, error: syntaxError(error, this.#shortPath(path)) };
    }
  }

  #shortPath(path: string): string {
    const root = `${this.#options.projectRoot}/`;
    return path.startsWith(root) ? path.slice(root.length) : path;
  }
}

function followed(path: string): ReturnType<typeof statPath> {
  try {
    return statPath(Deno.realPathSync(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function syntaxError(error: SyntaxError, file: string): PivotError {
  const loc = (error as { loc?: { line: number; column: number } }).loc;
  const message = messageOf(error).replace(/ \(\d+:\d+\)$/, "").replace(/\.$/, "");
  return new PivotError(`"${file}" cannot be parsed: ${message}`, {
    code: "syntax-error",
    kind: "invalid",
    spot: { file, ...(loc === undefined ? {} : { line: loc.line, column: loc.column + 1 }) },
    hint: "correct the syntax",
    cause: error,
  });
}

/** Everything that a module brings in when it is evaluated or may bring in later. */
export function targetsOf(module: Module, resolver: Resolver): Target[] {
  const { analysis } = module;
  if (analysis === undefined) return [];
  const specifiers = [
    ...analysis.evaluates.map((each) => each.specifier),
    ...analysis.units.flatMap((unit) => unit.dynamicImports),
  ];
  return specifiers.map((specifier) => resolver.resolve(specifier, module.path));
}
