// Code identities for a program that stages are compiled into, where their sources are not on disk. Invariant: a manifest answers only for the
// code that it was made from: by the sources where they can be read, and always by the text of every compiled function.

import { PivotError, type RelPath } from "../core/mod.ts";
import { isStage, type StageSpec } from "../pipeline/mod.ts";
import { hashText } from "../sys/mod.ts";
import { ANALYSIS_VERSION } from "./analysis.ts";
import type { Fingerprinter, StageCode, SymbolPlace } from "./types.ts";

/** Format of an embedded manifest. */
export const MANIFEST_FORMAT = 1;

/** What `pivot compile-manifest` writes; plain JSON. */
export interface EmbeddedManifest {
  /** Format of the manifest. */
  readonly format: number;
  /** The analyser that made it. */
  readonly analyser: number;
  /** The module whose stages it knows, relative to the project. */
  readonly module: string;
  /** Digest over every source file and configuration that it was made from. */
  readonly graph: string;
  /** By export name. */
  readonly stages: Readonly<Record<string, EmbeddedStage>>;
}

/** One stage of a manifest. */
export interface EmbeddedStage {
  /** The code identity. */
  readonly code: StageCode;
  /** Where each symbol stands in the sources. */
  readonly places: Readonly<Record<string, SymbolPlace>>;
  /** Hash of the text of the stage's functions, as the engine has them. */
  readonly text: string;
}

/** Makes the manifest of the stages that `exports` holds. */
export async function makeManifest(
  fingerprints: Fingerprinter,
  about: {
    readonly module: RelPath;
    readonly stages: readonly StageSpec[];
    readonly exports: Readonly<Record<string, unknown>>;
  },
): Promise<EmbeddedManifest> {
  const own = about.stages.filter((stage) => stage.action.type === "module" && stage.action.module === about.module);
  await fingerprints.prepare(own);
  await fingerprints.prepareGraph(about.module);
  const stages: Record<string, EmbeddedStage> = {};
  for (const stage of own) {
    if (stage.action.type !== "module") continue;
    stages[stage.action.export] = {
      code: fingerprints.codeOf(stage),
      places: Object.fromEntries(fingerprints.placesOf(stage)),
      text: functionText(about.exports[stage.action.export]),
    };
  }
  const { digest } = fingerprints.moduleGraph(about.module);
  return { format: MANIFEST_FORMAT, analyser: ANALYSIS_VERSION, module: about.module, graph: digest, stages };
}

/** Hash of the texts of all functions of a stage: its `run` and its loaders. */
export function functionText(stage: unknown): string {
  const texts: string[] = [];
  const collect = (value: unknown, depth: number): void => {
    if (typeof value === "function") texts.push(Function.prototype.toString.call(value));
    else if (typeof value === "object" && value !== null && depth < 6) {
      for (const key of Object.keys(value).sort()) collect((value as Record<string, unknown>)[key], depth + 1);
    }
  };
  collect(isStage(stage) ? stage.options : stage, 0);
  return hashText(texts.join("\n"));
}

/** What the embedding program hands over. */
export interface Embedded {
  /** The module with the stages, imported: `import * as stages from "./pivot.ts"`. */
  readonly stages: Readonly<Record<string, unknown>>;
  /** What `pivot compile-manifest` wrote for it. */
  readonly manifest: EmbeddedManifest;
}

/**
 * Code identities from a manifest.
 *
 * @param sources Where the sources are too, if they are: they must be what the manifest was made from.
 * @throws {PivotError} `manifest-stale`, `manifest-unknown` (kind `invalid`) when asked to prepare.
 */
export function embeddedFingerprinter(embedded: Embedded, sources: Fingerprinter, hasSources: boolean): Fingerprinter {
  const { manifest } = embedded;
  const isOwn = (stage: StageSpec) => stage.action.type === "module";
  const of = (stage: StageSpec): EmbeddedStage => {
    const found = stage.action.type === "module" ? manifest.stages[stage.action.export] : undefined;
    if (found === undefined) throw stale(`it does not know the stage "${stage.name}"`);
    return found;
  };
  return {
    async prepare(stages) {
      assertReadable(manifest);
      if (hasSources) await assertSameSources(manifest, sources);
      for (const stage of stages.filter(isOwn)) {
        const name = stage.action.type === "module" ? stage.action.export : "";
        if (functionText(embedded.stages[name]) !== of(stage).text) {
          throw stale(`the functions of "${stage.name}" differ`);
        }
      }
      await sources.prepare(stages.filter((stage) => !isOwn(stage)));
    },
    prepareGraph: () => Promise.resolve(),
    codeOf: (stage) => isOwn(stage) ? of(stage).code : sources.codeOf(stage),
    placesOf: (stage) => isOwn(stage) ? new Map(Object.entries(of(stage).places)) : sources.placesOf(stage),
    graphSettledAt: () => true,
    moduleGraph: () => ({ digest: hashText(manifest.graph), files: [] }),
  };
}

function assertReadable(manifest: EmbeddedManifest): void {
  if (manifest.format === MANIFEST_FORMAT && manifest.analyser === ANALYSIS_VERSION) return;
  throw new PivotError(
    `the embedded manifest has format ${manifest.format}.${manifest.analyser}, this pivot makes ${MANIFEST_FORMAT}.${ANALYSIS_VERSION}`,
    {
      code: "manifest-unknown",
      kind: "invalid",
      hint: "run `pivot compile-manifest` and compile again",
    },
  );
}

async function assertSameSources(manifest: EmbeddedManifest, sources: Fingerprinter): Promise<void> {
  const module = manifest.module as RelPath;
  await sources.prepareGraph(module);
  if (sources.moduleGraph(module).digest !== manifest.graph) throw stale(`the sources of "${module}" changed since`);
}

function stale(why: string): PivotError {
  return new PivotError(`the embedded manifest is stale: ${why}`, {
    code: "manifest-stale",
    kind: "invalid",
    hint: "run `pivot compile-manifest` and compile again",
  });
}
