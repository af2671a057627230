// Commands of continuous integration.

import { object, or } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple, optional, withDefault } from "@optique/core/modifiers";
import { argument, command, constant, option } from "@optique/core/primitives";
import { choice, string } from "@optique/core/valueparser";
import { json } from "./shared.ts";

const run = command(
  "run",
  object({
    command: constant("ci-run"),
    file: argument(string({ metavar: "FILE" }), {
      description: message`pipeline.yml, or a module such as pipeline.ts.`,
    }),
    driver: withDefault(
      option("--driver", string({ metavar: "DSN" }), {
        description: message`Where tasks run and where volumes are kept; default is ${"native"}.`,
      }),
      "native",
    ),
    job: optional(option("--job", string({ metavar: "NAME" }), { description: message`Only this job.` })),
    params: multiple(
      option("--param", string({ metavar: "NAME=VALUE" }), {
        description: message`A value for ((NAME)); may be repeated.`,
      }),
    ),
    secretEnv: multiple(
      option("--secret-env", string({ metavar: "NAME" }), {
        description: message`The variable's value for ((NAME)), hidden in all output; may be repeated.`,
      }),
    ),
    persist: optional(
      option("--persist", choice(["success", "always", "never"]), {
        description: message`When volumes are stored; default is after success.`,
      }),
    ),
    onConflict: optional(
      option("--on-conflict", choice(["newest", "keep"]), {
        description: message`When another run stored a volume meanwhile; default is ${"newest"}: it is replaced.`,
      }),
    ),
    plan: option("--plan", { description: message`Show what would run, and run nothing.` }),
    quiet: option("-q", "--quiet", { description: message`Do not show what tasks print.` }),
    json,
    jsonl: option("--jsonl", { description: message`Print every event as a line of JSON.` }),
  }),
  {
    brief: message`Run a pipeline, its volumes kept in object storage.`,
    description:
      message`A DSN is ${"native"}, ${"docker://NAMESPACE"} or ${"k8s://NAMESPACE"}, the namespace being optional, then ?NAME=VALUE&NAME=VALUE. Names for native: root, mounts; for docker: host, image; for k8s: kubeconfig, context, storage_class, storage_size, image. To keep volumes between runs: cache (s3://bucket/prefix, minio://host:port/bucket, gcs://bucket, file:///folder), cache_prefix, cache_compression (zstd, gzip, none), ttl (90m, 24h, 7d, 2w), and what the store needs: endpoint, region, profile, secure, checksums. Exit code 1 if a task failed, 2 or 3 if an option or the pipeline is wrong (nothing ran then), 14 if a task could not be run, 130 after Ctrl-C. Failing to store a volume is a warning, unless --persist was given: 13.`,
    footer:
      message`Examples: pivot ci run pipeline.yml · pivot ci run pipeline.yml --driver='docker://?cache=s3://bucket?region=us-west-2&cache_prefix=project-a' · pivot ci run pipeline.ts --driver='native://?cache=file:///var/cache/ci&ttl=7d'`,
  },
);

const where = {
  store: option("--store", string({ metavar: "URL" }), {
    description:
      message`${"s3://bucket/prefix"}, ${"minio://host:port/bucket"}, ${"gcs://bucket"} or ${"file:///folder"}, with the parameters that a driver's ${"cache"} takes, such as ${"?endpoint=http://localhost:9000&region=us-east-1"}.`,
  }),
  prefix: optional(
    option("--prefix", string({ metavar: "PREFIX" }), { description: message`As in ${"cache_prefix"} of a driver.` }),
  ),
};
const store = { ...where, json };
const volume = argument(string({ metavar: "VOLUME" }));
const dryRun = option("-n", "--dry-run", { description: message`Only say what would go.` });

const cache = command(
  "cache",
  or(
    command("ls", object({ command: constant("ci-cache-ls"), ...store }), {
      brief: message`The stored volumes.`,
      footer: message`Example: pivot ci cache ls --store s3://bucket --prefix project-a`,
    }),
    command("stat", object({ command: constant("ci-cache-stat"), volume, ...store }), {
      brief: message`One volume: its record and what is in it.`,
      footer: message`Example: pivot ci cache stat cache-node_modules --store s3://bucket`,
    }),
    command(
      "cat",
      object({ command: constant("ci-cache-cat"), volume, path: argument(string({ metavar: "PATH" })), ...where }),
      {
        brief: message`The content of one file of a volume; reads little more than that file.`,
        footer: message`Example: pivot ci cache cat cache-node_modules lodash/package.json --store s3://bucket`,
      },
    ),
    command("rm", object({ command: constant("ci-cache-rm"), volume, dryRun, ...store }), {
      brief: message`Remove a volume, so that the next run makes it anew.`,
      footer: message`Example: pivot ci cache rm cache-node_modules --dry-run --store s3://bucket --prefix project-a`,
    }),
    command(
      "gc",
      object({
        command: constant("ci-cache-gc"),
        olderThan: option("--older-than", string({ metavar: "AGE" }), {
          description: message`${"90m"}, ${"24h"}, ${"7d"} or ${"2w"}.`,
        }),
        dryRun,
        ...store,
      }),
      {
        brief: message`Remove volumes that were stored long ago.`,
        footer: message`Example: pivot ci cache gc --older-than 30d --dry-run --store s3://bucket`,
      },
    ),
    command("verify", object({ command: constant("ci-cache-verify"), ...store }), {
      brief: message`Read every volume whole and check it; exit 12 if one is damaged.`,
      footer: message`Example: pivot ci cache verify --store s3://bucket --prefix project-a`,
    }),
  ),
  { brief: message`Look after stored volumes.` },
);

/** Continuous integration. */
export const ciCommands = command("ci", or(run, cache), {
  brief: message`Run continuous-integration pipelines and look after their volumes.`,
});
