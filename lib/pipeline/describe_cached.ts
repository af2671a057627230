// What a module declares, from the store while its sources are the same. Invariant: what is kept under the digest of sources was
// declared by these very sources: an answer that began before they were looked at counts only if none was written since.

import { PivotError, type RelPath } from "../core/mod.ts";
import { hashText } from "../sys/mod.ts";
import type { Declaration } from "./declaration.ts";
import { type Described, describeModule } from "./describe_module.ts";
import type { LoadOptions } from "./load.ts";

/** What the module declares. @throws {PivotError} `module-failed` */
export async function describeCached(
  options: LoadOptions,
  module: RelPath,
  warnings: string[],
): Promise<readonly Declaration[]> {
  await using ahead = new Ahead(options, module);
  const digest = await options.graphDigest(module, () => ahead.start());
  const key = `${DECLARATION_FORMAT}:${module}:${digest}`;
  const kept = options.declarations?.get(key);
  if (kept !== undefined) return JSON.parse(new TextDecoder().decode(kept));
  // What the module's own text declared when all that it imports could last be loaded.
  const lastKey = `${DECLARATION_FORMAT}:last:${module}:${
    hashText(Deno.readTextFileSync(`${options.projectRoot}/${module}`))
  }`;
  try {
    const { declarations, pure } = await ahead.answer();
    const bytes = new TextEncoder().encode(JSON.stringify(declarations));
    if (pure) {
      options.declarations?.put(key, bytes);
      options.declarations?.put(lastKey, bytes);
    } else warnings.push(impure(module));
    return declarations;
  } catch (error) {
    const last = options.declarations?.get(lastKey);
    if (last === undefined || !(error instanceof PivotError)) throw error;
    // Something that it imports is broken. Stages that do not reach it are not held up; those that do are told the place.
    warnings.push(`"${module}" cannot be loaded now, so its stages are as they last were: ${error.message}`);
    return JSON.parse(new TextDecoder().decode(last));
  }
}

/** Imports the module in its process while its sources are still looked at here: an edit needs both, and they take as long. */
class Ahead implements AsyncDisposable {
  readonly #options: LoadOptions;
  readonly #module: RelPath;
  readonly #stop = new AbortController();
  #begun: { readonly atMs: number; readonly answer: Promise<Described> } | undefined;

  constructor(options: LoadOptions, module: RelPath) {
    this.#options = options;
    this.#module = module;
  }

  /** Settles when the process needs nothing more from this one, which is about to be busy. */
  async start(): Promise<void> {
    if (this.#options.graphSettledAt === undefined || this.#begun !== undefined) return;
    const { promise: fed, resolve } = Promise.withResolvers<void>();
    const atMs = Date.now();
    const answer = this.#describe(this.#stoppable(), resolve);
    this.#begun = { atMs, answer };
    // Whether anybody asks for the answer shows later.
    await Promise.race([fed, answer.then(() => undefined, () => undefined)]);
  }

  /** To be asked for once the sources were looked at. */
  async answer(): Promise<Described> {
    const begun = this.#begun;
    if (begun === undefined) return await this.#describe(this.#options.signal);
    const settled = this.#options.graphSettledAt?.(this.#module, begun.atMs) === true;
    if (settled) return await begun.answer;
    await this[Symbol.asyncDispose]();
    return await this.#describe(this.#options.signal);
  }

  #describe(signal: AbortSignal | undefined, onFed?: () => void): Promise<Described> {
    const { projectRoot, deno } = this.#options;
    return describeModule({
      projectRoot,
      module: this.#module,
      deno: deno ?? Deno.execPath(),
      ...(onFed === undefined ? {} : { onFed }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #stoppable(): AbortSignal {
    const { signal } = this.#options;
    return signal === undefined ? this.#stop.signal : AbortSignal.any([this.#stop.signal, signal]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#begun?.answer.catch(() => undefined);
  }
}

function impure(module: RelPath): string {
  return `"${module}" reads its environment or other files while it declares stages, so it is imported for every command`;
}

/** Grows when the form of declarations changes. */
const DECLARATION_FORMAT = 1;
