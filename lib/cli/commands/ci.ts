// `pivot ci run`.

import { type CiRunEvent, type CiRunResult, isYamlPipeline, planCi, runCi } from "../../app/ci_run.ts";
import type { PipelinePlan, Step } from "../../ci/mod.ts";
import { messageOf, PivotError } from "../../core/mod.ts";
import { ciPrinter, type Restored } from "../ci_output.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { reportError } from "../problems.ts";

type CiArguments = Extract<Arguments, { readonly command: "ci-run" }>;

/** Runs the command. */
export async function ciRunCommand(options: CiArguments, context: CommandContext): Promise<number> {
  if (options.json && options.jsonl) {
    throw new PivotError("--json and --jsonl cannot be used together", { code: "bad-usage", kind: "usage" });
  }
  const file = options.file.startsWith("/") ? options.file : `${context.cwd}/${options.file}`;
  const secrets = secretsOf(options, context);
  const variables = { ...Object.fromEntries(secrets.named), ...paramsOf(options) };
  if (options.plan) return await showPlan(file, variables, { options, context });
  const { terminal, signal, environment } = context;
  const printer = ciPrinter(terminal, { quiet: options.quiet, silent: options.json || options.jsonl });
  const result = await runCi({
    file,
    driver: options.driver,
    variables,
    secrets: secrets.texts,
    scratch: environment.scratch,
    environment: environment.variable,
    signal,
    onEvent(event) {
      if (options.jsonl) terminal.out(JSON.stringify(plainEvent(event)));
      printer.onEvent(event);
    },
    ...(options.job === undefined ? {} : { job: options.job }),
    ...(options.persist === undefined ? {} : { persist: options.persist }),
    ...(options.onConflict === undefined ? {} : { onConflict: options.onConflict }),
  });
  if (options.json || options.jsonl) terminal.out(JSON.stringify(plainResult(result, printer.restores)));
  else printer.finish(result);
  if (result.error !== undefined && !signal.aborted) showThrown(result.error, file, terminal);
  return exitCode(result, options, signal);
}

function exitCode(result: CiRunResult, options: CiArguments, signal: AbortSignal): number {
  if (signal.aborted) return 130;
  switch (result.outcome) {
    case "aborted":
      return 130;
    case "errored":
      return 14;
    case "failed":
      return result.tasks.some((task) => task.outcome === "errored") && result.error === undefined ? 14 : 1;
    case "succeeded":
      // Who asks for persisting by name wants to know when it did not work.
      return options.persist !== undefined && result.volumes.some((volume) => volume.status === "failed") ? 13 : 0;
  }
}

/** What a module threw, with its place. */
function showThrown(error: unknown, file: string, terminal: CommandContext["terminal"]): void {
  if (error instanceof PivotError) return void reportError(terminal, error);
  const stack = error instanceof Error ? error.stack ?? "" : "";
  const place = /\(?(file:\/\/[^\s)]+):(\d+):(\d+)\)?/.exec(stack);
  const where = place === null
    ? file
    : `${decodeURIComponent(new URL(place[1] ?? "").pathname)}:${place[2]}:${place[3]}`;
  terminal.note(`${where}: ${terminal.style("bad", "error:")} the pipeline threw: ${messageOf(error)}`);
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

/** Variables whose values are secrets by their names. */
const SECRET_NAME = /(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS)$/i;
const MIN_SECRET_CHARS = 6;

interface Secrets {
  readonly named: readonly (readonly [name: string, value: string])[];
  readonly texts: readonly string[];
}

function secretsOf({ secretEnv }: CiArguments, { environment }: CommandContext): Secrets {
  const named = secretEnv.map((name) => {
    const value = environment.variable(name);
    if (value !== undefined && value !== "") return [name, value] as const;
    throw new PivotError(`the environment variable "${name}" of --secret-env is not set`, {
      code: "no-secret",
      kind: "usage",
      hint: "set it, or leave the option out",
    });
  });
  const guessed = environment.names().filter((name) => SECRET_NAME.test(name)).map((name) =>
    environment.variable(name) ?? ""
  )
    .filter((value) => value.length >= MIN_SECRET_CHARS);
  return { named, texts: [...named.map(([, value]) => value), ...guessed] };
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

async function showPlan(
  file: string,
  variables: Readonly<Record<string, string>>,
  { options, context }: { readonly options: CiArguments; readonly context: CommandContext },
): Promise<number> {
  if (!isYamlPipeline(file)) {
    throw new PivotError("--plan shows a YAML pipeline; what a module does is known only when it runs", {
      code: "bad-usage",
      kind: "usage",
    });
  }
  const plan = await planCi({ file, variables });
  if (options.json || options.jsonl) context.terminal.out(JSON.stringify(plan));
  else planLines(plan).forEach(context.terminal.out);
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
