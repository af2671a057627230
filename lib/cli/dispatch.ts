// From a parsed command line to its command. Invariant: a command's modules load only when it was asked for.

import type { Arguments, CommandContext } from "./main.ts";

/** Runs the command and returns its exit code. */
export async function dispatch(parsed: Arguments, context: CommandContext): Promise<number> {
  switch (parsed.command) {
    case "run":
      return await (await import("./commands/run.ts")).runCommand(parsed, context);
    case "status":
      return await (await import("./commands/status.ts")).statusCommand(parsed, context);
    case "list":
      return await (await import("./commands/list.ts")).listCommand(parsed, context);
    case "dag":
      return await (await import("./commands/dag.ts")).dagCommand(parsed, context);
    case "checkout":
      return await (await import("./commands/checkout.ts")).checkoutCommand(parsed, context);
    case "commit":
      return await (await import("./commands/commit.ts")).commitCommand(parsed, context);
    case "track":
    case "untrack":
      return await (await import("./commands/track.ts")).trackCommand(parsed, context);
    case "logs":
      return await (await import("./commands/logs.ts")).logsCommand(parsed, context);
    case "history":
      return await (await import("./commands/history.ts")).historyCommand(parsed, context);
    case "show":
      return await (await import("./commands/show.ts")).showCommand(parsed, context);
    case "doctor":
      return await (await import("./commands/doctor.ts")).doctorCommand(parsed, context);
    case "gc":
      return await (await import("./commands/gc.ts")).gcCommand(parsed, context);
    case "verify":
      return await (await import("./commands/verify.ts")).verifyCommand(parsed, context);
    case "metrics-show":
    case "metrics-diff":
      return await (await import("./commands/metrics.ts")).metricsCommand(parsed, context);
    case "params-show":
    case "params-diff":
      return await (await import("./commands/params.ts")).paramsCommand(parsed, context);
    case "plots-show":
    case "plots-diff":
      return await (await import("./commands/plots.ts")).plotsCommand(parsed, context);
    case "diff":
      return await (await import("./commands/diff.ts")).diffCommand(parsed, context);
    case "push":
    case "pull":
    case "fetch":
    case "sync":
      return await (await import("./commands/transfer.ts")).transferCommand(parsed, context);
    case "remote-list":
    case "remote-add":
    case "remote-remove":
    case "remote-default":
    case "remote-status":
    case "remote-ls":
    case "remote-check":
    case "remote-gc":
      return await (await import("./commands/remote.ts")).remoteCommand(parsed, context);
    case "compile-manifest":
      return await (await import("./commands/compile_manifest.ts")).compileManifestCommand(parsed, context);
    case "ci-run":
      return await (await import("./commands/ci.ts")).ciRunCommand(parsed, context);
    case "ci-cache-ls":
    case "ci-cache-stat":
    case "ci-cache-cat":
    case "ci-cache-rm":
    case "ci-cache-gc":
    case "ci-cache-verify":
      return await (await import("./commands/ci_cache.ts")).ciCacheCommand(parsed, context);
    case "schema":
      return (await import("./commands/schema.ts")).schemaCommand(parsed, context);
    case "import-dvc":
      return await (await import("./commands/import_dvc.ts")).importDvcCommand(parsed, context);
    case "init":
      return await (await import("./commands/init.ts")).initCommand(parsed, context);
    case "config-list":
    case "config-get":
    case "config-set":
    case "config-unset":
      return await (await import("./commands/config.ts")).configCommand(parsed, context);
  }
}
