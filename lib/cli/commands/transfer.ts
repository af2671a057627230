// `pivot push`, `pull`, `fetch` and `sync`: the cache and a remote.

import { incompleteCheckout } from "../../app/checkout.ts";
import { openProject, type Project } from "../../app/open_project.ts";
import { fetch, openRemote, pull, push, type TransferOptions, type TransferResult } from "../../app/remotes.ts";
import { formatBytes, formatDuration, PivotError, plural } from "../../core/mod.ts";
import type { Remote, SyncEvent, SyncPlan } from "../../remote/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

type TransferArguments = Extract<Arguments, { readonly command: "push" | "pull" | "fetch" | "sync" }>;

const ACTS = { push: [push], pull: [pull], fetch: [fetch], sync: [pull, push] } as const;

/** Runs the command. */
export async function transferCommand(options: TransferArguments, context: CommandContext): Promise<number> {
  await using project = await openProject({
    ...context,
    ...(options.jobs === undefined ? {} : { transferJobs: options.jobs }),
  });
  await using remote = await openRemote(project, {
    ...(options.remote === undefined ? {} : { name: options.remote }),
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
  });
  const done: TransferResult[] = [];
  for (const act of ACTS[options.command]) {
    done.push(await act(project, remote, transferOptions(options, context)));
  }
  if (options.json) context.terminal.out(JSON.stringify(done.map(toJson)));
  else for (const each of done) summarise(each, context);
  const failed = done.flatMap(({ result }) => result?.errors ?? []);
  if (failed.length > 0) return failed[0]?.error.exitCode ?? 13;
  const incomplete = done.flatMap(({ checkout }) =>
    (checkout === undefined ? undefined : incompleteCheckout(checkout)) ?? []
  );
  for (const error of incomplete) throw error;
  return 0;
}

const QUIET_DEFAULTS = { targets: [], dryRun: false, force: false, all: false } as const;

/** Pushes after a run. @returns The exit code. */
export async function pushAfterRun(
  project: Project,
  remote: Remote,
  context: CommandContext,
  json: boolean,
): Promise<number> {
  const done = await push(project, remote, transferOptions({ ...QUIET_DEFAULTS, json }, context));
  if (!json) summarise(done, context);
  return done.result?.errors[0]?.error.exitCode ?? 0;
}

/** Fetches what a skip of these stages needs. What is not there is made by running. */
export async function fetchBeforeRun(
  project: Project,
  remote: Remote,
  context: CommandContext,
  about: { readonly targets: readonly string[]; readonly json: boolean },
): Promise<void> {
  await fetch(project, remote, transferOptions({ ...QUIET_DEFAULTS, ...about }, context));
}

function transferOptions(
  options: Pick<TransferArguments, "targets" | "dryRun" | "force" | "all" | "json">,
  { terminal, signal }: CommandContext,
): TransferOptions {
  const verb = (plan: SyncPlan) => plan.direction === "push" ? "Pushing" : "Pulling";
  return {
    targets: options.targets,
    dryRun: options.dryRun,
    force: options.force,
    all: options.all,
    signal,
    onPlan(plan) {
      if (options.json || plan.move.length === 0) return;
      const preposition = plan.direction === "push" ? "to" : "from";
      terminal.note(
        `${verb(plan)} ${plural(plan.move.length, "file")} (${formatBytes(plan.bytes)}) ${preposition} ${plan.url}`,
      );
      if (options.dryRun) { for (const blob of plan.move) terminal.out(`${blob.label}  ${formatBytes(blob.size)}`); }
    },
    onEvent: (event) => options.json || show(event, terminal),
  };
}

function show(event: SyncEvent, terminal: CommandContext["terminal"]): void {
  if (event.type === "moved") terminal.note(`  ${event.blob.label}  ${formatBytes(event.blob.size)}`);
  if (event.type === "failed") {
    terminal.note(`  ${terminal.style("bad", "failed")} ${event.blob.label}: ${event.error.message}`);
  }
}

function summarise({ plan, result, checkout }: TransferResult, { terminal }: CommandContext): void {
  if (result === undefined) {
    terminal.note(`${plural(plan.move.length, "file")} to move, ${plan.same.length} there already; nothing was done`);
    return;
  }
  const hints = new Set(result.errors.flatMap(({ error }) => error.hint ?? []));
  for (const hint of hints) terminal.note(`  ${terminal.style("dim", "hint:")} ${hint}`);
  const [word, preposition] = plan.direction === "push" ? ["Pushed", "to"] : ["Pulled", "from"];
  const moved = plan.direction === "push" ? result.pushed : result.pulled;
  const failed = result.errors.length === 0 ? "" : `, ${result.errors.length} failed`;
  terminal.out(
    `${word} ${plural(moved.length, "file")} (${formatBytes(result.bytesTransferred)}) ${preposition} ${plan.url} in ${
      formatDuration(result.durationMs)
    }${failed}`,
  );
  if (checkout !== undefined) {
    terminal.note(
      `${plural(checkout.restored.length, "output")} checked out, ${checkout.unchanged.length} in place already`,
    );
  }
}

function toJson({ plan, result, checkout }: TransferResult): Record<string, unknown> {
  const failure = ({ blob, error }: { blob: unknown; error: PivotError }) => ({
    blob,
    code: error.code,
    message: error.message,
  });
  return {
    plan: { ...plan, failures: plan.failures.map(failure) },
    ...(result === undefined ? {} : { result: { ...result, errors: result.errors.map(failure) } }),
    ...(checkout === undefined ? {} : { checkout }),
  };
}
