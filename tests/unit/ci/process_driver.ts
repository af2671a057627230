// A driver for these tests: real processes, volumes as folders linked into the task's folder.

import type { CiDriver, CiEvent, CiResult } from "../../../lib/ci/mod.ts";
import { readPipeline, runPipeline, type RunPipelineOptions } from "../../../lib/ci/mod.ts";
import { parentOf, spawnChild } from "../../../lib/sys/mod.ts";

/** The driver, and the folder that holds all of its volumes and tasks. */
export interface ProcessDriver extends CiDriver, Disposable {
  readonly root: string;
  readonly created: string[];
  /** Variable `ROOT` of every task: a folder that all of them see. */
  readonly shared: string;
}

/** Makes a driver in a temporary folder. */
export function processDriver(): ProcessDriver {
  const root = Deno.makeTempDirSync({ prefix: "pivot ci, " });
  const shared = `${root}/shared`;
  Deno.mkdirSync(shared);
  const created: string[] = [];
  let tasks = 0;
  return {
    root,
    created,
    shared,
    createVolume({ name, signal }) {
      signal.throwIfAborted();
      created.push(name);
      const path = `${root}/volume ${created.length}`;
      Deno.mkdirSync(path);
      return Promise.resolve({ name, access: { kind: "folder", path } });
    },
    async run(request) {
      const cwd = `${root}/task ${++tasks}`;
      Deno.mkdirSync(cwd);
      for (const { volume, path } of request.mounts.toSorted((a, b) => a.path.length - b.path.length)) {
        Deno.mkdirSync(parentOf(`${cwd}/${path}`), { recursive: true });
        Deno.symlinkSync(volume.access?.kind === "folder" ? volume.access.path : "", `${cwd}/${path}`);
      }
      const child = spawnChild({
        command: request.command,
        cwd: request.dir === undefined ? cwd : `${cwd}/${request.dir}`,
        env: { ...request.env, ROOT: shared },
        signal: request.signal,
        graceMs: 200,
        onOutput: request.onOutput,
        ...(request.stdin === undefined ? {} : { stdin: request.stdin }),
      });
      const { code } = await child.exit;
      request.signal.throwIfAborted();
      return { code };
    },
    [Symbol.dispose]: () => Deno.removeSync(root, { recursive: true }),
  };
}

/** A task step that runs a shell script, as a line of YAML. */
export function sh(name: string, script: string, more = ""): string {
  return `{ task: ${name}, config: { run: { path: sh, args: [-c, ${JSON.stringify(script)}] }${more} } }`;
}

/** A pipeline of one job. */
export function job(...steps: string[]): string {
  return `jobs:\n- name: one\n  plan:\n${steps.map((step) => `  - ${step}\n`).join("")}`;
}

/** What a run did. */
export interface Ran {
  readonly result: CiResult;
  readonly events: readonly CiEvent[];
  /** Lines that tasks appended to `$ROOT/log`. */
  readonly log: readonly string[];
  readonly driver: ProcessDriver;
}

/** Runs a pipeline with real processes. `abortOn` cancels the run when a task prints that text. */
export async function runYaml(
  text: string,
  options: Partial<RunPipelineOptions> & { readonly abortOn?: string } = {},
): Promise<Ran> {
  using driver = processDriver();
  const plan = await readPipeline(text, { file: "pipeline.yml" });
  const events: CiEvent[] = [];
  const abort = new AbortController();
  const result = await runPipeline(plan, {
    driver,
    signal: abort.signal,
    ...options,
    onEvent(event) {
      events.push(event);
      const hit = event.type === "task-output" && options.abortOn !== undefined && event.text.includes(options.abortOn);
      if (hit) abort.abort(new Error("asked to stop"));
    },
  });
  const log = `${driver.shared}/log`;
  let lines: string[] = [];
  try {
    lines = Deno.readTextFileSync(log).trim().split("\n");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return { result, events, log: lines, driver };
}
