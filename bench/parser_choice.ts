// Why @babel/parser: what each candidate takes to load and to parse generated TypeScript for the first time, in a process of its
// own, as the first command after an edit meets it. Only @babel/parser is a dependency; the others take part where Deno's cache has
// them (`deno cache npm:typescript@^6 npm:acorn npm:oxc-parser`), and are told as skipped elsewhere. Nothing is fetched.

import { median, ms, report, scratch, SMALL } from "./support.ts";

interface Candidate {
  readonly name: string;
  readonly specifier: string;
  /** Parses `text` with the imported `module`. */
  readonly parse: string;
  /** What speaks for it or against it besides time. */
  readonly about: string;
}

const CANDIDATES: readonly Candidate[] = [
  {
    name: "@babel/parser",
    specifier: "npm:@babel/parser@^7.28",
    parse: `module.parse(text, { sourceType: "module", plugins: ["typescript"] })`,
    about: "pure JavaScript, the whole syntax, no permission, works compiled",
  },
  {
    name: "typescript",
    specifier: "npm:typescript@^6",
    parse: `(module.default ?? module).createSourceFile("a.ts", text, 99, true)`,
    about: "pure JavaScript, the whole syntax; the largest to load",
  },
  {
    name: "acorn",
    specifier: "npm:acorn",
    parse: `module.parse(text, { ecmaVersion: "latest", sourceType: "module" })`,
    about: "pure JavaScript; no TypeScript without a plugin, so it gets the text without types",
  },
  {
    name: "oxc-parser",
    specifier: "npm:oxc-parser",
    parse: `JSON.stringify(module.parseSync("a.ts", text).program).length`,
    about: "native: needs --allow-ffi, a package per platform, and cannot be compiled in",
  },
];

const LINES = SMALL ? 600 : 20_000;
const RUNS = SMALL ? 1 : 5;

/** Modules of functions, classes and types as people write them. */
function generated(lines: number, types: boolean): string {
  const typed = (text: string) => types ? text : "";
  const blocks: string[] = [];
  for (let at = 0; blocks.length * 5 < lines; at++) {
    blocks.push(
      types
        ? `export interface Row${at} {\n  readonly id: string;\n  readonly score: number;\n}`
        : `// Row ${at}\n\n\n`,
      `/** Scores rows. */\nexport function score${at}(rows${typed(`: readonly Row${at}[]`)})${typed(": number")} {\n` +
        `  const kept = rows.filter(({ id, score }) => id !== "" && score > ${at} / 7);\n` +
        "  return kept.reduce((sum, { score }) => sum + score ** 2, 0) / Math.max(1, kept.length);\n}",
      `export class Model${at} {\n  weights${typed(": number[]")} = [];\n` +
        `  predict(row${typed(`: Row${at}`)})${typed(": string")} {\n` +
        `    return \`\${row.id}: \${this.weights.at(-1) ?? ${at}}\`;\n  }\n}`,
    );
  }
  return blocks.join("\n\n").split("\n").slice(0, lines).join("\n").replace(/\n[^\n]*$/, "");
}

/** Whole declarations only: what was cut off at the end goes. */
function whole(text: string): string {
  return text.slice(0, text.lastIndexOf("\n}\n") + 3);
}

using folder = scratch();
Deno.writeTextFileSync(`${folder.path}/typed.txt`, whole(generated(LINES, true)));
Deno.writeTextFileSync(`${folder.path}/plain.txt`, whole(generated(LINES, false)));
const text = Deno.readTextFileSync(`${folder.path}/typed.txt`);
report(
  `${text.split("\n").length} lines of TypeScript`,
  `${(text.length / 1000).toFixed(0)} kB`,
  "load + first parse, each in a process of its own",
);

for (const { name, specifier, parse, about } of CANDIDATES) {
  const script = `${folder.path}/${name.replace("/", "_")}.js`;
  Deno.writeTextFileSync(
    script,
    `const text = Deno.readTextFileSync("${name === "acorn" ? "plain" : "typed"}.txt");
const start = performance.now();
const module = await import(${JSON.stringify(specifier)});
const loaded = performance.now();
${parse};
console.log(JSON.stringify([loaded - start, performance.now() - loaded]));\n`,
  );
  const found: (readonly [load: number, parse: number])[] = [];
  let problem = "";
  // One more than is counted: the first compiles.
  for (let run = 0; run <= RUNS && problem === ""; run++) {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", "--no-lock", "--cached-only", "--quiet", script],
      cwd: folder.path,
      env: { NO_COLOR: "1" },
    }).output();
    if (success) found.push(JSON.parse(new TextDecoder().decode(stdout)));
    else problem = new TextDecoder().decode(stderr).trim().split("\n")[0] ?? "unknown";
  }
  if (problem !== "") {
    if (name === "@babel/parser") throw new Error(`@babel/parser, which Pivot uses, did not run: ${problem}`);
    report(name, "skipped", `no dependency of Pivot, and it does not run from Deno's cache: ${problem.slice(0, 100)}`);
    continue;
  }
  const counted = found.slice(1);
  const middle = (at: 0 | 1) => median(counted.map((each) => each[at]).sort((a, b) => a - b));
  report(name, ms(middle(0) + middle(1)), `load ${ms(middle(0))}, parse ${ms(middle(1))}; ${about}`);
}
