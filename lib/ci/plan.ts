// A checked pipeline as a value: what `--plan` prints is what is executed. Plain JSON, no functions.

/** A volume at a path of the task's folder. */
export interface Artifact {
  readonly name: string;
  readonly path: string;
  readonly optional: boolean;
}

/** What one task runs. */
export interface TaskConfig {
  readonly platform: string | undefined;
  readonly image: string | undefined;
  readonly inputs: readonly Artifact[];
  readonly outputs: readonly Artifact[];
  /** Paths kept between runs. */
  readonly caches: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly [string, ...string[]];
  readonly dir: string | undefined;
  readonly user: string | undefined;
}

/** When a hook runs. */
export type HookEvent = "success" | "failure" | "error" | "abort" | "ensure";

/** One step. Modifiers wrap: hooks outside `across`, outside `attempts`, outside `timeout`. */
export type Step =
  | { readonly type: "task"; readonly name: string; readonly config: TaskConfig }
  | { readonly type: "do"; readonly steps: readonly Step[] }
  | {
    readonly type: "in_parallel" | "across";
    readonly steps: readonly Step[];
    /** Steps at once; null: all. */
    readonly limit: number | null;
    readonly failFast: boolean;
  }
  | { readonly type: "try"; readonly step: Step }
  | { readonly type: "attempts"; readonly count: number; readonly step: Step }
  | { readonly type: "timeout"; readonly ms: number; readonly step: Step }
  | { readonly type: "hook"; readonly on: HookEvent; readonly step: Step; readonly hook: Step };

/** A job. Jobs run in the order of the file; after one that did not succeed the rest are skipped. */
export interface JobPlan {
  readonly name: string;
  readonly plan: Step;
}

/** All jobs. */
export interface PipelinePlan {
  readonly jobs: readonly JobPlan[];
}
