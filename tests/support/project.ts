// A project in a temporary folder, and the command line run on it as a person would: in a process of its own.

import assert from "node:assert/strict";

/** The repository's root, without a slash at its end. */
export const REPOSITORY: string = decodeURIComponent(new URL("../../", import.meta.url).pathname).replace(/\/$/, "");

/** How a command ended. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A project to try things on. */
export interface TestProject extends Disposable {
  readonly root: string;
  write(path: string, text: string): void;
  read(path: string): string;
  exists(path: string): boolean;
  /** Replaces a text in a file, which must be there. */
  edit(path: string, from: string, to: string): void;
  /** Runs `pivot` to its end. */
  pivot(...args: string[]): Promise<Ended>;
  /** Runs `pivot` and asserts its exit code. */
  expect(code: number, ...args: string[]): Promise<Ended>;
  /** Starts `pivot`; the caller ends it. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Deno.ChildProcess;
  /** Outcomes by stage of a run. */
  run(...args: string[]): Promise<Record<string, string>>;
}

/** Makes a project with these files. */
export function testProject(files: Readonly<Record<string, string>>): TestProject {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "pivot-test-" }));
  Deno.mkdirSync(`${root}/.pivot/stages`, { recursive: true });
  const project: TestProject = {
    root,
    write(path, text) {
      const full = `${root}/${path}`;
      Deno.mkdirSync(full.slice(0, full.lastIndexOf("/")), { recursive: true });
      Deno.writeTextFileSync(full, text);
    },
    read: (path) => Deno.readTextFileSync(`${root}/${path}`),
    exists(path) {
      try {
        Deno.lstatSync(`${root}/${path}`);
        return true;
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return false;
        throw error;
      }
    },
    edit(path, from, to) {
      const text = project.read(path);
      assert.ok(text.includes(from), `"${from}" is not in ${path}`);
      project.write(path, text.replace(from, () => to));
    },
    async pivot(...args) {
      const child = project.start(args);
      const { code, stdout, stderr } = await child.output();
      return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
    },
    async expect(code, ...args) {
      const ended = await project.pivot(...args);
      assert.equal(ended.code, code, `pivot ${args.join(" ")}\n${ended.out}\n${ended.err}`);
      return ended;
    },
    start: (args, env = {}) =>
      new Deno.Command(Deno.execPath(), {
        // As the task does.
        args: ["run", "-A", "--quiet", "--v8-flags=--max-semi-space-size=2", `${REPOSITORY}/cli.ts`, ...args],
        cwd: root,
        env: { NO_COLOR: "1", ...env },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    async run(...args) {
      const { out } = await project.expect(0, "run", "--json", ...args);
      return outcomes(out);
    },
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
  project.write("deno.json", JSON.stringify({ imports: { "@pivot/pivot": `${REPOSITORY}/mod.ts` } }));
  for (const [path, text] of Object.entries(files)) project.write(path, text);
  return project;
}

/** Outcomes by stage from `run --json`. */
export function outcomes(json: string): Record<string, string> {
  const { stages } = JSON.parse(json) as { stages: { stage: string; outcome: string }[] };
  return Object.fromEntries(stages.map(({ stage, outcome }) => [stage, outcome]));
}

/** A pipeline of two stages: `upper` reads a.txt, `twice` reads what upper makes. */
export const TWO_STAGES = {
  "a.txt": "hello",
  "lib/marks.ts": 'export const MARK = "!";\nexport const UNUSED = 1;\n',
  "pivot.ts": `import { dep, out, stage, text } from "@pivot/pivot";
import { MARK } from "./lib/marks.ts";
export const upper = stage({
  deps: { a: dep("a.txt", text()) },
  outs: out("out/upper.txt", text()),
  run: ({ a }) => a.toUpperCase() + MARK,
});
export const twice = stage({
  deps: { upper: upper.outs },
  outs: { twice: out("out/twice.txt", text()) },
  run: ({ upper }) => ({ twice: upper + upper }),
});
`,
} as const;
