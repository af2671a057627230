// Commands that decide and run.

import { longestMatch, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { argument, command, constant, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { json, mode, noGitIgnore, page, set, targets } from "./shared.ts";

const run = command(
  "run",
  object({
    command: constant("run"),
    targets,
    only: option("--only", { description: message`Run just the targets, not what they need.` }),
    jobs: optional(
      option("-j", "--jobs", integer({ min: 1, metavar: "N" }), {
        description: message`Stages at once; default is the number of cores.`,
      }),
    ),
    keepGoing: option("-k", "--keep-going", {
      description: message`After a failure, go on with what does not depend on it.`,
    }),
    force: option("-f", "--force", { description: message`Run even what is up to date.` }),
    dryRun: option("-n", "--dry-run", { description: message`Show what would be done, and do nothing.` }),
    explain: option("--explain", { description: message`Show every reason for every stage.` }),
    check: option("--check", { description: message`Do nothing; exit 4 if anything would run.` }),
    noCommit: option("--no-commit", {
      description: message`Leave outputs out of cache and record until ${"pivot commit"}.`,
    }),
    noWait: option("--no-wait", {
      description: message`Fail when another process works on a stage, instead of waiting.`,
    }),
    pull: option("--pull", {
      description:
        message`Fetch from the default remote what a skip or restore needs, shared runs included; what it lacks is made.`,
    }),
    push: option("--push", { description: message`Push to the default remote after a good run.` }),
    watch: option("-w", "--watch", { description: message`Run again whenever an input or code is saved.` }),
    noGitIgnore,
    quiet: option("-q", "--quiet", { description: message`Do not show what stages print.` }),
    mode,
    set,
    json,
    jsonl: option("--jsonl", { description: message`Print every event as a line of JSON.` }),
  }),
  {
    brief: message`Bring stages up to date.`,
    description:
      message`Runs the stages whose code, parameters or dependencies changed, restores what the cache has, skips the rest.`,
    footer:
      message`Examples: pivot run · pivot run train --jobs 4 · pivot run data/clean.csv --explain · pivot run --watch · pivot run --set train.lr=0.1`,
  },
);

const status = command(
  "status",
  object({
    command: constant("status"),
    targets,
    explain: option("--explain", {
      description: message`Every reason, each changed symbol with hashes, file and line.`,
    }),
    set,
    json,
  }),
  {
    brief: message`Show which stages would run, and why.`,
    footer: message`Examples: pivot status · pivot status --explain train · pivot status --json`,
  },
);

const list = command("list", object({ command: constant("list"), json }), {
  brief: message`List stages with their dependencies and outputs.`,
});

const dag = command(
  "dag",
  object({
    command: constant("dag"),
    targets,
    format: withDefault(
      longestMatch(
        object({
          format: constant("mermaid"),
          mermaid: option("--mermaid", { description: message`As a Mermaid flowchart.` }),
        }),
        object({ format: constant("dot"), dot: option("--dot", { description: message`As Graphviz DOT.` }) }),
        object({ format: constant("json"), json }),
        object({
          format: constant("html"),
          html: option("--html", { description: message`As an interactive page with status, times and reasons.` }),
          ...page,
        }),
      ),
      { format: "text" } as const,
    ),
  }),
  {
    brief: message`Draw the graph of stages.`,
    footer: message`Examples: pivot dag · pivot dag --html --open · pivot dag --dot | dot -Tsvg > dag.svg`,
  },
);

const logs = command(
  "logs",
  object({
    command: constant("logs"),
    stage: argument(string({ metavar: "STAGE" })),
    tail: optional(option("--tail", integer({ min: 1, metavar: "N" }), { description: message`Only the last lines.` })),
    json,
  }),
  {
    brief: message`Print what a stage printed when it last ran, and which run that was.`,
    footer: message`Examples: pivot logs train · pivot logs train --tail 20 · pivot logs train --json`,
  },
);

const show = command(
  "show",
  object({
    command: constant("show"),
    run: optional(
      argument(string({ metavar: "RUN" }), {
        description: message`Short name or start of an id, ${"last"} or ${"last~2"}; default is the last.`,
      }),
    ),
    all: option("--all", { description: message`Also stages that were skipped.` }),
    json,
  }),
  { brief: message`Show a past run, stage by stage.`, footer: message`Examples: pivot show · pivot show 3f9a2c --all` },
);

const history = command(
  "history",
  object({
    command: constant("history"),
    stage: optional(
      option("--stage", string({ metavar: "STAGE" }), { description: message`Only runs that did something with it.` }),
    ),
    limit: withDefault(
      option("--limit", integer({ min: 1, metavar: "N" }), { description: message`Runs to list; default is 20.` }),
      20,
    ),
    json,
  }),
  {
    brief: message`List past runs that did something.`,
    description:
      message`The settings ${"history.keep"} (runs, default 200) and ${"history.keep_days"} (default 365) say how much is kept.`,
    footer: message`Examples: pivot history --stage train · pivot history --limit 5 --json`,
  },
);

/** Deciding, running, looking back. */
export const pipelineCommands = or(run, status, list, dag, logs, history, show);
