// Random edits: of comments, types and white space they never change a fingerprint, of reached literals they always do.
// And: a warm answer reads nothing.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createFingerprinter } from "../../../lib/fingerprint/mod.ts";
import { canonical } from "../../../lib/fingerprint/canonical.ts";
import { loadParser } from "../../../lib/fingerprint/analyse.ts";
import type { Digest } from "../../../lib/core/mod.ts";
import { digests, memoryIndex, memoryStore, PROJECT, specOf, STAGES, writeFiles } from "./project.ts";

const parse = await loadParser();
const canonicalOf = (source: string) => canonical(parse(source, "a.ts"));

/** A small program of literals and calls with gaps, in which anything silent may stand. */
const literal = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }).map(String),
  fc.string({ maxLength: 8 }).map((text) => JSON.stringify(text)),
  fc.boolean().map(String),
);
const silence = fc.constantFrom(" ", "\n", "/* note */", "// note\n", "\n\n", "/** doc */ ", "\t");

function program(values: readonly string[], gaps: readonly string[], types: boolean): string {
  const gap = (at: number) => gaps[at % Math.max(1, gaps.length)] ?? " ";
  const type = types ? ": unknown" : "";
  return values.map((value, at) =>
    `${gap(at)}const v${at}${type}${gap(at + 1)}=${gap(at + 2)}f(${value},${gap(at + 3)}[${value}]);`
  ).join("\n");
}

Deno.test("comments, types and white space never change the canonical text", () => {
  fc.assert(
    fc.property(
      fc.array(literal, { minLength: 1, maxLength: 6 }),
      fc.array(silence, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      (values, gaps, types) => {
        assert.equal(canonicalOf(program(values, gaps, types)), canonicalOf(program(values, [" "], false)));
      },
    ),
  );
});

Deno.test("another literal always changes the canonical text", () => {
  fc.assert(fc.property(fc.array(literal, { minLength: 1, maxLength: 6 }), literal, fc.nat(), (values, other, pick) => {
    const at = pick % values.length;
    fc.pre(JSON.parse(values[at] ?? "") !== JSON.parse(other));
    const changed = values.map((value, index) => index === at ? other : value);
    assert.notEqual(canonicalOf(program(changed, [" "], false)), canonicalOf(program(values, [" "], false)));
  }));
});

/** Places between tokens of the project's sources where a comment may stand: behind a line's end. */
const scripts = Object.keys(PROJECT).filter((file) => file.endsWith(".ts"));

Deno.test("random comments and types in the project change no stage; a random literal in reached code does", async () => {
  const root = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    writeFiles(root, PROJECT);
    const base = await digests(root);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...scripts),
        fc.nat(),
        fc.constantFrom("// words", "/* words */", "type Local = 1;", "interface Local { a: string }"),
        async (file, line, silent) => {
          const lines = (PROJECT[file] ?? "").split("\n");
          // Only between top-level statements, where all four may stand.
          const places = lines.flatMap((text, at) =>
            /^(import|export|const|let|function|enum|\/\*\*)/.test(text) ? [at] : []
          );
          const at = places[line % places.length] ?? 0;
          writeFiles(root, { ...PROJECT, [file]: lines.toSpliced(at, 0, silent).join("\n") });
          assert.deepEqual(await digests(root), base);
        },
      ),
      { numRuns: 40 },
    );
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 11, max: 1e6 }), async (value) => {
        writeFiles(root, { ...PROJECT, "lib/deeper.ts": `export const BASE = ${value};\nexport const OTHER = 11;\n` });
        const now = await digests(root);
        assert.deepEqual(STAGES.filter((stage) => now[stage] !== base[stage]), ["clean"]);
      }),
      { numRuns: 20 },
    );
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("a warm answer parses nothing, and an edit anywhere in the graph is seen", async () => {
  const root = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    writeFiles(root, PROJECT);
    const old = new Date(Date.now() - 60_000);
    for (const file of Object.keys(PROJECT)) Deno.utimeSync(`${root}/${file}`, old, old);
    const [index, store] = [memoryIndex(), memoryStore()];
    const specs = STAGES.map((name) => specOf(name));
    const ask = async (): Promise<Digest[]> => {
      const fingerprinter = createFingerprinter({ projectRoot: root, index, store });
      await fingerprinter.prepare(specs);
      return specs.map((spec) => fingerprinter.codeOf(spec).digest);
    };
    const first = await ask();
    const hashed = index.reads();
    assert.ok(hashed > scripts.length);
    assert.deepEqual(await ask(), first);
    assert.equal(index.reads(), hashed, "a warm answer hashed a file");
    for (const file of scripts.filter((each) => each.startsWith("lib/") && !/unused|types/.test(each))) {
      const before = index.reads();
      Deno.writeTextFileSync(`${root}/${file}`, `${PROJECT[file]}\n// later\n`);
      assert.deepEqual(await ask(), first);
      assert.ok(index.reads() > before, `an edit of ${file} went unseen`);
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

Deno.test("code globs, command texts and task texts count", async () => {
  const root = Deno.realPathSync(Deno.makeTempDirSync());
  try {
    const config = JSON.stringify({ tasks: { a: { command: "echo a", dependencies: ["b"] }, b: "echo b" } });
    writeFiles(root, { "deno.json": config, "src/model/one.py": "1", "src/other.py": "2" });
    const glob = specOf("g", { action: { type: "command", command: "make" }, code: ["src/model/**"] });
    const task = specOf("t", { action: { type: "task", config: "deno.json" as never, task: "a" } });
    const ask = async () => {
      const fingerprinter = createFingerprinter({ projectRoot: root, index: memoryIndex(), store: memoryStore() });
      await fingerprinter.prepare([glob, task]);
      return [fingerprinter.codeOf(glob), fingerprinter.codeOf(task)] as const;
    };
    const [g, t] = await ask();
    assert.deepEqual(Object.keys(g.symbols), ["command:g", "file:src/model/one.py"]);
    assert.deepEqual(Object.keys(t.symbols), ["task:a", "task:b"]);
    writeFiles(root, { "src/other.py": "3", "deno.json": config.replace("echo b", "echo c") });
    const [g2, t2] = await ask();
    assert.equal(g2.digest, g.digest);
    assert.notEqual(t2.digest, t.digest);
    writeFiles(root, { "src/model/two.py": "3" });
    assert.notEqual((await ask())[0].digest, g.digest);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
