// Options that several commands share.

import { message } from "@optique/core/message";
import { multiple, optional } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";

/** One JSON result. */
export const json = option("--json", { description: message`Print one JSON result instead of text.` });

/** Stages, by name, pattern or output. */
export const targets = multiple(
  argument(string({ metavar: "TARGET" }), {
    description: message`Stage names, ${"train@*"} patterns or output paths; none means all.`,
  }),
);

/** How files come from the cache. */
export const mode = optional(
  option("--checkout-mode", choice(["hardlink", "symlink", "copy"]), {
    description: message`How files come from the cache; an explicit mode never falls back.`,
  }),
);

/** Parameters on the command line. */
export const set = multiple(
  option("-S", "--set", string({ metavar: "STAGE.KEY=VALUE" }), { description: message`Override a parameter.` }),
);

/** Leaves `.gitignore` alone. */
export const noGitIgnore = option("--no-gitignore", { description: message`Leave .gitignore as it is.` });

/** Old content from a remote. */
export const pull = option("--pull", {
  description: message`Fetch old content that is not here from the default remote.`,
});

/** Where a page goes, and whether it is opened. */
export const page = {
  output: optional(
    option("-o", "--output", string({ metavar: "FILE" }), { description: message`Default is below .pivot/tmp.` }),
  ),
  open: option("--open", { description: message`Open it in the browser.` }),
};
