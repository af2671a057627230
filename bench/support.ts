// What the benchmarks share: generated projects, timed commands, ratios.

/** Milliseconds of each of `runs` calls, sorted. */
export async function timed(runs: number, work: () => unknown): Promise<number[]> {
  const found: number[] = [];
  for (let run = 0; run < runs; run++) {
    const start = performance.now();
    await work();
    found.push(performance.now() - start);
  }
  return found.sort((a, b) => a - b);
}

/** The middle of sorted figures. */
export function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** One figure and what it is measured against. */
export function report(name: string, value: string, against = ""): void {
  console.log(`${name.padEnd(52)} ${value.padStart(12)}  ${against}`);
}

/** Milliseconds for a person. */
export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

/** Root of the sources, with a slash at its end. */
export const ROOT: string = decodeURIComponent(new URL("../", import.meta.url).pathname);

/** Runs the command line in `cwd` and fails loudly if it does not end well. */
export async function pivot(cwd: string, ...args: string[]): Promise<string> {
  return await command(cwd, Deno.execPath(), "run", "-A", "--cached-only", `${ROOT}cli.ts`, ...args);
}

/** Runs a program. @returns What it printed. */
export async function command(cwd: string, program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd, env: { NO_COLOR: "1", CI: "1" } })
    .output();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} exited ${code}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** A folder that goes away with the benchmark. */
export function scratch(): { readonly path: string } & Disposable {
  const path = Deno.makeTempDirSync({ prefix: "pivot-bench-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Whether `--small` was given: the same code on less work. */
export const SMALL: boolean = Deno.args.includes("--small");

/** Writes a project of independent function stages with `outs` output files each. */
export function writeProject(root: string, stages: number, outs: number): void {
  Deno.mkdirSync(`${root}/.pivot/stages`, { recursive: true });
  Deno.writeTextFileSync(`${root}/deno.json`, JSON.stringify({ imports: { "@pivot/pivot": `${ROOT}mod.ts` } }));
  Deno.writeTextFileSync(`${root}/input.txt`, "input\n");
  const lines = ['import { dep, out, stage } from "@pivot/pivot";'];
  for (let at = 0; at < stages; at++) {
    const declared = Array.from({ length: outs }, (_, out) => `o${out}: out("out/${at}/${out}.txt")`).join(", ");
    lines.push(
      `export const s${at} = stage({ deps: { i: dep("input.txt") }, outs: { ${declared} }, run: (_d, { outs }) => {`,
      `  for (const path of Object.values(outs)) Deno.writeTextFileSync(path, "${at} " + path);`,
      "} });",
    );
  }
  Deno.writeTextFileSync(`${root}/pivot.ts`, lines.join("\n"));
}
