// A small realistic project in memory, and what is needed to fingerprint and to run mutated copies of it.

import {
  type Digest,
  type FileIndex,
  type IndexedFile,
  PivotError,
  type RelPath,
  type StageName,
} from "../../../lib/core/mod.ts";
import { createFingerprinter } from "../../../lib/fingerprint/mod.ts";
import type { AnalysisStore, StageCode } from "../../../lib/fingerprint/mod.ts";
import type { StageSpec } from "../../../lib/pipeline/mod.ts";

const PIVOT = new URL("../../../mod.ts", import.meta.url).href;

/** File texts by path. */
export type Files = Readonly<Record<string, string>>;

/** The stages of the project, by what they depend on. */
export const STAGES = ["clean", "shapes", "report", "objects", "plugins", "prices", "late", "words", "save"] as const;

/** The project that is mutated. */
export const PROJECT: Files = {
  "deno.json": JSON.stringify(
    { imports: { "@pivot/pivot": PIVOT, "settings/": "./settings/a/", "colours": "npm:colours@^1.0.0" } },
    null,
    2,
  ),
  "deno.lock": JSON.stringify({
    version: "5",
    specifiers: { "npm:colours@^1.0.0": "1.2.0", "npm:other@1": "1.0.0" },
    npm: {
      "colours@1.2.0": { integrity: "sha512-aaa", dependencies: ["paint"] },
      "paint@3.0.0": { integrity: "sha512-bbb" },
      "other@1.0.0": { integrity: "sha512-ccc" },
    },
  }),
  "pivot.ts": `import { dep, json, loader, out, stage, text } from "@pivot/pivot";
import { normalise as norm, type Row } from "./lib/barrel.ts";
import { area } from "./lib/shapes.ts";
import * as maths from "./lib/maths.ts";
import table from "./data/table.json" with { type: "json" };
import { mode } from "settings/mod.ts";
import { names } from "./lib/registry.ts";
import "./lib/plugins.ts";
import { Child } from "./lib/classes.ts";
import price, { currency } from "./lib/prices.ts";
import { ready } from "./lib/late.ts";
import { pick, tag } from "./lib/words.ts";
import { held } from "./lib/held.ts";
import { isEven } from "./lib/even.ts";

const lines = loader<string[]>({
  name: "lines",
  load: async (path) => (await Deno.readTextFile(path)).split("\\n"),
  save: (value, path) => Deno.writeTextFile(path, value.join("\\n")),
});

/** Cleans rows. */
export const clean = stage({
  outs: { rows: out("rows.json", json<number[]>()) },
  params: { limit: 3 },
  run: () => ({ rows: ([1, 2, 3] as Row[]).map((value) => norm(value)) }),
});

export const shapes = stage({
  deps: { rows: clean.outs.rows },
  outs: out("shapes.txt", text()),
  run: () => String(area(3) + maths.square(2)),
});

export const report = stage({
  outs: out("report.txt", text()),
  timeout: "5m",
  run: () => table.title + " " + mode,
});

export const objects = stage({ outs: out("objects.txt", text()), run: () => new Child("ann").greet() });

export const plugins = stage({ outs: out("plugins.txt", text()), run: () => names().join(",") });

export const prices = stage({
  outs: out("prices.txt", text()),
  run: () => {
    const round = (value: number) => Math.round(value * 10) / 10;
    return currency + round(price(10));
  },
});

export const late = stage({ outs: out("late.txt", text()), run: () => ready });

export const words = stage({
  outs: out("words.txt", text()),
  run: () => tag\`a\${1}b\` + pick("x") + held() + isEven(4) + [..."banana".matchAll(/an/g)].length,
});

export const save = stage({ deps: { rows: dep("rows.json", lines) }, outs: out("save.txt", lines), run: () => ["a"] });
`,
  "lib/barrel.ts": `export * from "./numbers.ts";
export { unused } from "./unused.ts";
export type { Row } from "./types.ts";
`,
  "lib/types.ts": `export type Row = number;
export interface Wide { readonly a: number }
`,
  "lib/numbers.ts": `import { scale } from "./deep.ts";

/** Scales. */
export function normalise(value: number, factor = 2): number {
  return scale(value) * factor + offset;
}
const offset = 1;
export const separate = 9;
`,
  "lib/deep.ts": `import { BASE } from "./deeper.ts";
export function scale(value: number): number {
  const helper = 1;
  return value * BASE + helper;
}
export function helper(): number { return 77; }
`,
  "lib/deeper.ts": `export const BASE = 10;
export const OTHER = 11;
`,
  "lib/unused.ts": `export function unused(): string { return "unused"; }
`,
  "lib/shapes.ts": `import { kinds } from "./kinds.ts";
enum Unit { Metre = 1, Mile = 1609 }
export function area(side: number): number {
  return side * kinds["square"].factor * Unit.Metre + first(side);
}
function first(depth: number): number { return depth > 0 ? second(depth - 1) : 0.5; }
function second(depth: number): number { return first(depth) + 1; }
`,
  "lib/kinds.ts": `export const kinds = { square: { factor: 1 }, circle: { factor: 3 } };
`,
  "lib/maths.ts": `export const square = (value: number) => value * value;
export const cube = (value: number) => value ** 3;
`,
  "data/table.json": `{ "title": "Weather" }
`,
  "settings/a/mod.ts": `export const mode = "fast";
`,
  "settings/b/mod.ts": `export const mode = "slow";
`,
  "lib/registry.ts": `const registry: string[] = [];
export function register(name: string): void { registry.push(name); }
export function names(): readonly string[] { return registry; }
`,
  "lib/plugins.ts": `import { register } from "./registry.ts";
register("first");
register("second");
console.log("loaded");
`,
  "lib/classes.ts": `import { Parent } from "./parent.ts";
export class Child extends Parent {
  #mark = "!";
  static kind = "child";
  get mark(): string { return this.#mark; }
  override greet(): string { return super.greet() + this.mark + Child.kind; }
}
`,
  "lib/parent.ts": `export class Parent {
  constructor(protected readonly name: string) {}
  greet(): string { return "hello " + this.name; }
}
`,
  "lib/prices.ts": `let rate = 1.5;
export function setRate(value: number): void { rate = value; }
export default function price(value: number): number { return value * rate; }
export const { currency, symbol } = { currency: "EUR", symbol: "E" };
`,
  "lib/late.ts": `const value = await Promise.resolve("ready");
export const ready = value;
`,
  "lib/held.ts": `export function held(): string {
  using handle = { state: "open", [Symbol.dispose]() {} };
  return handle.state;
}
`,
  "lib/even.ts": `import { isOdd } from "./odd.ts";
export function isEven(value: number): string { return value === 0 ? "even" : isOdd(value - 1); }
`,
  "lib/odd.ts": `import { isEven } from "./even.ts";
export function isOdd(value: number): string { return value === 0 ? "odd" : isEven(value - 1); }
`,
  "lib/words.ts": `const table: Record<string, () => string> = { x: () => "ex", y: () => "why" };
export function pick(key: string): string { return table[key]?.() ?? "none"; }
export function tag(parts: TemplateStringsArray, ...values: number[]): string { return parts.raw.join("|") + values.length; }
`,
};

