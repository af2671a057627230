// The command line as data. Invariant: every option here is read by a command; parsing has no effects.

import { group, longestMatch, object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { argument, command, constant, option } from "@optique/core/primitives";
import { choice, integer, string } from "@optique/core/valueparser";

const json = option("--json", { description: message`Print one JSON result instead of text.` });
const targets = multiple(
  argument(string({ metavar: "TARGET" }), {
    description: message`Stage names, ${"train@*"} patterns or output paths; none means all.`,
  }),
);
const mode = optional(
  option("--checkout-mode", choice(["hardlink", "symlink", "copy"]), {
    description: message`How files come from the cache; an explicit mode never falls back.`,
  }),
);
const set = multiple(
  option("--set", string({ metavar: "STAGE.KEY=VALUE" }), { description: message`Override a parameter.` }),
);

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
    pull: option("--pull", { description: message`Fetch from the default remote what a skip needs.` }),
    push: option("--push", { description: message`Push to the default remote after a good run.` }),
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
      message`Examples: pivot run · pivot run train --jobs 4 · pivot run data/clean.csv --explain · pivot run --set train.lr=0.1`,
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
      ),
      { format: "text" } as const,
    ),
  }),
  {
    brief: message`Draw the graph of stages.`,
    footer: message`Examples: pivot dag · pivot dag --dot | dot -Tsvg > dag.svg`,
  },
);

const checkout = command(
  "checkout",
  object({
    command: constant("checkout"),
    targets,
    mode,
    force: option("-f", "--force", { description: message`Overwrite outputs that were changed by hand.` }),
    json,
  }),
  {
    brief: message`Bring recorded outputs from the cache into the workspace.`,
    footer: message`Examples: pivot checkout · pivot checkout train --checkout-mode copy`,
  },
);

const commit = command("commit", object({ command: constant("commit"), targets, json }), {
  brief: message`Take outputs as they are now into cache and record.`,
  footer: message`Example: pivot run --no-commit && pivot commit`,
});

const logs = command(
  "logs",
  object({
    command: constant("logs"),
    stage: argument(string({ metavar: "STAGE" })),
    tail: optional(option("--tail", integer({ min: 1, metavar: "N" }), { description: message`Only the last lines.` })),
  }),
  { brief: message`Print what a stage printed when it last ran.` },
);

const doctor = command("doctor", object({ command: constant("doctor"), json }), {
  brief: message`Check runtime, project, cache and pipeline.`,
});

const verify = command("verify", object({ command: constant("verify"), json }), {
  brief: message`Hash every blob in the cache again; damaged ones are set aside.`,
});

const gc = command(
  "gc",
  object({
    command: constant("gc"),
    dryRun: option("-n", "--dry-run", { description: message`Only say what would go.` }),
    keepDays: optional(
      option("--keep-days", integer({ min: 0, metavar: "N" }), { description: message`Keep what is younger.` }),
    ),
    json,
  }),
  { brief: message`Remove blobs that no record of this workspace names.` },
);

const history = command(
  "history",
  object({
    command: constant("history"),
    limit: withDefault(option("--limit", integer({ min: 1, metavar: "N" })), 20),
    json,
  }),
  { brief: message`List past runs that did something.` },
);

const transferOptions = {
  targets,
  remote: optional(
    option("-r", "--remote", string({ metavar: "NAME" }), {
      description: message`Which remote; default is the default one.`,
    }),
  ),
  jobs: optional(
    option("-j", "--jobs", integer({ min: 1, metavar: "N" }), {
      description: message`Transfers at once; default is 20.`,
    }),
  ),
  dryRun: option("-n", "--dry-run", { description: message`Show what would be moved, and move nothing.` }),
  force: option("-f", "--force", {
    description: message`Push: compare what is there byte by byte. Pull: overwrite outputs changed by hand.`,
  }),
  all: option("--all", { description: message`The whole cache or remote, not only what records name.` }),
  json,
};

