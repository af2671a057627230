// `pivot run`: show or carry out the plan.

import { syncGitIgnore } from "../../app/git_ignore.ts";
import { openProject, type Project } from "../../app/open_project.ts";
import { explainDecisions } from "../../app/explain.ts";
import { findProject } from "../../config/mod.ts";
import { formatBytes, PivotError, plural } from "../../core/mod.ts";
import type { OpenElsewhere } from "../../app/elsewhere.ts";
import type { RunRemotes } from "../../app/remotes.ts";
import {
  assertSound,
  codesOf,
  type Decision,
  describeReason,
  planRun,
  run,
  type RunEvent,
  type Workspace,
} from "../../engine/mod.ts";
import { selectTargets, type StageSpec } from "../../pipeline/mod.ts";
import { explanationNotes, renderExplanation } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";
import type { WatchHooks } from "../../app/watch.ts";
import { reportError } from "../problems.ts";
import { progressPrinter } from "../progress.ts";

type RunArguments = Extract<Arguments, { readonly command: "run" }>;

/** Runs the command. */
export async function runCommand(options: RunArguments, context: CommandContext): Promise<number> {
  if (options.json && options.jsonl) {
    throw new PivotError("--json and --jsonl cannot be used together", { code: "bad-usage", kind: "usage" });
  }
  return options.watch ? await watchCommand(options, context) : await runOnce(options, context);
}

/** Runs again whenever something was saved, until it is interrupted. */
async function watchCommand(options: RunArguments, context: CommandContext): Promise<number> {
  const clash = (["dryRun", "check", "json", "noCommit"] as const).find((name) => options[name]);
  if (clash !== undefined) {
    const name = clash.replace(/[A-Z]/g, (char) => `-${char.toLowerCase()}`);
    throw new PivotError(`--watch and --${name} cannot be used together`, { code: "bad-usage", kind: "usage" });
  }
  const { watchRuns } = await import("../../app/watch.ts");
  const { signal, terminal } = context;
  await watchRuns({
    root: findProject(context.cwd),
    signal,
    runOnce: (hooks) => runOnce(options, context, hooks),
    onEvent(event) {
      if (event.type === "broken") reportError(terminal, event.error);
      if (options.jsonl && event.type !== "broken") return terminal.out(JSON.stringify(event));
      if (event.type === "waiting") terminal.note("waiting for changes; Ctrl-C ends");
      if (event.type === "changed") terminal.note(`changed: ${someOf(event.paths)}`);
      if (event.type === "stage-cancelled") terminal.note(`${event.stage}: an input changed, starting over`);
    },
  });
  return 130;
}

const SHOWN_PATHS = 5;

