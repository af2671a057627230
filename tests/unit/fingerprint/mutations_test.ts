// Every row of the table: the stages that must change do, the others do not, and running proves it.

import assert from "node:assert/strict";
import { CHANGING, KEEPING, type Mutation } from "./mutations.ts";
import {
  digests,
  fingerprints,
  memoryIndex,
  memoryStore,
  PROJECT,
  results,
  specOf,
  STAGES,
  writeFiles,
} from "./project.ts";
import { createFingerprinter } from "../../../lib/fingerprint/mod.ts";
import { PivotError } from "../../../lib/core/mod.ts";

function mutate(mutation: Mutation): Record<string, string> {
  const files: Record<string, string> = { ...PROJECT };
  for (const [file, from, to] of [[mutation.file, mutation.from, mutation.to] as const, ...mutation.also ?? []]) {
    const before = files[file] ?? "";
    assert.notEqual(from, to, `"${mutation.name}" edits nothing`);
    assert.ok(from === "" || before.includes(from), `"${mutation.name}": "${from}" is not in ${file}`);
    files[file] = from === "" ? before + to : before.replace(from, () => to);
  }
  return files;
}

async function inFolder<Result>(work: (root: string) => Promise<Result>): Promise<Result> {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "pivot-fingerprint-" }));
  try {
    return await work(root);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

const base = await inFolder(async (root) => {
  writeFiles(root, PROJECT);
  return { digests: await digests(root), results: await results(root) };
});

Deno.test("the table has at least 80 mutations, about half of each kind", () => {
  assert.ok(CHANGING.length + KEEPING.length >= 80);
  assert.ok(Math.abs(CHANGING.length - KEEPING.length) <= 10);
});

for (const mutation of [...CHANGING, ...KEEPING]) {
  const what = mutation.changes.length === 0 ? "no stage changes" : `${mutation.changes.join(", ")} change`;
  Deno.test(`${mutation.name}: ${what}`, () =>
    inFolder(async (root) => {
      writeFiles(root, mutate(mutation));
      const now = await digests(root);
      assert.deepEqual(
        STAGES.filter((stage) => now[stage] !== base.digests[stage]).sort(),
        [...mutation.changes].sort(),
      );
      if (mutation.proof === false) return;
      const ran = await results(root);
      assert.deepEqual(
        STAGES.filter((stage) => ran[stage] !== base.results[stage]).sort(),
        [...mutation.changes].sort(),
      );
    }));
}

Deno.test("a formatting run changes no stage", () =>
  inFolder(async (root) => {
    writeFiles(root, PROJECT);
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [
        "fmt",
        "--quiet",
        "--line-width",
        "40",
        "--use-tabs",
        "--single-quote",
        "--no-semicolons",
        `${root}/lib`,
        `${root}/pivot.ts`,
      ],
    }).output();
    assert.equal(code, 0);
    assert.notEqual(Deno.readTextFileSync(`${root}/pivot.ts`), PROJECT["pivot.ts"]);
    assert.deepEqual(await digests(root), base.digests);
  }));

Deno.test("a syntax error is told with its place and touches only the stages that reach it", () =>
  inFolder(async (root) => {
    writeFiles(root, { ...PROJECT, "lib/kinds.ts": "export const kinds = {\n  square: }\n" });
    const found = await fingerprints(root);
    const broken = found.get("shapes");
    assert.ok(broken instanceof PivotError);
    assert.equal(broken.code, "syntax-error");
    assert.equal(broken.exitCode, 3);
    assert.deepEqual([broken.spot?.file, broken.spot?.line], ["lib/kinds.ts", 2]);
    for (const stage of STAGES) {
      if (stage === "shapes") continue;
      const code = found.get(stage);
      assert.ok(code !== undefined && !(code instanceof PivotError));
      assert.equal(code.digest, base.digests[stage]);
    }
  }));

