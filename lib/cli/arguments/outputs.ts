// Commands on outputs and their cache.

import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { command, constant, option } from "@optique/core/primitives";
import { integer } from "@optique/core/valueparser";
import { json, mode, targets } from "./shared.ts";

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

/** Outputs and their cache. */
export const outputCommands = or(checkout, commit, gc, verify);
