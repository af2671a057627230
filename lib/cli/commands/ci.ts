// `pivot ci run`.

import { type CiRunEvent, type CiRunResult, isYamlPipeline, planCi, runCi } from "../../app/ci_run.ts";
import type { PipelinePlan, Step } from "../../ci/mod.ts";
import { messageOf, PivotError } from "../../core/mod.ts";
import { ciPrinter, type Restored } from "../ci_output.ts";
import { consoleToNotes, hidingTerminal, type Secrets, secretsOf } from "../ci_secrets.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { errorJson, reportError } from "../problems.ts";

type CiArguments = Extract<Arguments, { readonly command: "ci-run" }>;

/** Runs the command. */
export async function ciRunCommand(options: CiArguments, context: CommandContext): Promise<number> {
  if (options.json && options.jsonl) throw badUsage("--json and --jsonl cannot be used together");
  const file = options.file.startsWith("/") ? options.file : `${context.cwd}/${options.file}`;
  if (!isYamlPipeline(file)) checkForModule(options);
  const secrets = secretsOf(options.secretEnv, context.environment);
  const params = paramsOf(options);
  const variables = { ...Object.fromEntries(secrets.named), ...params };
  const terminal = hidingTerminal(context.terminal, secrets);
  try {
    const ci = { file, variables, params: Object.keys(params), secrets, raw: context.terminal };
    if (options.plan) return await showPlan(options, terminal, ci);
    using _ = consoleToNotes(terminal);
    return await run(options, { ...context, terminal }, ci);
  } catch (error) {
    // Texts of a pipeline are in its findings.
    if (!(error instanceof PivotError) || context.signal.aborted) throw error;
    if (options.json || options.jsonl) context.terminal.out(secrets.json({ error: errorJson(error) }));
    return reportError(terminal, error);
  }
}

interface CiRun {
  readonly file: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Names of `variables` that were typed. */
  readonly params: readonly string[];
  readonly secrets: Secrets;
  /** For what has no secrets already; hiding in JSON once more could break it. */
  readonly raw: CommandContext["terminal"];
}

async function run(options: CiArguments, context: CommandContext, ci: CiRun): Promise<number> {
  const { terminal, signal, environment } = context;
  const { file, variables, params, secrets, raw } = ci;
  const printer = ciPrinter(terminal, { quiet: options.quiet, silent: options.json || options.jsonl });
  signal.addEventListener("abort", () => {
    terminal.note("stopping: hooks for aborts and ensure still run; interrupt again to leave at once");
  }, { once: true });
  const result = await runCi({
    file,
    driver: options.driver,
    variables,
    params,
    secrets: secrets.texts,
    scratch: environment.scratch,
    environment: environment.variable,
    signal,
    onEvent(event) {
      if (options.jsonl) raw.out(secrets.json(plainEvent(event)));
      printer.onEvent(event);
    },
    ...(options.job === undefined ? {} : { job: options.job }),
    ...(options.persist === undefined ? {} : { persist: options.persist }),
    ...(options.onConflict === undefined ? {} : { onConflict: options.onConflict }),
  });
  if (options.json || options.jsonl) raw.out(secrets.json(plainResult(result, printer.restores)));
  else printer.finish(result);
  if (result.error !== undefined && !signal.aborted) showThrown(result.error, file, terminal);
  return exitCode(result, options, signal);
}

function badUsage(message: string, hint?: string): PivotError {
  return new PivotError(message, { code: "bad-usage", kind: "usage", ...(hint === undefined ? {} : { hint }) });
}

/** Options that only YAML pipelines have a use for. */
function checkForModule({ plan, job, params }: CiArguments): void {
  if (plan) throw badUsage("--plan shows a YAML pipeline; what a module does is known only when it runs");
  if (job !== undefined) throw badUsage("--job chooses a job of a YAML pipeline; a module has none");
  if (params.length > 0) {
    throw badUsage("--param gives ((name)) of a YAML pipeline a value", "a module reads variables with Deno.env.get");
  }
}

function exitCode(result: CiRunResult, options: CiArguments, signal: AbortSignal): number {
  if (signal.aborted) return 130;
  switch (result.outcome) {
    case "aborted":
      return 130;
    case "errored":
      return 14;
    case "failed":
      if (result.error instanceof PivotError && result.error.code === "bad-pipeline") return result.error.exitCode;
      return result.tasks.some((task) => task.outcome === "errored") && result.error === undefined ? 14 : 1;
    case "succeeded":
      // Who asks for persisting by name wants to know when it did not work.
      return options.persist !== undefined && result.volumes.some(storeFailed) ? 13 : 0;
  }
}

