// The YAML dialect: Concourse's jobs, steps and hooks, read into a plan. Invariant: everything that can be known to be
// wrong is found here, all of it at once, before anything runs.

import { messageOf, parseRelPath, PivotFindings } from "../core/mod.ts";
import { type Located, parseLocated } from "./located.ts";
import type { HookEvent, JobPlan, PipelinePlan, Step } from "./plan.ts";
import { Reader, type Variables } from "./reader.ts";
import { readTask } from "./read_task.ts";

/** Options of {@linkcode readPipeline}. */
export interface ReadPipelineOptions {
  /** Name for messages. */
  readonly file: string;
  /** Values for `((name))`. */
  readonly variables?: Variables;
  /** Reads what `file:` of a task names, relative to the project. */
  readonly readFile?: (path: string) => string;
  /** Told which of `variables` the pipeline has no use for. */
  readonly onUnused?: (name: string) => void;
}

const HOOKS: readonly (readonly [string, HookEvent])[] = [
  ["on_success", "success"],
  ["on_failure", "failure"],
  ["on_abort", "abort"],
  ["on_error", "error"],
  ["ensure", "ensure"],
];
const HOOK_KEYS = HOOKS.map(([key]) => key);
const CORE = ["task", "do", "in_parallel", "try"];
const MODIFIERS = ["across", "fail_fast", "attempts", "timeout", ...HOOK_KEYS];
const TASK_KEYS = ["task", "config", "file", "image", "params", "env"];
const UNSUPPORTED_STEPS = ["get", "put", "set_pipeline", "load_var", "run", "aggregate"];
const UNSUPPORTED_TASK = ["privileged", "tags", "vars", "input_mapping", "output_mapping", "container_limits"];
const UNSUPPORTED_JOB = ["serial", "serial_groups", "max_in_flight", "public", "interruptible", "build_log_retention"];
const UNSUPPORTED_TOP = ["resources", "resource_types", "groups", "var_sources", "display"];
const MAX_DEPTH = 100;
const MAX_STEPS = 10_000;

/**
 * Reads a YAML pipeline and checks it.
 *
 * @throws {PivotFindings} with every finding, each with line and column.
 * @example
 * ```ts
 * import { readPipeline } from "@pivot/pivot/ci";
 * const text = "jobs: [{ name: a, plan: [{ task: t, config: { run: { path: 'true' } } }] }]";
 * const plan = await readPipeline(text, { file: "pipeline.yml" });
 * console.assert(plan.jobs[0]?.name === "a");
 * ```
 */
export async function readPipeline(text: string, options: ReadPipelineOptions): Promise<PipelinePlan> {
  const root = await parseLocated(text, options.file);
  const reader = new Reader();
  const files = await loadTaskFiles(root, reader, options);
  const top = reader.fields(withoutNotes(root), "the pipeline", ["jobs"], UNSUPPORTED_TOP);
  const context: Context = { reader, files, steps: { count: 0 } };
  const scope: Scope = { variables: options.variables ?? {}, artifacts: new Set(), depth: 0 };
  const names = new Set<string>();
  const nodes = reader.items(top.get("jobs"), `"jobs"`);
  if (nodes.length === 0 && reader.findings.length === 0) {
    reader.report(root.spot, "the pipeline has no jobs", "write jobs: [{ name: build, plan: [{ task: … }] }]");
  }
  const jobs = nodes.map((node) => readJob(context, node, { ...scope, artifacts: new Set() }, names));
  if (reader.findings.length > 0) throw new PivotFindings(`"${options.file}" is not a valid pipeline`, reader.findings);
  for (const name of Object.keys(scope.variables)) if (!reader.used.has(name)) options.onUnused?.(name);
  return { jobs };
}

/** Keys that start with `x-` hold what anchors are put on. */
function withoutNotes(root: Located): Located {
  if (root.kind !== "map") return root;
  return { ...root, entries: new Map([...root.entries].filter(([key]) => !key.startsWith("x-"))) };
}

interface Context {
  readonly reader: Reader;
  readonly files: ReadonlyMap<string, Located>;
  readonly steps: { count: number };
}

interface Scope {
  readonly variables: Variables;
  /** What earlier steps of the job put out. */
  readonly artifacts: Set<string>;
  readonly depth: number;
}

function readJob(context: Context, node: Located, scope: Scope, names: Set<string>): JobPlan {
  const { reader } = context;
  const fields = reader.fields(node, "a job", ["name", "plan", ...HOOK_KEYS], UNSUPPORTED_JOB);
  const name = reader.required(fields.get("name"), "name of the job", { spot: node.spot, variables: scope.variables });
  if (name !== "" && names.has(name)) reader.report(node.spot, `job "${name}" is given twice`);
  names.add(name);
  const steps = reader.items(fields.get("plan"), `plan of job "${name}"`).map((step) => readStep(context, step, scope));
  const told = [node, fields.get("plan")].some((each) => each !== undefined && reader.isHopeless(each.spot));
  if (steps.length === 0 && !told) reader.report(node.spot, `job "${name}" has no steps`);
  return { name, plan: withHooks(context, fields, { type: "do", steps }, scope) };
}