/** Remembers in memory. */
export function memoryIndex(): FileIndex & { readonly reads: () => number } {
  const map = new Map<string, IndexedFile>();
  let puts = 0;
  return {
    get: (path) => map.get(path),
    put: (path, file) => {
      puts += 1;
      map.set(path, file);
    },
    delete: (path) => map.delete(path),
    reads: () => puts,
  };
}

/** Keeps analyses in memory. */
export function memoryStore(): AnalysisStore {
  const map = new Map<string, Uint8Array>();
  return { get: (key) => map.get(key), put: (key, value) => map.set(key, value) };
}

/** Writes files below `root`. */
export function writeFiles(root: string, files: Files): void {
  for (const [path, text] of Object.entries(files)) {
    const full = `${root}/${path}`;
    Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(full, text);
  }
}

/** A spec with just what fingerprints look at. */
export function specOf(name: string, more: Partial<StageSpec> = {}): StageSpec {
  return {
    name: name as StageName,
    base: name,
    action: { type: "module", module: "pivot.ts" as RelPath, export: name },
    deps: [],
    outs: [],
    params: {},
    env: [],
    code: [],
    permissions: "inherit",
    mutex: [],
    timeoutMs: 0,
    retries: 0,
    always: false,
    frozen: false,
    after: [],
    spot: { file: "pivot.ts" },
    ...more,
  };
}

/** Fingerprints of stages in a fresh fingerprinter; an error stands as it is. */
export async function fingerprints(
  root: string,
  stages: readonly string[] = STAGES,
): Promise<Map<string, StageCode | PivotError>> {
  const fingerprinter = createFingerprinter({ projectRoot: root, index: memoryIndex(), store: memoryStore() });
  const specs = stages.map((name) => specOf(name));
  await fingerprinter.prepare(specs);
  return new Map(specs.map((spec): [string, StageCode | PivotError] => {
    try {
      return [spec.name, fingerprinter.codeOf(spec)];
    } catch (error) {
      if (error instanceof PivotError) return [spec.name, error];
      throw error;
    }
  }));
}

/** Digests by stage name; throws if one has none. */
export async function digests(root: string, stages: readonly string[] = STAGES): Promise<Record<string, Digest>> {
  const found = await fingerprints(root, stages);
  return Object.fromEntries([...found].map(([name, code]) => {
    if (code instanceof PivotError) throw code;
    return [name, code.digest];
  }));
}

const RUNNER = `const stages = await import("./pivot.ts");
const results = {};
for (const [name, stage] of Object.entries(stages)) {
  const { run, outs } = stage.options;
  const value = await run({}, { params: {}, log() {} });
  const loaders = [outs, ...Object.values(outs)].flatMap((each) => each?.loader ?? []);
  const saved = [];
  for (const loader of loaders) {
    const path = await Deno.makeTempFile();
    await loader.save(value?.rows ?? value, path);
    saved.push(await Deno.readTextFile(path));
  }
  results[name] = [value, saved];
}
console.log("\\n@@" + JSON.stringify(results));
`;

/** Runs every stage of the project in `root` for real. @returns What each made, as JSON text. */
export async function results(root: string): Promise<Record<string, string>> {
  Deno.writeTextFileSync(`${root}/runner.ts`, RUNNER);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "--no-lock", "--quiet", "--config", `${root}/deno.json`, `${root}/runner.ts`],
  }).output();
  const text = new TextDecoder().decode(stdout);
  const at = text.lastIndexOf("\n@@");
  if (at < 0) throw new Error(`the project did not run: ${new TextDecoder().decode(stderr)}`);
  const parsed = JSON.parse(text.slice(at + 3)) as Record<string, unknown>;
  return Object.fromEntries(Object.entries(parsed).map(([name, value]) => [name, JSON.stringify(value)]));
}