/** Not stored because the store did not work, now or when it was to be restored. */
function storeFailed(volume: CiRunResult["volumes"][number]): boolean {
  return volume.status === "failed" || volume.status === "skipped" && volume.reason === "restore-failed";
}

/** What a module threw, with its place. */
function showThrown(error: unknown, file: string, terminal: CommandContext["terminal"]): void {
  const place = placeOf(error);
  if (error instanceof PivotError && place === undefined) return void reportError(terminal, error);
  terminal.note(`${place ?? file}: ${terminal.style("bad", "error:")} the pipeline threw: ${messageOf(error)}`);
  if (error instanceof PivotError && error.hint !== undefined) {
    terminal.note(`  ${terminal.style("dim", "hint:")} ${error.hint}`);
  }
}

const LIBRARY = new URL("../../", import.meta.url).href;

/** The first place in the stack that is the user's own. */
function placeOf(error: unknown): string | undefined {
  const stack = error instanceof Error ? error.stack ?? "" : "";
  const own = [...stack.matchAll(/(file:\/\/[^\s)]+):(\d+):(\d+)/g)].find(([, url = ""]) =>
    !url.startsWith(LIBRARY) && url !== Deno.mainModule
  );
  return own && `${decodeURIComponent(new URL(own[1] ?? "").pathname)}:${own[2]}:${own[3]}`;
}

function paramsOf({ params }: CiArguments): Record<string, string> {
  return Object.fromEntries(params.map((text) => {
    const at = text.indexOf("=");
    if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
    throw new PivotError(`cannot use --param "${text}"`, {
      code: "bad-param",
      kind: "usage",
      hint: "write --param name=value",
    });
  }));
}

function plainEvent(event: CiRunEvent): Record<string, unknown> {
  const { error, ...rest } = event as CiRunEvent & { error?: unknown };
  return error === undefined ? rest : { ...rest, error: messageOf(error) };
}

function plainResult(result: CiRunResult, restores: ReadonlyMap<string, Restored>): Record<string, unknown> {
  const { error, volumes, ...rest } = result;
  return {
    type: "result",
    ...rest,
    volumes: volumes.map((each) => ({
      ...each,
      ...("error" in each ? { error: messageOf(each.error) } : {}),
      restore: restores.get(each.volume) ?? null,
    })),
    ...(error === undefined ? {} : { error: messageOf(error) }),
  };
}

async function showPlan(options: CiArguments, terminal: CommandContext["terminal"], ci: CiRun): Promise<number> {
  const printer = ciPrinter(terminal, { quiet: true, silent: false });
  const plan = await planCi({
    ...ci,
    driver: options.driver,
    onEvent: printer.onEvent,
    ...(options.job === undefined ? {} : { job: options.job }),
  });
  if (options.json || options.jsonl) ci.raw.out(ci.secrets.json(plan));
  else planLines(plan).forEach(terminal.out);
  return 0;
}

function planLines(plan: PipelinePlan): string[] {
  return plan.jobs.flatMap((job) => [`job ${job.name}`, ...stepLines(job.plan, 1)]);
}

function stepLines(step: Step, depth: number): string[] {
  const line = (text: string) => `${"  ".repeat(depth)}${text}`;
  switch (step.type) {
    case "task": {
      const { config } = step;
      const facts = [
        ...(config.image === undefined ? [] : [`image ${config.image}`]),
        ...config.inputs.map(({ name }) => `input ${name}`),
        ...config.outputs.map(({ name }) => `output ${name}`),
        ...config.caches.map((path) => `cache ${path}`),
      ];
      return [line(`task ${step.name}: ${config.command.join(" ")}`), ...facts.map((fact) => line(`  ${fact}`))];
    }
    case "do":
      return step.steps.flatMap((each) => stepLines(each, depth));
    case "in_parallel":
    case "across": {
      const limit = step.limit === null ? "" : `, ${step.limit} at once`;
      const fast = step.failFast ? ", stopping at the first failure" : "";
      return [line(`${step.type}${limit}${fast}`), ...step.steps.flatMap((each) => stepLines(each, depth + 1))];
    }
    case "try":
      return [line("try"), ...stepLines(step.step, depth + 1)];
    case "attempts":
      return [line(`attempts ${step.count}`), ...stepLines(step.step, depth + 1)];
    case "timeout":
      return [line(`timeout ${step.ms} ms`), ...stepLines(step.step, depth + 1)];
    case "hook":
      return [
        ...stepLines(step.step, depth),
        line(step.on === "ensure" ? "ensure" : `on_${step.on}`),
        ...stepLines(step.hook, depth + 1),
      ];
  }
}
