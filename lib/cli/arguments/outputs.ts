// Commands on outputs and their cache.

import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, command, constant, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { json, mode, noGitIgnore, targets } from "./shared.ts";

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

const commit = command("commit", object({ command: constant("commit"), targets, noGitIgnore, json }), {
  brief: message`Take outputs as they are now into cache and record.`,
  footer: message`Example: pivot run --no-commit && pivot commit`,
});

const verify = command(
  "verify",
  object({
    command: constant("verify"),
    stages: option("--stages", { description: message`Only whether a run would execute nothing.` }),
    cache: option("--cache", { description: message`Only the blobs of the cache.` }),
    allowMissing: option("--allow-missing", {
      description: message`What is recorded need not be here, if the cache or the default remote has it.`,
    }),
    json,
  }),
  {
    brief: message`Check that a run would execute nothing, and that every cached blob is whole.`,
    description:
      message`Exit code 1 if a stage would run or something recorded is lost, 12 if a blob is damaged; damaged blobs are set aside. Without --stages or --cache both are checked.`,
    footer: message`Examples: pivot verify · pivot verify --stages --allow-missing (in continuous integration)`,
  },
);

const gc = command(
  "gc",
  object({
    command: constant("gc"),
    dryRun: option("-n", "--dry-run", { description: message`Only say what would go.` }),
    allBranches: option("--all-branches", {
      description: message`Keep what a record on any branch of git names, remote branches included.`,
    }),
    allTags: option("--all-tags", { description: message`Keep what a record on any tag names.` }),
    keepDays: optional(
      option("--keep-days", integer({ min: 0, metavar: "N" }), { description: message`Keep what is younger.` }),
    ),
    json,
  }),
  {
    brief: message`Remove blobs that no record of this workspace names.`,
    footer: message`Example: pivot gc --all-branches --all-tags --keep-days 7 --dry-run`,
  },
);

const paths = multiple(argument(string({ metavar: "PATH" })), { min: 1 });

const track = command(
  "track",
  object({ command: constant("track"), paths, noGitIgnore, json }),
  {
    brief: message`Keep data that no stage makes in the cache, recorded in git.`,
    description:
      message`Files and folders go into the cache and into ${"push"}, ${"pull"}, ${"checkout"} and ${"status"}. Run it again after a change.`,
    footer: message`Examples: pivot track data/raw.csv · pivot track images/`,
  },
);

const untrack = command("untrack", object({ command: constant("untrack"), paths, noGitIgnore, json }), {
  brief: message`Forget tracked data; it stays where it is.`,
  footer: message`Example: pivot untrack data/raw.csv`,
});

/** Outputs and their cache. */
export const outputCommands = or(checkout, commit, track, untrack, gc, verify);
