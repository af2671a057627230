// A throw-away project for these tests. Invariant: the folder is gone when the test ends.

import { PivotFindings } from "../../../lib/core/mod.ts";
import { type LoadedPipeline, loadPipeline, parseSettings } from "../../../lib/pipeline/mod.ts";

/** A temporary project. */
export interface TestProject extends Disposable {
  readonly root: string;
  /** What was remembered of declarations. */
  readonly store: Map<string, Uint8Array>;
  load(sets?: readonly string[]): Promise<LoadedPipeline>;
  /** The findings that loading fails with. */
  findings(sets?: readonly string[]): Promise<PivotFindings["findings"]>;
}

const MODULE = new URL("../../../lib/pipeline/mod.ts", import.meta.url).href;

/** The line that a test's pivot.ts starts with. */
export const IMPORTS = `import { dep, json, out, stage, text } from ${JSON.stringify(MODULE)};\n`;

/** Writes the files into a new folder. */
export function makeProject(files: Readonly<Record<string, string>>): TestProject {
  const root = Deno.makeTempDirSync({ prefix: "pivot pipeline, " });
  for (const [name, content] of Object.entries(files)) {
    const path = `${root}/${name}`;
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(path, content);
  }
  const store = new Map<string, Uint8Array>();
  const load = (sets: readonly string[] = []) =>
    loadPipeline({
      projectRoot: root,
      graphDigest: () => "same",
      declarations: { get: (key) => store.get(key), put: (key, value) => void store.set(key, value) },
      settings: parseSettings(sets),
    });
  return {
    root,
    store,
    load,
    async findings(sets) {
      try {
        await load(sets);
      } catch (error) {
        if (error instanceof PivotFindings) return error.findings;
        throw error;
      }
      return [];
    },
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
}
