// The command line as data. Invariant: every option here is read by a command; parsing has no effects.

import { group, or } from "@optique/core/constructs";
import { ciCommands } from "./ci.ts";
import { outputCommands } from "./outputs.ts";
import { plotCommands } from "./plots.ts";
import { pipelineCommands } from "./pipeline.ts";
import { projectCommands } from "./project.ts";
import { reportCommands } from "./reports.ts";
import { remoteCommands } from "./remotes.ts";

/** The whole command line. */
export const commandLine = or(
  group("Pipeline", pipelineCommands),
  group("Outputs", outputCommands),
  group("Reports", or(reportCommands, plotCommands)),
  group("Remotes", remoteCommands),
  group("Continuous integration", ciCommands),
  group("Project", projectCommands),
);

/** Names of all commands, for hints. */
export const commandNames: readonly string[] =
  ("run status list dag logs history show checkout commit track untrack gc verify metrics params plots diff push pull fetch sync remote " +
    "ci init config doctor schema import-dvc compile-manifest completions").split(" ");
