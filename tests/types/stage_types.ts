// Compile errors that users rely on. Checked by types_test.ts: an error that disappears makes its
// `@ts-expect-error` an error, and so does a valid declaration that stops compiling.

import { csv, dep, json, out, path, stage, text } from "../../lib/pipeline/mod.ts";

const prepare = stage({
  deps: { raw: dep("raw.csv", csv()) },
  outs: { clean: out("clean.csv", csv()) },
  params: { threshold: 0.5 },
  run: ({ raw }, { params }) => ({ clean: raw.filter((row) => Number(row.score) > params.threshold) }),
});

export const good = stage({
  deps: { clean: prepare.outs.clean },
  outs: { model: out("m.json", json<{ size: number }>()), picture: out("p.png", path()) },
  run: ({ clean }, { outs }) => {
    Deno.writeTextFileSync(outs.picture, "");
    return { model: { size: clean.length } };
  },
});
export const single = stage({ deps: { a: dep("a", text()) }, outs: out("u", text()), run: ({ a }) => a.toUpperCase() });
export const nothingReturned = stage({
  outs: { p: out("p.png") },
  run: async (_, { outs }) => await Deno.writeTextFile(outs.p, ""),
});
export const onlyThrows = stage({
  outs: { a: out("a", text()) },
  run: () => {
    throw new Error("no");
  },
});
export const unknownShape = stage({ outs: { a: out("a", text()) }, run: () => JSON.parse("{}") });
export const folder = stage({ outs: { d: out("d/", text()) }, run: () => ({ d: { "a.txt": "1" } }) });

export const wrongDependency = stage({
  deps: { raw: dep("raw.csv", csv()) },
  outs: { o: out("o", text()) },
  // @ts-expect-error: no dependency is called `row`
  run: ({ row }) => ({ o: String(row) }),
});
export const wrongOutputOfStage = stage({
  // @ts-expect-error: prepare has no output `dirty`
  deps: { clean: prepare.outs.dirty },
  outs: { o: out("o", text()) },
  run: () => ({ o: "" }),
});
// @ts-expect-error: `b` is not returned
export const missingOutput = stage({
  outs: { a: out("a", text()), b: out("b", text()) },
  run: () => ({ a: "" }),
});
// @ts-expect-error: a text is wanted
export const wrongValue = stage({
  outs: { a: out("a", text()) },
  run: () => ({ a: 1 }),
});
// @ts-expect-error: a text is wanted
export const wrongSingleValue = stage({
  outs: out("a", text()),
  run: () => 1,
});
export const extraOutput = stage({
  outs: { a: out("a", text()) },
  // @ts-expect-error: `b` is not declared
  run: () => ({ a: "", b: "" }),
});
export const unknownParameter = stage({
  outs: { a: out("a", text()) },
  params: { rate: 1 },
  // @ts-expect-error: no parameter is called `rat`
  run: (_, { params }) => ({ a: String(params.rat) }),
});
// @ts-expect-error: a folder is a map of files
export const wrongFolder = stage({
  outs: { d: out("d/", text()) },
  run: () => ({ d: "text" }),
});
// @ts-expect-error: neither run, cmd nor task
export const nothing = stage({ outs: { a: out("a", text()) } });
// @ts-expect-error: an empty command starts nothing
export const emptyCommand = stage({ cmd: [], outs: { a: out("a") } });
