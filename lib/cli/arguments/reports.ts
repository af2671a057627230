// Commands that compare revisions.

import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { argument, command, constant, option } from "@optique/core/primitives";
import { integer, string } from "@optique/core/valueparser";
import { json, pull, set, targets } from "./shared.ts";

const words = multiple(
  argument(string({ metavar: "RANGE|TARGET" }), {
    description:
      message`${"A..B"}, or ${"A"} to compare it with the workspace; default is HEAD. Stages and outputs narrow it down.`,
  }),
);
const named = multiple(
  option("-t", "--target", string({ metavar: "TARGET" }), {
    description: message`Only these stages or files; may be repeated.`,
  }),
);
const revision = optional(
  option("--rev", string({ metavar: "REVISION" }), { description: message`Of a commit instead of the workspace.` }),
);
const precision = withDefault(
  option("--precision", integer({ min: 0, max: 15, metavar: "N" }), {
    description: message`Digits after the decimal point; default is 5.`,
  }),
  5,
);
const md = option("--md", { description: message`As a Markdown table.` });
const all = option("--all", { description: message`Also what did not change.` });

const metrics = command(
  "metrics",
  or(
    command(
      "show",
      object({ command: constant("metrics-show"), targets, revision, pull, precision, md, json }),
      { brief: message`The metrics of the workspace.`, footer: message`Example: pivot metrics show train --md` },
    ),
    command(
      "diff",
      object({ command: constant("metrics-diff"), words, targets: named, all, pull, precision, md, json }),
      {
        brief: message`Metrics beside those of another revision.`,
        footer: message`Examples: pivot metrics diff · pivot metrics diff main train · pivot metrics diff v1..v2 --md`,
      },
    ),
  ),
  { brief: message`Show and compare metrics.` },
);

const params = command(
  "params",
  or(
    command(
      "show",
      object({ command: constant("params-show"), targets, revision, set, precision, md, json }),
      { brief: message`The parameters that stages get.`, footer: message`Example: pivot params show train` },
    ),
    command(
      "diff",
      object({ command: constant("params-diff"), words, targets: named, all, set, precision, md, json }),
      {
        brief: message`Parameters beside those of another revision.`,
        footer: message`Examples: pivot params diff · pivot params diff main..feature`,
      },
    ),
  ),
  { brief: message`Show and compare parameters.` },
);

const diff = command(
  "diff",
  object({
    command: constant("diff"),
    words,
    targets: named,
    key: optional(
      option("--key", string({ metavar: "COLUMNS" }), {
        description:
          message`Columns that tell a row, as in ${"date,city"}; without it rows are aligned by what they hold.`,
      }),
    ),
    limit: withDefault(
      option("--limit", integer({ min: 0, metavar: "N" }), {
        description: message`Rows to list per file; default is 10.`,
      }),
      10,
    ),
    pull,
    precision,
    md,
    json,
  }),
  {
    brief: message`What changed in outputs since another revision.`,
    description:
      message`Tables (csv, tsv, json, jsonl) row by row up to 33.6 MB, folders file by file, the rest by size. Equal rows are matched in order, then those between them that share most cells; what is left was added or removed. Rows that moved count as removed and added unless ${"--key"} names their columns. Numbers of rows are those of the later side, of removed rows the earlier.`,
    footer: message`Examples: pivot diff · pivot diff main data/clean.csv --key id · pivot diff v1..v2 --json`,
  },
);

/** Comparing revisions. */
export const reportCommands = or(metrics, params, diff);
