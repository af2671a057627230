// The table: one edit per row, and the stages whose code it changes. `proof: false` = the edit cannot be seen by running here.

/** One edit. */
export interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Stages that must change; none for edits that mean nothing. */
  readonly changes: readonly string[];
  readonly proof?: false;
  /** Further edits that belong to it. */
  readonly also?: readonly (readonly [file: string, from: string, to: string])[];
}

/** Appends to a file. */
const END = "";

const m = (
  name: string,
  [file, from, to]: readonly [string, string, string],
  changes: readonly string[],
  more: Pick<Mutation, "proof" | "also"> = {},
): Mutation => ({ name, file, from, to, changes, ...more });

/** Edits that change what stages do. */
export const CHANGING: readonly Mutation[] = [
  m("a constant three modules away", ["lib/deeper.ts", "BASE = 10", "BASE = 12"], ["clean"]),
  m("a helper two modules away", ["lib/deep.ts", "value * BASE", "value - BASE"], ["clean"]),
  m("a changed default argument", ["lib/numbers.ts", "factor = 2", "factor = 3"], ["clean"]),
  m("a constant declared after its use", ["lib/numbers.ts", "offset = 1", "offset = 4"], ["clean"]),
  m("the shadowing local itself", ["lib/deep.ts", "const helper = 1;", "const helper = 5;"], ["clean"]),
  m("a callback in the stage", ["pivot.ts", "norm(value)) })", "norm(value + 1)) })"], ["clean"]),
  m("an array literal in the stage", ["pivot.ts", "[1, 2, 3] as Row[]", "[1, 2] as Row[]"], ["clean"]),
  m("an import renamed to another export", ["pivot.ts", "normalise as norm", "separated as norm"], ["clean"], {
    also: [[
      "lib/numbers.ts",
      "export const separate = 9;",
      "export const separate = 9;\nexport function separated(value: number) { return value + 100; }",
    ]],
  }),
  m(
    "a re-export pointed elsewhere",
    ["lib/barrel.ts", 'export * from "./numbers.ts";', 'export { changed as normalise } from "./unused.ts";'],
    ["clean"],
    {
      also: [[
        "lib/unused.ts",
        "export function unused",
        "export const changed = (value: number) => -value;\nexport function unused",
      ]],
    },
  ),
  m("a local declaration that takes precedence over export *", [
    "lib/barrel.ts",
    "export { unused }",
    "export const normalise = (value: number) => value * 1000;\nexport { unused }",
  ], ["clean"]),
  m("object data in another module", ["lib/kinds.ts", "square: { factor: 1 }", "square: { factor: 4 }"], ["shapes"]),
  m("an enum member", ["lib/shapes.ts", "Metre = 1,", "Metre = 2,"], ["shapes"]),
  m("one of two functions that call each other", ["lib/shapes.ts", "first(depth) + 1", "first(depth) + 2"], ["shapes"]),
  m("the end of their recursion", ["lib/shapes.ts", ": 0.5", ": 0.75"], ["shapes"]),
  m("a member of a namespace import", ["lib/maths.ts", "value * value", "value + value + 1"], ["shapes"]),
  m("an operator in the stage", ["pivot.ts", "area(3) + maths.square(2)", "area(3) - maths.square(2)"], ["shapes"]),
  m("a computed namespace member widens to the whole module", [
    "pivot.ts",
    "maths.square(2)",
    'maths[("cu" + "be") as "cube"](2)',
  ], ["shapes"]),
  m("a JSON import", ["data/table.json", "Weather", "Climate"], ["report"]),
  m("an import map target switched", ["deno.json", "./settings/a/", "./settings/b/"], ["report"]),
  m("a constant behind the import map", ["settings/a/mod.ts", '"fast"', '"faster"'], ["report"]),
  m("a string in the stage", ["pivot.ts", 'table.title + " "', 'table.title + "-"'], ["report"]),
  m("a method of the base class in another file", ["lib/parent.ts", '"hello "', '"goodbye "'], ["objects"]),
  m("a private field", ["lib/classes.ts", '#mark = "!"', '#mark = "?"'], ["objects"]),
  m("a getter", ["lib/classes.ts", "return this.#mark;", 'return this.#mark + ".";'], ["objects"]),
  m("a static field", ["lib/classes.ts", 'kind = "child"', 'kind = "kid"'], ["objects"]),
  m("a static block", ["lib/classes.ts", "get mark()", 'static { Child.kind = "block"; }\n  get mark()'], ["objects"]),
  m("a decorator", ["lib/classes.ts", "override greet()", "@loud\n  override greet()"], ["objects"], {
    also: [[
      "lib/classes.ts",
      "export class Child",
      "function loud(method: (this: Child) => string, _context: unknown) {\n  return function (this: Child) { return method.call(this).toUpperCase(); };\n}\nexport class Child",
    ]],
  }),
  m("prototype patching at the top level of a module nobody names", [
    "lib/plugins.ts",
    'console.log("loaded");',
    'import { Parent } from "./parent.ts";\nParent.prototype.greet = () => "patched ";',
  ], ["objects"]),
  m("an argument in the constructor call", ["pivot.ts", 'new Child("ann")', 'new Child("bob")'], ["objects"]),
  m("a registration in a module imported for its effects", [
    "lib/plugins.ts",
    'register("second")',
    'register("third")',
  ], ["plugins"]),
  m("the order of registrations", [
    "lib/plugins.ts",
    'register("first");\nregister("second");',
    'register("second");\nregister("first");',
  ], ["plugins"]),
  m("a registration more", ["lib/plugins.ts", 'register("second");', 'register("second");\nregister("more");'], [
    "plugins",
  ]),
  m("how registering works", ["lib/registry.ts", "registry.push(name)", "registry.unshift(name)"], ["plugins"]),
  m("the registry's first content", ["lib/registry.ts", "string[] = []", 'string[] = ["zero"]'], ["plugins"]),
  m("a module-level let", ["lib/prices.ts", "rate = 1.5", "rate = 2.5"], ["prices"]),
  m("a module-level let mutated elsewhere at the top level", [
    "lib/plugins.ts",
    'console.log("loaded");',
    'import { setRate } from "./prices.ts";\nsetRate(9);',
  ], ["prices"]),
  m("a default export", ["lib/prices.ts", "return value * rate", "return value + rate"], ["prices"]),
  m("a destructured declaration", ["lib/prices.ts", 'currency: "EUR"', 'currency: "USD"'], ["prices"]),
  m("a lambda inside the stage", ["pivot.ts", "Math.round(value * 10) / 10", "Math.ceil(value) + 0.5"], ["prices"]),
  m("a top-level await", ["lib/late.ts", 'resolve("ready")', 'resolve("set")'], ["late"]),
  m("a lambda in an object literal", ["lib/words.ts", '"ex"', '"eks"'], ["words"]),
  m("a tagged template's text", ["pivot.ts", "tag`a${1}b`", "tag`a${1}c`"], ["words"]),
  m("the tag function", ["lib/words.ts", 'join("|")', 'join("/")'], ["words"]),
  m("a resource that a stage is using", ["lib/held.ts", '"open"', '"ajar"'], ["words"]),
  m("a module in a cycle of modules", ["lib/odd.ts", "isEven(value - 1)", "isEven(value - 1) + 1"], ["words"]),
  m("the other module of the cycle", ["lib/even.ts", '"even"', '"EVEN"'], ["words"]),
  m("a regular expression", ["pivot.ts", "/an/g", "/a/g"], ["words"]),
  m("a loader's save", ["pivot.ts", 'value.join("\\n")', 'value.join(";") + "."'], ["save"]),
  m(
    "an option of a built-in loader",
    ["pivot.ts", 'out("rows.json", json<number[]>())', 'out("rows.json", json<number[]>({ indent: 0 }))'],
    ["clean", "shapes"],
    { proof: false },
  ),
  m(
    "a stage bound to another function under the same name",
    ["pivot.ts", "run: () => ready }", "run: () => ready + other() }"],
    ["late"],
    {
      also: [["pivot.ts", "const lines = loader", 'function other() { return "?"; }\nconst lines = loader']],
    },
  ),
  m("swapped import bindings", ["pivot.ts", "import { pick, tag } from", "import { pick as tag, tag as pick } from"], [
    "words",
  ], { proof: false }),
  m("an array mutated at the top level of its own module", ["lib/kinds.ts", END, "kinds.square.factor = 8;\n"], [
    "shapes",
  ]),
  m(
    "a global changed while a module is evaluated counts for all",
    ["lib/plugins.ts", 'console.log("loaded");', 'globalThis.name = "x";'],
    ["clean", "shapes", "report", "objects", "plugins", "prices", "late", "words", "save"],
    { proof: false },
  ),
];