Deno.test("a package that a stage reaches counts by version, integrity and what it depends on", () =>
  inFolder(async (root) => {
    const using = (PROJECT["pivot.ts"] ?? "").replace("import price", 'import { red } from "colours";\nimport price')
      .replace("run: () => ready }", "run: () => red + ready }");
    const lock = PROJECT["deno.lock"] ?? "";
    const variants = [
      lock,
      lock.replace("sha512-aaa", "sha512-new"),
      lock.replace("sha512-bbb", "sha512-new"),
      lock.replaceAll("1.2.0", "1.3.0"),
    ];
    const seen: string[] = [];
    for (const text of variants) {
      writeFiles(root, { ...PROJECT, "pivot.ts": using, "deno.lock": text });
      const now = await digests(root);
      seen.push(now.late ?? "");
      assert.equal(now.prices, base.digests.prices);
    }
    assert.equal(new Set(seen).size, variants.length);
  }));

Deno.test("eval and a computed import widen, and say so", () =>
  inFolder(async (root) => {
    writeFiles(root, {
      ...PROJECT,
      "lib/late.ts": 'export const ready = eval("1") as string;\nexport const other = 1;\n',
    });
    const before = await fingerprints(root, ["late"]);
    writeFiles(root, { "lib/late.ts": 'export const ready = eval("1") as string;\nexport const other = 2;\n' });
    const after = await fingerprints(root, ["late"]);
    const [one, two] = [before.get("late"), after.get("late")];
    assert.ok(one !== undefined && two !== undefined && !(one instanceof PivotError) && !(two instanceof PivotError));
    assert.notEqual(one.digest, two.digest);
    assert.match(one.warnings.join("\n"), /eval.*whole module/);
  }));

Deno.test("jsr: and https: packages count by the lock, without one by their requirements and with a warning", () =>
  inFolder(async (root) => {
    const using = (PROJECT["pivot.ts"] ?? "").replace(
      "import price",
      'import { a } from "jsr:@scope/a@^1";\nimport { b } from "https://example.com/b.ts";\nimport price',
    )
      .replace("run: () => ready }", "run: () => a + b + ready }");
    const lock = (version: string, integrity: string, remote: string) =>
      JSON.stringify({
        version: "5",
        specifiers: { "jsr:@scope/a@^1": version },
        jsr: { [`@scope/a@${version}`]: { integrity } },
        remote: { "https://example.com/b.ts": remote },
      });
    const seen = new Set<string>();
    for (
      const text of [lock("1.0.0", "i", "r"), lock("1.1.0", "i", "r"), lock("1.0.0", "j", "r"), lock("1.0.0", "i", "s")]
    ) {
      writeFiles(root, { ...PROJECT, "pivot.ts": using, "deno.lock": text });
      seen.add((await digests(root, ["late"])).late ?? "");
    }
    assert.equal(seen.size, 4);
    Deno.removeSync(`${root}/deno.lock`);
    const code = (await fingerprints(root, ["late"])).get("late");
    assert.ok(code !== undefined && !(code instanceof PivotError));
    assert.ok(Object.keys(code.symbols).includes("jsr:@scope/a@^1"));
    assert.match(code.warnings.join("\n"), /no deno\.lock/);
  }));

Deno.test("Deno's minor version counts only where the project asks for it", () =>
  inFolder(async (root) => {
    writeFiles(root, PROJECT);
    const ask = async (runtime: boolean) => {
      const fingerprinter = createFingerprinter({
        projectRoot: root,
        index: memoryIndex(),
        store: memoryStore(),
        runtime,
      });
      await fingerprinter.prepare([specOf("save"), specOf("late")]);
      return [fingerprinter.codeOf(specOf("save")), fingerprinter.codeOf(specOf("late"))].map((code) =>
        Object.keys(code.symbols).filter((key) => key.startsWith("runtime:"))
      );
    };
    assert.deepEqual(await ask(false), [[], []]);
    // `save` reads and writes files through Deno; `late` does not.
    assert.deepEqual(await ask(true), [[`runtime:deno ${Deno.version.deno.split(".").slice(0, 2).join(".")}`], []]);
  }));
