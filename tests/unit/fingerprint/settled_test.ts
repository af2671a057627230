// Whether sources were written since a time: by their stamps, tools that set old times included.

import assert from "node:assert/strict";
import type { IndexedFile, RelPath } from "../../../lib/core/mod.ts";
import { createFingerprinter } from "../../../lib/fingerprint/mod.ts";

Deno.test("sources are settled at a time if none can have been written since, came, or went", async () => {
  const root = Deno.makeTempDirSync({ prefix: "pivot-settled-" });
  try {
    const write = (name: string, text: string) => Deno.writeTextFileSync(`${root}/${name}`, text);
    write("pivot.ts", `import { b } from "./b.ts";\nexport const a = b;\n`);
    write("b.ts", "export const b = 1;\n");
    const old = new Date(Date.now() - 60_000.5);
    for (const name of ["pivot.ts", "b.ts"]) Deno.utimeSync(`${root}/${name}`, old, old);
    const files = new Map<string, IndexedFile>();
    const kept = new Map<string, Uint8Array>();
    const module = "pivot.ts" as RelPath;
    let stale = 0;
    const look = async () => {
      const fingerprinter = createFingerprinter({
        projectRoot: root,
        index: {
          get: (key) => files.get(key),
          put: (key, file) => void files.set(key, file),
          delete: (key) => void files.delete(key),
        },
        store: { get: (key) => kept.get(key), put: (key, value) => void kept.set(key, value) },
      });
      await fingerprinter.prepareGraph(module, () => {
        stale++;
        return Promise.resolve();
      });
      return fingerprinter;
    };
    const first = await look();
    assert.equal(stale, 1);
    await look();
    assert.equal(stale, 1, "nothing changed");
    const inSeconds = (seconds: number) => Date.now() + seconds * 1000;
    assert.equal(first.graphSettledAt(module, inSeconds(5)), true);
    assert.equal(
      first.graphSettledAt(module, inSeconds(-5)),
      false,
      "the old mtimes were set since, which the ctime tells",
    );
    write("b.ts", "export const b = 2;\n");
    assert.equal(first.graphSettledAt(module, inSeconds(-1)), false, "written since");
    write("deno.json", "{}");
    assert.equal(first.graphSettledAt(module, inSeconds(60)), false, "a configuration came");
    await look();
    assert.equal(stale, 2);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