/** Edits that change nothing. */
export const KEEPING: readonly Mutation[] = [
  m("a line comment", ["lib/deep.ts", "const helper = 1;", "const helper = 1; // one"], []),
  m("a doc comment", ["lib/numbers.ts", "/** Scales. */", "/** Scales values, and adds. */"], []),
  m("a comment before a stage", ["pivot.ts", "/** Cleans rows. */", "/* other words */"], []),
  m("a block comment inside an expression", ["lib/maths.ts", "value * value", "value /* times */ * value"], []),
  m("a type alias", ["lib/types.ts", "Row = number", "Row = number | bigint"], []),
  m("an interface member", ["lib/types.ts", "readonly a: number", "readonly a: string; readonly b?: number"], []),
  m("a parameter's type", ["lib/numbers.ts", "value: number, factor", "value: number & {}, factor"], []),
  m("a return type", ["lib/shapes.ts", "function area(side: number): number", "function area(side: number)"], []),
  m("a type assertion", ["pivot.ts", "[1, 2, 3] as Row[]", "[1, 2, 3] as unknown as Row[]"], []),
  m("satisfies", [
    "lib/kinds.ts",
    "circle: { factor: 3 } };",
    "circle: { factor: 3 } } satisfies Record<string, { factor: number }>;",
  ], []),
  m("a non-null assertion", ["lib/words.ts", "table[key]?.()", "table[key]?.()!"], []),
  m("a type parameter", ["lib/maths.ts", "square = (value: number)", "square = <T>(value: number)"], []),
  m(
    "a type-only import",
    ["lib/maths.ts", END, 'import type { Wide } from "./types.ts";\nexport type Again = Wide;\n'],
    [],
  ),
  m("an inline type import", ["lib/deep.ts", "import { BASE }", "import { type Nothing, BASE }"], [], {
    also: [["lib/deeper.ts", END, "export type Nothing = never;\n"]],
  }),
  m("an overload signature", [
    "lib/maths.ts",
    END,
    "export function twice(a: number): number;\nexport function twice(a: number): number { return a * 2; }\n",
  ], []),
  m("a declared global", ["lib/shapes.ts", END, "declare const somewhere: string;\n"], []),
  m("an accessibility modifier", ["lib/parent.ts", "greet(): string", "public greet(): string"], []),
  m("readonly on a parameter property", ["lib/parent.ts", "protected readonly name", "public name"], []),
  m("single quotes", ["lib/parent.ts", '"hello "', "'hello '"], []),
  m("semicolons left out", ["lib/deeper.ts", "BASE = 10;", "BASE = 10"], []),
  m(
    "redundant parentheses",
    ["lib/deep.ts", "return value * BASE + helper;", "return ((value * BASE) + (helper));"],
    [],
  ),
  m("a trailing comma", ["lib/kinds.ts", "circle: { factor: 3 } };", "circle: { factor: 3, }, };"], []),
  m("a quoted key", ["lib/kinds.ts", "square: {", '"square": {'], []),
  m("a number in another notation", ["lib/deeper.ts", "BASE = 10", "BASE = 0xa"], []),
  m("a string with an escape", ["lib/late.ts", '"ready"', '"re\\u0061dy"'], []),
  m("white space", ["lib/registry.ts", "registry.push(name);", "\n    registry . push ( name ) ;\n"], []),
  m("an empty statement", ["lib/maths.ts", END, ";;\n"], []),
  m("a new unused helper in the same file", [
    "lib/numbers.ts",
    END,
    "export function fresh(): number { return offset; }\n",
  ], []),
  m("a new unused constant before all others", [
    "lib/deep.ts",
    "export function scale",
    "const before = 3;\nexport function scale",
  ], []),
  m("an unused export changed", ["lib/deeper.ts", "OTHER = 11", "OTHER = 12"], []),
  m("a function whose name a local shadows", ["lib/deep.ts", "return 77", "return 78"], []),
  m("an unused sibling behind a namespace", ["lib/maths.ts", "value ** 3", "value ** 4"], []),
  m("an unused re-export", ["lib/unused.ts", '"unused"', '"still unused"'], []),
  m("the order of declarations", [
    "lib/deeper.ts",
    "export const BASE = 10;\nexport const OTHER = 11;",
    "export const OTHER = 11;\nexport const BASE = 10;",
  ], []),
  m("functions moved within a file", ["lib/shapes.ts", "enum Unit { Metre = 1, Mile = 1609 }\n", ""], [], {
    also: [["lib/shapes.ts", END, "enum Unit { Metre = 1, Mile = 1609 }\n"]],
  }),
  m("imports in another order", [
    "pivot.ts",
    'import { area } from "./lib/shapes.ts";\nimport * as maths from "./lib/maths.ts";',
    'import * as maths from "./lib/maths.ts";\nimport { area } from "./lib/shapes.ts";',
  ], []),
  m("names within an import in another order", ["pivot.ts", "{ pick, tag }", "{ tag, pick }"], []),
  m("an unused import", [
    "lib/maths.ts",
    "export const square",
    'import { BASE } from "./deeper.ts";\nexport const square',
  ], []),
  m("another file in the folder", ["lib/brand-new.ts", END, "export const nothing = 1;\n"], []),
  m("a file that nobody imports any more exists differently", ["settings/b/mod.ts", '"slow"', '"slower"'], []),
  m("a path of an output", ["pivot.ts", 'out("late.txt"', 'out("later.txt"'], []),
  m("a parameter's default", ["pivot.ts", "limit: 3", "limit: 4"], []),
  m("a timeout", ["pivot.ts", '"5m"', '"6m"'], []),
  m("another import map entry", ["deno.json", '"colours"', '"shades": "./nowhere/", "colours"'], []),
  m("a task in deno.json", ["deno.json", '"imports"', '"tasks": { "a": "echo" }, "imports"'], []),
  m("a package that no stage reaches, upgraded in the lock", ["deno.lock", "sha512-ccc", "sha512-ddd"], []),
  m("a type in a module of the cycle", ["lib/odd.ts", "value: number", "value: 0 | number"], []),
  m("an unused export in a module of the cycle", ["lib/odd.ts", END, "export const unusedHere = isEven(0);\n"], []),
  m("console output while a module is evaluated", ["lib/plugins.ts", '"loaded"', '"loaded all"'], []),
];
