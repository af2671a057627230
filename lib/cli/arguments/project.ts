// Commands on the project itself.

import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { argument, command, constant, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { json } from "./shared.ts";

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

const doctor = command("doctor", object({ command: constant("doctor"), json }), {
  brief: message`Check runtime, project, cache and pipeline.`,
});

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

const importDvc = command(
  "import-dvc",
  object({
    command: constant("import-dvc"),
    dryRun: option("-n", "--dry-run", { description: message`Print pivot.yaml and write nothing.` }),
    force: option("-f", "--force", { description: message`Overwrite pivot.yaml.` }),
    json,
  }),
  {
    brief: message`Turn a DVC project into a pivot one.`,
    description:
      message`Reads dvc.yaml, params.yaml, dvc.lock and .dvc files; writes pivot.yaml, tracks data, records what is up to date, lists what has no counterpart.`,
    footer: message`Examples: pivot import-dvc --dry-run · pivot import-dvc && pivot status`,
  },
);

const schema = command(
  "schema",
  object({
    command: constant("schema"),
    write: option("--write", { description: message`Write it into the project and point pivot.yaml to it.` }),
  }),
  {
    brief: message`Print the JSON Schema of pivot.yaml.`,
    footer: message`Examples: pivot schema > pivot.schema.json · pivot schema --write`,
  },
);

/** The project itself. */
export const projectCommands = or(init, config, doctor, schema, importDvc, compileManifest);
