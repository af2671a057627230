// `run --watch`: runs again whenever something that matters was saved. Invariants: a change is never lost, also while a run goes on;
// a stage is cancelled only when its own inputs changed; a broken edit is told and waited out.

import type { StageName } from "../core/mod.ts";
import { type Digest, PivotError } from "../core/mod.ts";
import { inputsNow, type RunningStage } from "../engine/mod.ts";
import type { LoadedPipeline, StageSpec } from "../pipeline/mod.ts";
import { watchTree } from "../sys/mod.ts";
import type { LoadProjectOptions, Project } from "./open_project.ts";

/** What happens between runs. */
export type WatchEvent =
  | { readonly type: "changed"; readonly paths: readonly string[] }
  | { readonly type: "waiting" }
  | { readonly type: "stage-cancelled"; readonly stage: StageName }
  | { readonly type: "broken"; readonly error: unknown };

/** What a run tells the watch. */
export interface WatchHooks {
  /** The pipeline was loaded; its outputs are not watched. Dispose what is returned before the project is closed. */
  readonly onLoaded: (project: Project, loaded: LoadedPipeline, options: LoadProjectOptions) => AsyncDisposable;
  /** A stage starts; the signal cancels it. */
  readonly stageSignal: (running: RunningStage) => AbortSignal;
}

/** Options of {@linkcode watchRuns}. */
export interface WatchRunsOptions {
  /** Absolute path of the project. */
  readonly root: string;
  readonly signal: AbortSignal;
  /** One whole run. What it throws is told and waited out. */
  readonly runOnce: (hooks: WatchHooks) => Promise<unknown>;
  readonly onEvent: (event: WatchEvent) => void;
}

/** Never watched: what we write ourselves, and what is large and counts by other means. */
const LEFT_OUT = [".pivot", ".git", "node_modules", ".gitignore"];

/**
 * Runs, waits for a change, runs again, until the signal is aborted.
 *
 * @throws {PivotError} of kind `usage` that the first run throws.
 */
export async function watchRuns(options: WatchRunsOptions): Promise<void> {
  const session = new WatchSession(options);
  using _watcher = watchTree(options.root, { leaveOut: LEFT_OUT, onChange: (paths) => session.changed(paths) });
  for (let first = true; !options.signal.aborted; first = false) {
    session.begin();
    try {
      await options.runOnce(session);
    } catch (error) {
      if (options.signal.aborted) return;
      // A wrong command line is not mended by saving a file; one that was right before may become right again.
      if (first && error instanceof PivotError && error.kind === "usage") throw error;
      options.onEvent({ type: "broken", error });
    }
    const paths = await session.nextChange();
    if (paths.length > 0) options.onEvent({ type: "changed", paths });
  }
}

interface Running {
  readonly spec: StageSpec;
  readonly inputDigest: Digest;
  readonly controller: AbortController;
}

interface Loaded {
  readonly project: Project;
  readonly options: LoadProjectOptions;
}

class WatchSession implements WatchHooks {
  readonly #options: WatchRunsOptions;
  readonly #running: Map<StageName, Running> = new Map();
  readonly #pending: Set<string> = new Set();
  #outputs: readonly string[] = [];
  #loaded: Loaded | undefined;
  #check: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;

  constructor(options: WatchRunsOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#running.clear();
  }

  readonly onLoaded = (
    project: Project,
    { pipeline }: LoadedPipeline,
    options: LoadProjectOptions,
  ): AsyncDisposable => {
    this.#outputs = pipeline.stages.flatMap((stage) => stage.outs.map((out) => out.path));
    this.#loaded = { project, options };
    return {
      [Symbol.asyncDispose]: () => {
        this.#loaded = undefined;
        return this.#check;
      },
    };
  };

  readonly stageSignal = ({ spec, inputDigest }: RunningStage): AbortSignal => {
    const controller = new AbortController();
    this.#running.set(spec.name, { spec, inputDigest, controller });
    return controller.signal;
  };

  changed(paths: readonly string[]): void {
    const relevant = paths.filter((path) =>
      !this.#outputs.some((out) => path === out || path.startsWith(`${out}/`) || out.startsWith(`${path}/`))
    );
    if (relevant.length === 0) return;
    for (const path of relevant) this.#pending.add(path);
    this.#wake?.();
    this.#check = this.#check.then(() => this.#cancelStale());
  }

  /** Paths that changed since it was last asked; waits for the first. */
  async nextChange(): Promise<readonly string[]> {
    const { signal, onEvent } = this.#options;
    if (this.#pending.size === 0 && !signal.aborted) {
      onEvent({ type: "waiting" });
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
      await promise;
      this.#wake = undefined;
    }
    const paths = [...this.#pending].sort();
    this.#pending.clear();
    return paths;
  }

  /** Cancels the running stages whose inputs are no longer what they started with. */
  async #cancelStale(): Promise<void> {
    const loaded = this.#loaded;
    if (loaded === undefined || this.#running.size === 0) return;
    const { signal, onEvent } = this.#options;
    const view = loaded.project.fresh();
    try {
      const now = await view.load(loaded.options);
      const workspace = view.workspace(now);
      for (const [name, running] of this.#running) {
        const spec = now.pipeline.byName.get(name);
        const inputs = spec === undefined ? undefined : await inputsNow(workspace, spec, signal);
        if (inputs === undefined || inputs === running.inputDigest || running.controller.signal.aborted) continue;
        onEvent({ type: "stage-cancelled", stage: name });
        running.controller.abort(new PivotError(`an input of stage "${name}" changed`, { code: "input-changed" }));
      }
    } catch {
      // A half-typed edit says nothing about what runs; the next run tells what is wrong with it.
    }
  }
}