const push = command("push", object({ command: constant("push"), ...transferOptions }), {
  brief: message`Send outputs to a remote.`,
  footer: message`Examples: pivot push · pivot push train --remote origin --dry-run`,
});
const pull = command("pull", object({ command: constant("pull"), ...transferOptions }), {
  brief: message`Fetch outputs from a remote and check them out.`,
  footer: message`Example: pivot pull && pivot run`,
});
const fetchCommand = command("fetch", object({ command: constant("fetch"), ...transferOptions }), {
  brief: message`Fetch outputs from a remote into the cache alone.`,
});
const sync = command("sync", object({ command: constant("sync"), ...transferOptions }), {
  brief: message`Pull, then push.`,
});

const remoteName = argument(string({ metavar: "NAME" }));
const remote = command(
  "remote",
  or(
    command("list", object({ command: constant("remote-list"), json }), {
      brief: message`The remotes of this project.`,
    }),
    command(
      "add",
      object({
        command: constant("remote-add"),
        name: remoteName,
        url: argument(string({ metavar: "URL" })),
        region: optional(option("--region", string({ metavar: "REGION" }))),
        endpoint: optional(
          option("--endpoint", string({ metavar: "URL" }), { description: message`Of an S3-compatible server.` }),
        ),
        profile: optional(
          option("--profile", string({ metavar: "NAME" }), { description: message`Of the shared credentials file.` }),
        ),
      }),
      {
        brief: message`Add a remote; the first becomes the default.`,
        footer: message`Examples: pivot remote add origin s3://bucket/prefix · pivot remote add nas file:///mnt/cache`,
      },
    ),
    command("remove", object({ command: constant("remote-remove"), name: remoteName }), {
      brief: message`Forget a remote.`,
    }),
    command("default", object({ command: constant("remote-default"), name: remoteName }), {
      brief: message`Choose the default remote.`,
    }),
    command("status", object({ command: constant("remote-status"), name: optional(remoteName), json }), {
      brief: message`What is here, there, and on both sides.`,
    }),
    command("check", object({ command: constant("remote-check"), name: optional(remoteName), json }), {
      brief: message`Try to reach, write, read, list and delete.`,
    }),
  ),
  { brief: message`Remotes that share the cache.` },
);

const config = command(
  "config",
  or(
    command("list", object({ command: constant("config-list"), json }), {
      brief: message`All settings, their values and sources.`,
    }),
    command("get", object({ command: constant("config-get"), key: argument(string({ metavar: "KEY" })), json }), {
      brief: message`One setting.`,
    }),
    command(
      "set",
      object({
        command: constant("config-set"),
        key: argument(string({ metavar: "KEY" })),
        value: argument(string({ metavar: "VALUE" })),
      }),
      { brief: message`Write a setting to .pivot/config.yaml.` },
    ),
    command("unset", object({ command: constant("config-unset"), key: argument(string({ metavar: "KEY" })) }), {
      brief: message`Remove a setting from .pivot/config.yaml.`,
    }),
  ),
  { brief: message`Read and write settings.`, footer: message`Example: pivot config set cache.modes copy` },
);

const compileManifest = command(
  "compile-manifest",
  object({
    command: constant("compile-manifest"),
    output: optional(
      option("-o", "--output", string({ metavar: "FILE" }), { description: message`Default is pivot_manifest.json.` }),
    ),
    check: option("--check", { description: message`Write nothing; exit 1 if the file is stale.` }),
    json,
  }),
  {
    brief: message`Write code identities for a program that stages are compiled into.`,
    footer: message`Example: pivot compile-manifest && deno compile -A main.ts`,
  },
);

const init = command(
  "init",
  object({
    command: constant("init"),
    folder: optional(
      argument(string({ metavar: "FOLDER" }), { description: message`Default is the working directory.` }),
    ),
    example: option("--example", { description: message`Write an example pipeline to try.` }),
    json,
  }),
  {
    brief: message`Make a folder a project.`,
    footer: message`Example: pivot init --example demo && cd demo && deno task pivot run`,
  },
);

/** The whole command line. */
export const commandLine = or(
  group("Pipeline", or(run, status, list, dag, logs, history)),
  group("Outputs", or(checkout, commit, gc, verify)),
  group("Remotes", or(push, pull, fetchCommand, sync, remote)),
  group("Project", or(init, config, doctor, compileManifest)),
);
