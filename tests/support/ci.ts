// `pivot ci` as a person runs it: in a folder that is no pivot project, with a scratch folder of its own.

import assert from "node:assert/strict";
import { type Ended, REPOSITORY } from "./project.ts";

/** A folder with a pipeline. */
export interface CiFolder extends Disposable {
  readonly root: string;
  write(path: string, text: string): void;
  read(path: string): string;
  exists(path: string): boolean;
  /** Runs `pivot ci …` to its end. */
  ci(...args: string[]): Promise<Ended>;
  /** Runs it and asserts the exit code. */
  expect(code: number, ...args: string[]): Promise<Ended>;
  /** Starts it; the caller ends it. */
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Deno.ChildProcess;
}

/** Makes a folder with these files. */
export function ciFolder(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): CiFolder {
  const root = Deno.realPathSync(Deno.makeTempDirSync({ prefix: "pivot ci test " }));
  const scratch = `${root}/scratch`;
  Deno.mkdirSync(scratch);
  const folder: CiFolder = {
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
    async ci(...args) {
      const { code, stdout, stderr } = await folder.start(args).output();
      return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
    },
    async expect(code, ...args) {
      const ended = await folder.ci(...args);
      assert.equal(ended.code, code, `pivot ci ${args.join(" ")}\n${ended.out}\n${ended.err}`);
      return ended;
    },
    start: (args, more = {}) =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--quiet", `${REPOSITORY}/cli.ts`, "ci", ...args],
        cwd: root,
        env: { NO_COLOR: "1", TMPDIR: scratch, ROOT: root, ...env, ...more },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
  for (const [path, text] of Object.entries(files)) folder.write(path, text);
  return folder;
}

/** A task that runs a shell script, as a line of YAML. */
export function shTask(name: string, script: string, more = ""): string {
  return `{ task: ${name}, config: { platform: linux, run: { path: sh, args: [-c, ${
    JSON.stringify(script)
  }] }${more} } }`;
}

/** A pipeline of one job. */
export function oneJob(...steps: string[]): string {
  return `jobs:\n- name: one\n  plan:\n${steps.map((step) => `  - ${step}\n`).join("")}`;
}

/** Volumes of a `--json` result by name. */
export function volumesOf(json: string): Record<string, { status: string; restore: string | undefined }> {
  const { volumes } = JSON.parse(json.trim().split("\n").at(-1) ?? "") as {
    volumes: { volume: string; status: string; restore: { status: string } | null }[];
  };
  return Object.fromEntries(
    volumes.map(({ volume, status, restore }) => [volume, { status, restore: restore?.status }]),
  );
}
