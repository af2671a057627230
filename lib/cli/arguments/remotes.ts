// Commands on remotes.

import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, command, constant, option } from "@optique/core/primitives";
import { choice, integer, string } from "@optique/core/valueparser";
import { json, targets } from "./shared.ts";

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
    description:
      message`Push: compare what is there by SHA-256. Fetch: download again what is here. Pull: overwrite outputs changed by hand.`,
  }),
  all: option("--all", { description: message`The whole cache or remote, not only what records name.` }),
  json,
};

const runCache = option("--run-cache", {
  description:
    message`Also share what inputs led to, so that who never ran a stage gets its outputs by run --pull. The setting shared_run_cache makes every push do so.`,
});

const push = command("push", object({ command: constant("push"), ...transferOptions, runCache }), {
  brief: message`Send outputs to a remote.`,
  footer: message`Examples: pivot push · pivot push train --remote origin --dry-run · pivot push --run-cache`,
});

const pull = command("pull", object({ command: constant("pull"), ...transferOptions }), {
  brief: message`Fetch outputs from a remote and check them out.`,
  footer: message`Example: pivot pull && pivot run`,
});

const fetchCommand = command("fetch", object({ command: constant("fetch"), ...transferOptions }), {
  brief: message`Fetch outputs from a remote into the cache alone.`,
  footer: message`Examples: pivot fetch · pivot fetch data/ --jobs 4`,
});

const sync = command("sync", object({ command: constant("sync"), ...transferOptions, runCache }), {
  brief: message`Pull, then push.`,
  footer: message`Example: pivot sync --dry-run`,
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
        checksums: optional(
          option("--checksums", choice(["when_supported", "when_required"]), {
            description: message`Which checksums are sent; servers other than AWS's may know few.`,
          }),
        ),
        autoPush: option("--auto-push", { description: message`Push to it after each good run.` }),
        autoPull: option("--auto-pull", { description: message`A run fetches from it what it misses.` }),
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
    command("ls", object({ command: constant("remote-ls"), name: optional(remoteName), json }), {
      brief: message`What it holds, how large, and which stages need it.`,
    }),
    command("check", object({ command: constant("remote-check"), name: optional(remoteName), json }), {
      brief: message`Try to reach, write, read, list and delete; compare clocks.`,
      footer: message`Example: pivot remote check origin`,
    }),
    command(
      "gc",
      object({
        command: constant("remote-gc"),
        name: optional(remoteName),
        olderThan: optional(
          option("--older-than", integer({ min: 1, metavar: "DAYS" }), {
            description: message`Keep what was written since; default is 30 days.`,
          }),
        ),
        yes: option("--yes", { description: message`Remove; without it only said what would go.` }),
        json,
      }),
      {
        brief: message`Remove what no record on any branch or tag names.`,
        description:
          message`Reads the records of this workspace and those at the tips of all branches and tags that this clone knows: run git fetch --all --tags first. Shared runs go before the blobs that they name.`,
        footer: message`Examples: pivot remote gc · pivot remote gc origin --older-than 90 --yes`,
      },
    ),
  ),
  { brief: message`Remotes that share the cache.` },
);

/** Remotes. */
export const remoteCommands = or(push, pull, fetchCommand, sync, remote);
