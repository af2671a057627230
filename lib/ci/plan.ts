// A checked pipeline as a value: what `--plan` prints is what is executed. Plain JSON, no functions.

import { unreachable } from "../core/mod.ts";

/** A volume at a path of the task's folder. */
export interface Artifact {
  /** Its name in the plan. */
  readonly name: string;
  /** Relative to the task's folder. */
  readonly path: string;
  /** The task also runs without it. */
  readonly optional: boolean;
}

/** What one task runs. */
export interface TaskConfig {
  /** `linux`, `darwin` or `windows`. */
  readonly platform: string | undefined;
  /** Container image. */
  readonly image: string | undefined;
  /** Outputs of earlier steps that it reads. */
  readonly inputs: readonly Artifact[];
  /** New volumes that it fills. */
  readonly outputs: readonly Artifact[];
  /** Paths kept between runs. */
  readonly caches: readonly string[];
  /** Variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Program and arguments. */
  readonly command: readonly [string, ...string[]];
  /** Folder to run in, relative to the task's own. */
  readonly dir: string | undefined;
  /** Who it runs as. */
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
  /** Its name. */
  readonly name: string;
  /** What it does, its hooks included. */
  readonly plan: Step;
}

/** All jobs. */
export interface PipelinePlan {
  /** In the order of the file. */
  readonly jobs: readonly JobPlan[];
}

/** Every task of a step, hooks included, in the order of the file. */
export function tasksOf(step: Step): readonly Extract<Step, { type: "task" }>[] {
  switch (step.type) {
    case "task":
      return [step];
    case "do":
    case "in_parallel":
    case "across":
      return step.steps.flatMap(tasksOf);
    case "hook":
      return [...tasksOf(step.step), ...tasksOf(step.hook)];
    case "try":
    case "attempts":
    case "timeout":
      return tasksOf(step.step);
    default:
      return unreachable(step);
  }
}