function someOf(paths: readonly string[]): string {
  const more = paths.length - SHOWN_PATHS;
  return `${paths.slice(0, SHOWN_PATHS).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

async function runOnce(options: RunArguments, context: CommandContext, watch?: WatchHooks): Promise<number> {
  await using project = await openProject(context);
  const loading = { set: options.set, signal: context.signal };
  const loaded = await project.load(loading);
  await using _watched = watch?.onLoaded(project, loaded, loading);
  for (const warning of loaded.warnings) context.terminal.note(`warning: ${warning}`);
  if (project.state.warning !== undefined) context.terminal.note(`warning: ${project.state.warning}`);
  const stages = selectTargets(loaded.pipeline, options.targets, { only: options.only });
  if (stages.length === 0) context.terminal.note("the pipeline has no stages; declare them in pivot.ts or pivot.yaml");
  const plain = project.workspace(loaded, options.mode === undefined ? {} : { checkoutMode: options.mode });
  const remotes = await chosenRemotes(project, options);
  // Lines of the remote stand above the live ones while stages run.
  const notes = { line: context.terminal.note };
  await using elsewhere = await openHelp(project, remotes?.pull, { options, context, notes });
  const workspace = elsewhere === undefined ? plain : { ...plain, elsewhere };
  if (options.dryRun || options.check) return await showPlan(workspace, stages, { options, context });
  const code = await execute(project, workspace, stages, {
    options,
    context,
    notes,
    ...(watch === undefined ? {} : { watch }),
  });
  if (!options.noGitIgnore) await syncGitIgnore(project, loaded.pipeline);
  if (code !== 0) return code;
  const codes: number[] = [];
  for (const name of remotes?.push ?? []) codes.push(await pushOutputs(project, name, { options, context }));
  return codes.find((each) => each !== 0) ?? 0;
}

/** Where lines about a remote go. */
interface Notes {
  line: (text: string) => void;
}

/** The remotes that the run has to do with. The room of remotes loads only if there are some. */
async function chosenRemotes(project: Project, options: RunArguments): Promise<RunRemotes | undefined> {
  const asked = options.pull || options.push;
  if (!asked && Object.keys(project.settings.remotes).length === 0) return undefined;
  const { remotesOfRun } = await import("../../app/remotes.ts");
  return remotesOfRun(project, options);
}

async function openHelp(
  project: Project,
  name: string | undefined,
  { options, context, notes }: Call & { readonly notes: Notes },
): Promise<OpenElsewhere | undefined> {
  if (name === undefined) return undefined;
  const { openElsewhere } = await import("../../app/elsewhere.ts");
  const { transferCalls } = await import("./transfer.ts");
  const { terminal } = context;
  return openElsewhere(project, {
    name,
    calls: transferCalls({ json: options.json || options.jsonl, dryRun: false }, context),
    onEvent(event) {
      if (event.type === "brought") {
        const amount = `${plural(event.files, "file")} (${formatBytes(event.bytes)})`;
        return notes.line(`pulled ${amount} for ${event.stage} from ${event.url}`);
      }
      notes.line(`${terminal.style("warn", "warning:")} ${event.error.message}`);
      if (event.error.hint !== undefined) notes.line(`  ${terminal.style("dim", "hint:")} ${event.error.hint}`);
    },
  });
}

async function pushOutputs(project: Project, name: string, { options, context }: Call): Promise<number> {
  const { openRemote } = await import("../../app/remotes.ts");
  const { pushAfterRun } = await import("./transfer.ts");
  await using remote = await openRemote(project, { name });
  return await pushAfterRun(project, remote, context, options.json || options.jsonl);
}

interface Call {
  readonly options: RunArguments;
  readonly watch?: WatchHooks;
  readonly notes?: Notes;
  readonly context: CommandContext;
}

async function showPlan(
  workspace: Workspace,
  stages: readonly StageSpec[],
  { options, context }: Call,
): Promise<number> {
  const { terminal } = context;
  const plan = await planRun(workspace, { stages, force: options.force, bring: true, signal: context.signal });
  await workspace.state.commit();
  const decisions = [...plan.decisions.values()];
  if (options.json || options.jsonl) {
    terminal.out(
      JSON.stringify(
        options.explain ? { decisions, explanations: explainDecisions(workspace, decisions) } : { decisions },
      ),
    );
  } else if (options.explain) {
    const explanations = explainDecisions(workspace, decisions);
    for (const explanation of explanations) renderExplanation(explanation).forEach(terminal.out);
    explanationNotes(explanations).forEach(terminal.note);
  } else for (const decision of decisions) terminal.out(planLine(decision));
  assertSound(await codesOf(workspace, stages));
  const wouldRun = decisions.filter((decision) => decision.verdict !== "skip");
  if (!options.check || wouldRun.length === 0) return 0;
  terminal.note(`${wouldRun.length} of ${decisions.length} stages are not up to date`);
  return 4;
}

function planLine(decision: Decision): string {
  const words = { skip: "skip", restore: "restore", run: "run", pending: "later", blocked: "blocked" } as const;
  return `${words[decision.verdict].padEnd(8)}${decision.stage}  ${describeReason(decision.headline)}`;
}

async function execute(
  project: Project,
  workspace: Workspace,
  stages: readonly StageSpec[],
  { options, context, watch, notes }: Call,
): Promise<number> {
  const { terminal } = context;
  const jobs = options.jobs ?? (project.settings.jobs > 0 ? project.settings.jobs : navigator.hardwareConcurrency);
  const explain = (decision: Decision) => explainDecisions(workspace, [decision]).flatMap(renderExplanation);
  using printer = progressPrinter(terminal, { ...(options.explain ? { explain } : {}), quiet: options.quiet });
  if (notes !== undefined) notes.line = printer.line;
  const onEvent = (event: RunEvent) => {
    if (options.jsonl) terminal.out(JSON.stringify(event));
    else if (!options.json) printer.onEvent(event);
  };
  const summary = await run(workspace, {
    stages,
    jobs,
    // What an edit does not touch goes on.
    keepGoing: options.keepGoing || watch !== undefined,
    ...(watch === undefined ? {} : { stageSignal: watch.stageSignal }),
    force: options.force,
    noCommit: options.noCommit,
    signal: context.signal,
    onEvent,
    command: ["run", ...context.args.slice(1)],
    keepHistory: project.settings.historyKeep,
    keepHistoryDays: project.settings.historyKeepDays,
    ...(options.noWait ? { lockWaitMs: 0 } : {}),
  });
  if (options.json) terminal.out(JSON.stringify(summary));
  if (summary.cancelled) return 130;
  return summary.success ? 0 : exitCodeOf(summary.stages.flatMap((stage) => stage.error ?? []));
}

/** 1, unless every failure is of one other kind: broken code, a held lock, damaged content. */
function exitCodeOf(errors: readonly { readonly kind?: string }[]): number {
  const kinds = new Set(errors.map((error) => error.kind));
  if (kinds.size !== 1) return 1;
  if (kinds.has("invalid")) return 3;
  if (kinds.has("locked")) return 11;
  return kinds.has("integrity") ? 12 : 1;
}
