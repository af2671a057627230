// `deno task demo`: makes the example, runs it, runs it again, changes one constant, and shows what that touches.

import { main } from "./main.ts";
import { removeTree, writeDurable } from "../sys/mod.ts";
import { systemTerminal } from "./terminal.ts";

const CONSTANT = /HOT_DAY = \d+/;

/** Runs the demonstration in `folder`, which is made anew. @returns The exit code. */
export async function demo(folder: string): Promise<number> {
  const terminal = systemTerminal({ noColor: false, plain: true });
  const title = (text: string) => terminal.out(`\n${terminal.style("strong", text)}`);
  const start = Deno.cwd();
  removeTree(folder);
  title(`1. pivot init --example ${folder}`);
  const steps: [string, () => Promise<number>][] = [
    ["2. pivot track notes/station.md: data that no stage makes", () => main(["track", "notes/station.md"])],
    ["3. pivot run: everything runs", () => main(["run"])],
    ["4. pivot run: nothing changed, nothing runs", () => main(["run"])],
    ["5. HOT_DAY in stages/monthly.ts changes: pivot status --explain", () => {
      changeConstant(28);
      return main(["status", "--explain"]);
    }],
    ["6. pivot run: what the constant touches runs", () => main(["run"])],
    ["7. HOT_DAY is what it was: pivot run brings the old results back from the cache", () => {
      changeConstant(25);
      return main(["run"]);
    }],
    ["8. pivot metrics show", () => main(["metrics", "show"])],
    ["9. pivot history", () => main(["history"])],
  ];
  let code = await main(["init", "--example", folder]);
  Deno.chdir(folder);
  try {
    for (const [text, step] of steps) {
      if (code !== 0) return code;
      title(text);
      code = await step();
    }
  } finally {
    Deno.chdir(start);
  }
  title(`Look around: cd ${folder} && deno task pivot dag, or plots show --open`);
  return code;
}

function changeConstant(value: number): void {
  const file = "stages/monthly.ts";
  writeDurable(file, Deno.readTextFileSync(file).replace(CONSTANT, `HOT_DAY = ${value}`));
}

if (import.meta.main) Deno.exit(await demo(Deno.args[0] ?? "demo"));
