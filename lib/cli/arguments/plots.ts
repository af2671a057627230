// Commands that make pages of plots.

import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, command, constant, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { json, page, pull, targets } from "./shared.ts";

const plots = command(
  "plots",
  or(
    command("show", object({ command: constant("plots-show"), targets, ...page, json }), {
      brief: message`All plots on one page.`,
      description:
        message`Pictures as they are, tables as charts, metrics beside them; one HTML file that needs no network.`,
      footer: message`Examples: pivot plots show --open · pivot plots show train -o plots.html`,
    }),
    command(
      "diff",
      object({
        command: constant("plots-diff"),
        range: optional(
          argument(string({ metavar: "RANGE" }), {
            description: message`${"A..B"}, or ${"A"} to compare it with the workspace; default is HEAD.`,
          }),
        ),
        targets: multiple(
          option("-t", "--target", string({ metavar: "TARGET" }), {
            description: message`Only these stages or plots; may be repeated.`,
          }),
        ),
        pull,
        ...page,
        json,
      }),
      {
        brief: message`Plots beside those of another revision.`,
        footer: message`Examples: pivot plots diff --open · pivot plots diff main..feature -o diff.html`,
      },
    ),
  ),
  { brief: message`Pages of plots.` },
);

/** Pages of plots. */
export const plotCommands = plots;