function readStep(context: Context, node: Located, outer: Scope): Step {
  const { reader } = context;
  const scope = { ...outer, depth: outer.depth + 1 };
  const nothing: Step = { type: "do", steps: [] };
  context.steps.count += 1;
  if (scope.depth > MAX_DEPTH || context.steps.count > MAX_STEPS) {
    if (context.steps.count <= MAX_STEPS + 1) reader.report(node.spot, "the plan is too deep or has too many steps");
    return nothing;
  }
  if (node.kind !== "map") {
    const hint = node.kind === "list" ? "put several steps under do: or in_parallel:" : undefined;
    reader.fields(node, "a step", CORE, [], hint);
    return nothing;
  }
  const present = [...node.entries.keys()];
  const kinds = present.filter((key) => CORE.includes(key));
  if (kinds.length !== 1) {
    const foreign = present.find((key) => UNSUPPORTED_STEPS.includes(key));
    const why = foreign !== undefined ? `step "${foreign}" is not supported` : `a step is one of ${CORE.join(", ")}`;
    reader.report(node.spot, why);
    return nothing;
  }
  const kind = kinds[0] ?? "do";
  const own = kind === "task" ? TASK_KEYS : [kind];
  const fields = reader.fields(node, `step "${kind}"`, [...own, ...MODIFIERS], UNSUPPORTED_TASK);
  const core = (inner: Scope) =>
    modified(context, fields, readCore(context, fields, { kind, node, scope: inner }), inner);
  const across = fields.get("across");
  if (across === undefined && fields.has("fail_fast")) reader.report(node.spot, `"fail_fast" needs "across"`);
  if (across?.kind === "list" && across.items.length === 0) reader.report(across.spot, `"across" has no variables`);
  const step = across === undefined ? core(scope) : readAcross(context, reader.items(across, `"across"`), {
    scope,
    failFast: reader.flag(fields.get("fail_fast"), `"fail_fast"`),
    core,
  });
  return withHooks(context, fields, step, scope);
}

function readCore(
  context: Context,
  fields: ReadonlyMap<string, Located>,
  { kind, node, scope }: { readonly kind: string; readonly node: Located; readonly scope: Scope },
): Step {
  const inner = fields.get(kind) ?? node;
  switch (kind) {
    case "task":
      return readTaskStep(context, fields, node, scope);
    case "try":
      return { type: "try", step: readStep(context, inner, scope) };
    case "in_parallel":
      return readParallel(context, inner, scope);
    default:
      return {
        type: "do",
        steps: someSteps(context.reader, inner, `"do"`).map((each) => readStep(context, each, scope)),
      };
  }
}

/** The steps of what is there to hold some: without any, it would succeed and do nothing. */
function someSteps(reader: Reader, node: Located, what: string): readonly Located[] {
  const steps = reader.items(node, what);
  if (steps.length === 0 && !reader.isHopeless(node.spot)) reader.report(node.spot, `${what} has no steps`);
  return steps;
}

function readParallel(context: Context, node: Located, scope: Scope): Step {
  const { reader } = context;
  const fields = node.kind === "list"
    ? new Map([["steps", node]])
    : reader.fields(node, `"in_parallel"`, ["steps", "limit", "fail_fast"]);
  // Steps side by side see what came before, not each other.
  const list = fields.get("steps");
  if (list === undefined && !reader.isHopeless(node.spot)) reader.report(node.spot, `"in_parallel" has no steps`);
  const branches = (list === undefined ? [] : someSteps(reader, list, `"in_parallel"`)).map((each) => {
    const artifacts = new Set(scope.artifacts);
    return { step: readStep(context, each, { ...scope, artifacts }), artifacts };
  });
  for (const branch of branches) branch.artifacts.forEach((name) => scope.artifacts.add(name));
  return {
    type: "in_parallel",
    steps: branches.map((branch) => branch.step),
    limit: reader.count(fields.get("limit"), `"limit"`, scope.variables) ?? null,
    failFast: reader.flag(fields.get("fail_fast"), `"fail_fast"`),
  };
}

