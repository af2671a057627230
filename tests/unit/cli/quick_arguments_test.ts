// The short way through the command line says what the parser says.

import assert from "node:assert/strict";
import fc from "fast-check";
import { parseArguments } from "../../../lib/cli/parse_arguments.ts";
import { quickArguments } from "../../../lib/cli/quick_arguments.ts";
import type { Terminal } from "../../../lib/cli/terminal.ts";

const silent: Terminal = {
  out: () => {},
  bytes: () => {},
  note: () => {},
  draw: () => {},
  style: (_style, text) => text,
  live: false,
  width: 80,
};

const WORDS =
  ("--only -k --keep-going -f --force -n --dry-run --explain --check --no-commit --no-wait --pull --push -w --watch " +
    "--no-gitignore -q --quiet --json --jsonl -j --jobs --jobs=2 2 -S --set --set=a.b=1 a.b=1 --checkout-mode copy --help -h --version " +
    "-V -- - -kf help run status train train@* out/a.txt ./a /abs * ü {a} @x _x .x --nope --Only completions version")
    .split(" ");

Deno.test("every flag by itself, and none, is understood without the parser as by it", () => {
  for (const command of ["run", "status"]) {
    for (const words of [[], ...WORDS.map((word) => [word])]) {
      const quick = quickArguments([command, ...words]);
      if (quick !== undefined) assert.deepEqual(quick, parseArguments([command, ...words], silent), words.join(" "));
    }
  }
  assert.deepEqual(quickArguments(["run", "-k", "a"]), parseArguments(["run", "a", "--keep-going"], silent));
  assert.notEqual(quickArguments(["run"]), undefined);
  assert.notEqual(quickArguments(["status", "--json"]), undefined);
  for (const args of [[], ["run", "--help"], ["help", "run"], ["list"], ["run", "--jobs", "2"], ["run", "-k", "-k"]]) {
    assert.equal(quickArguments(args), undefined, args.join(" "));
  }
});

Deno.test("property: whatever is typed, the short way says what the parser says or leaves it to the parser", () => {
  const word = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...WORDS) }, { weight: 1, arbitrary: fc.string() });
  fc.assert(
    fc.property(fc.constantFrom("run", "status"), fc.array(word, { maxLength: 5 }), (command, words) => {
      const quick = quickArguments([command, ...words]);
      if (quick !== undefined) assert.deepEqual(quick, parseArguments([command, ...words], silent));
    }),
    { numRuns: 600 },
  );
});
