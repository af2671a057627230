// `pivot push`, `pull`, `fetch` and `sync`: the cache and a remote.

import { incompleteCheckout } from "../../app/checkout.ts";
import { openProject, type Project } from "../../app/open_project.ts";
import { openRemote } from "../../app/remotes.ts";
import { fetch, pull, push, type TransferOptions, type TransferResult } from "../../app/transfer.ts";
import { formatBytes, formatDuration, type PivotError, plural } from "../../core/mod.ts";
import type { Remote } from "../../remote/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import { errorJson, reportError } from "../problems.ts";
import { TransferProgress } from "../transfer_progress.ts";

type TransferArguments = Extract<Arguments, { readonly command: "push" | "pull" | "fetch" | "sync" }>;

const ACTS = { push: [push], pull: [pull], fetch: [fetch], sync: [pull, push] } as const;

/** Runs the command. */
export async function transferCommand(options: TransferArguments, context: CommandContext): Promise<number> {
  const { terminal } = context;
  await using project = await openProject({
    ...context,
    ...(options.jobs === undefined ? {} : { transferJobs: options.jobs }),
  });
  await using remote = await openRemote(project, {
    ...(options.remote === undefined ? {} : { name: options.remote }),
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
  });
  const { targets, dryRun, force, all } = options;
  const runCache = "runCache" in options && options.runCache ? { runCache: true } : {};
  const done: TransferResult[] = [];
  for (const act of ACTS[options.command]) {
    using calls = transferCalls(options, context);
    done.push(await act(project, remote, { targets, dryRun, force, all, ...runCache, ...calls }));
  }
  const problem = done.flatMap(({ checkout }) =>
    (checkout === undefined ? undefined : incompleteCheckout(checkout)) ?? []
  ).at(0);
  if (options.json) terminal.out(JSON.stringify(done.map(toJson)));
  else for (const each of done) summarise(each, context);
  const failed = exitCodeOf(done);
  // What could not be fetched was named one by one already.
  if (problem !== undefined && !options.json && (failed === 0 || problem.code !== "blob-missing")) {
    reportError(terminal, problem);
  }
  return failed === 0 ? problem?.exitCode ?? 0 : failed;
}

/** 13 if the remote failed in anything, else the code of what is wrong here. */
function exitCodeOf(done: readonly TransferResult[]): number {
  const errors = done.flatMap(({ plan, result, runs }) => [
    ...(result === undefined ? plan.failures : result.errors).map(({ error }) => error),
    ...(runs?.errors ?? []),
  ]);
  return errors.find(({ kind }) => kind === "remote")?.exitCode ?? errors[0]?.exitCode ?? 0;
}

/** Pushes after a run. @returns The exit code. */
export async function pushAfterRun(
  project: Project,
  remote: Remote,
  context: CommandContext,
  json: boolean,
): Promise<number> {
  using calls = transferCalls({ json, dryRun: false }, context);
  const done = await push(project, remote, { targets: [], ...calls });
  if (!json) summarise(done, context);
  return exitCodeOf([done]);
}

/** What a transfer tells, on the terminal. */
export function transferCalls(
  options: { readonly json: boolean; readonly dryRun: boolean },
  { terminal, signal }: CommandContext,
): Pick<TransferOptions, "signal" | "onWait" | "onPlan" | "onEvent"> & Disposable {
  const progress = new TransferProgress(terminal);
  return {
    signal,
    onWait: () => terminal.note("Waiting for a `pivot remote gc` on the remote to end…"),
    onPlan(plan) {
      if (options.json) return;
      const [verb, preposition] = plan.direction === "push" ? ["push", "to"] : ["pull", "from"];
      const amount = `${plural(plan.move.length, "file")} (${formatBytes(plan.bytes)}) ${preposition} ${plan.url}`;
      if (!options.dryRun) {
        if (plan.move.length > 0) terminal.note(`${verb === "push" ? "Pushing" : "Pulling"} ${amount}`);
        return;
      }
      for (const blob of plan.move) terminal.out(`${blob.label}  ${formatBytes(blob.size)}`);
      for (const { blob, error } of plan.failures) {
        terminal.note(`  ${terminal.style("bad", "failed")} ${blob.label}: ${error.message}`);
      }
      terminal.out(`Would ${verb} ${amount}; ${plan.same.length} there already`);
    },
    onEvent: (event) => options.json || progress.onEvent(event),
    [Symbol.dispose]: () => progress[Symbol.dispose](),
  };
}

function summarise({ plan, result, checkout, runs }: TransferResult, { terminal }: CommandContext): void {
  if (result === undefined) return;
  const errors = [...result.errors.map(({ error }) => error), ...(runs?.errors ?? [])];
  const hints = new Set(errors.flatMap(({ hint }) => hint ?? []));
  for (const error of runs?.errors ?? []) terminal.note(`  ${terminal.style("bad", "failed")} ${error.message}`);
  for (const hint of hints) terminal.note(`  ${terminal.style("dim", "hint:")} ${hint}`);
  const [word, preposition] = plan.direction === "push" ? ["Pushed", "to"] : ["Pulled", "from"];
  const moved = plan.direction === "push" ? result.pushed : result.pulled;
  const failed = result.errors.length === 0 ? "" : `, ${result.errors.length} failed`;
  terminal.out(
    `${word} ${plural(moved.length, "file")} (${formatBytes(result.bytesTransferred)}) ${preposition} ${plan.url} in ${
      formatDuration(result.durationMs)
    }${failed}`,
  );
  if (runs !== undefined) terminal.out(`Shared ${plural(runs.shared, "run")}, ${runs.same} there already`);
  if (checkout !== undefined) {
    terminal.note(
      `${plural(checkout.restored.length, "output")} checked out, ${checkout.unchanged.length} in place already`,
    );
  }
}

function toJson({ plan, result, checkout, runs }: TransferResult): Record<string, unknown> {
  const failure = ({ blob, error }: { blob: unknown; error: PivotError }) => ({
    blob,
    code: error.code,
    message: error.message,
  });
  return {
    plan: { ...plan, failures: plan.failures.map(failure) },
    ...(result === undefined ? {} : { result: { ...result, errors: result.errors.map(failure) } }),
    ...(checkout === undefined ? {} : { checkout }),
    ...(runs === undefined ? {} : { runs: { ...runs, errors: runs.errors.map(errorJson) } }),
  };
}