// One level per variable, as Concourse nests them. What the runs put out stays theirs.
function readAcross(
  context: Context,
  axes: readonly Located[],
  options: { readonly scope: Scope; readonly failFast: boolean; readonly core: (scope: Scope) => Step },
): Step {
  const { reader } = context;
  const { scope, failFast, core } = options;
  const [axis, ...rest] = axes;
  if (axis === undefined) return core({ ...scope, artifacts: new Set(scope.artifacts) });
  const fields = reader.fields(axis, "a variable of across", ["var", "values", "max_in_flight"]);
  const name = reader.required(fields.get("var"), `"var"`, { spot: axis.spot, variables: scope.variables });
  const values = reader.items(fields.get("values"), "values");
  const hopeless = [axis, fields.get("values")].some((each) => each !== undefined && reader.isHopeless(each.spot));
  if (values.length === 0 && !hopeless) reader.report(axis.spot, `variable "${name}" has no values`);
  if (Object.hasOwn(scope.variables, `.:${name}`)) reader.report(axis.spot, `variable "${name}" is given twice`);
  const limit = fields.get("max_in_flight");
  const all = limit?.kind === "scalar" && limit.value === "all";
  return {
    type: "across",
    failFast,
    limit: all ? null : reader.count(limit, `"max_in_flight"`, scope.variables) ?? 1,
    steps: values.map((value) => {
      const text = reader.text(value, `a value of "${name}"`, scope.variables) ?? "";
      const variables = { ...scope.variables, [`.:${name}`]: text };
      return readAcross(context, rest, { ...options, scope: { ...scope, variables } });
    }),
  };
}

function modified(context: Context, fields: ReadonlyMap<string, Located>, step: Step, scope: Scope): Step {
  const { reader } = context;
  const timeout = fields.get("timeout");
  const text = reader.text(timeout, `"timeout"`, scope.variables);
  let result = step;
  if (timeout !== undefined && text !== undefined) {
    const ms = goDuration(text);
    if (ms === undefined) {
      reader.report(timeout.spot, `"${text}" is not a duration`, "write 90s, 5m, 1h30m; at most 596h");
    } else result = { type: "timeout", ms, step: result };
  }
  const count = reader.count(fields.get("attempts"), `"attempts"`, scope.variables);
  return count === undefined ? result : { type: "attempts", count, step: result };
}

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

function goDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return undefined;
  const ms = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
    .reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_MS[unit ?? ""] ?? 0), 0);
  // Timers of the platform end at 2^31 - 1 milliseconds.
  return ms > 0 && ms < 2 ** 31 ? ms : undefined;
}

function withHooks(context: Context, fields: ReadonlyMap<string, Located>, step: Step, scope: Scope): Step {
  let result = step;
  for (const [key, on] of HOOKS) {
    const node = fields.get(key);
    if (node !== undefined) result = { type: "hook", on, step: result, hook: readStep(context, node, scope) };
  }
  return result;
}

function readTaskStep(
  context: Context,
  fields: ReadonlyMap<string, Located>,
  node: Located,
  scope: Scope,
): Step {
  const { reader } = context;
  const { variables } = scope;
  const name = reader.required(fields.get("task"), "name of the task", { spot: node.spot, variables });
  const [config, file] = [fields.get("config"), fields.get("file")];
  if ((config === undefined) === (file === undefined)) {
    reader.report(node.spot, `task "${name}" needs either "config" or "file"`);
    return { type: "do", steps: [] };
  }
  const source = config ?? context.files.get(reader.plain(file, "file") ?? "");
  if (source === undefined) return { type: "do", steps: [] };
  const image = reader.text(fields.get("image"), "image", variables);
  const env = {
    ...reader.environment(fields.get("params"), "params", variables),
    ...reader.environment(fields.get("env"), "env", variables),
  };
  const task = readTask(reader, source, { variables, image, env });
  for (const input of task.inputs) {
    if (scope.artifacts.has(input.name) || input.optional) continue;
    const known = [...scope.artifacts].join(", ");
    const hint = known === "" ? "no earlier step has outputs" : `outputs of earlier steps: ${known}`;
    reader.report(node.spot, `input "${input.name}" of task "${name}" is no output of an earlier step`, hint);
  }
  for (const output of task.outputs) scope.artifacts.add(output.name);
  return { type: "task", name, config: task };
}

// `file:` of all tasks, read once each. They are files of the project; variables cannot choose them.
async function loadTaskFiles(
  root: Located,
  reader: Reader,
  options: ReadPipelineOptions,
): Promise<ReadonlyMap<string, Located>> {
  const files = new Map<string, Located>();
  const visit = async (node: Located): Promise<void> => {
    if (node.kind === "list") { for (const item of node.items) await visit(item); }
    if (node.kind !== "map") return;
    const file = node.entries.get("file")?.value;
    if (node.entries.has("task") && file?.kind === "scalar" && file.value !== null && !files.has(String(file.value))) {
      try {
        const path = parseRelPath(String(file.value));
        const text = options.readFile === undefined ? Deno.readTextFileSync(path) : options.readFile(path);
        files.set(String(file.value), await parseLocated(text, path));
      } catch (error) {
        if (error instanceof PivotFindings) reader.findings.push(...error.findings);
        else {
          const why = error instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(error);
          const hint =
            "paths are relative to the pipeline's folder; a file that an earlier step put out cannot be used";
          reader.report(file.spot, `cannot read task file "${String(file.value)}": ${why}`, hint);
        }
      }
    }
    for (const entry of node.entries.values()) await visit(entry.value);
  };
  await visit(root);
  return files;
}
