// `pivot remote`: which remotes there are, and how they stand to this project.

import { openProject, type Project } from "../../app/open_project.ts";
import { checkRemote, collectRemote, listRemote } from "../../app/remote_upkeep.ts";
import { changeRemotes, openRemote, remotesOf } from "../../app/remotes.ts";
import { recordedBlobs } from "../../app/transfer.ts";
import { formatBytes, formatDuration, plural } from "../../core/mod.ts";
import type { CheckStep } from "../../remote/mod.ts";
import { renderTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

type RemoteArguments = Extract<
  Arguments,
  {
    readonly command:
      | "remote-list"
      | "remote-add"
      | "remote-remove"
      | "remote-default"
      | "remote-status"
      | "remote-ls"
      | "remote-check"
      | "remote-gc";
  }
>;

/** Runs the command. */
export async function remoteCommand(options: RemoteArguments, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  await using project = await openProject(context);
  switch (options.command) {
    case "remote-list": {
      const all = remotesOf(project).list();
      const chosen = project.settings.defaultRemote;
      const rows = all.map(({ name, url, autoPush, autoPull }) => {
        const words = [[name === chosen, "default"], [autoPush, "auto_push"], [autoPull, "auto_pull"]] as const;
        return [name, url, words.flatMap(([holds, word]) => holds ? [word] : []).join(", ")];
      });
      if (options.json) {
        terminal.out(
          JSON.stringify(
            all.map(({ name, url, autoPush, autoPull }) => ({
              name,
              url,
              default: name === chosen,
              autoPush,
              autoPull,
            })),
          ),
        );
      } else if (rows.length === 0) {
        terminal.note("no remotes yet; add one: pivot remote add origin s3://bucket/prefix");
      } else renderTable({ head: ["name", "url", ""], rows }, { width: terminal.width }).forEach(terminal.out);
      return 0;
    }
    case "remote-add": {
      const { name, url, region, endpoint, profile, checksums, autoPush, autoPull } = options;
      const config = await changeRemotes(project, (manager) =>
        manager.add(name, url, {
          ...(region === undefined ? {} : { region }),
          ...(endpoint === undefined ? {} : { endpoint }),
          ...(profile === undefined ? {} : { profile }),
          ...(checksums === undefined ? {} : { checksums }),
          autoPush,
          autoPull,
        }));
      terminal.out(`added ${config.name}: ${config.url}`);
      return 0;
    }
    case "remote-remove":
      await changeRemotes(project, (manager) => manager.remove(options.name));
      terminal.out(`removed ${options.name}; what it holds stays there`);
      return 0;
    case "remote-default":
      await changeRemotes(project, (manager) => manager.setDefault(options.name));
      terminal.out(`${options.name} is the default remote`);
      return 0;
    case "remote-status": {
      await using remote = await openRemote(project, named(options));
      const status = await remote.status(await recordedBlobs(project, []), { signal });
      await project.state.commit();
      if (options.json) terminal.out(JSON.stringify({ url: remote.config.url, ...status }));
      else {
        const words = {
          ahead: "here, not there",
          behind: "there, not here",
          same: "on both sides",
          lost: "on neither side",
        } as const;
        for (const key of ["ahead", "behind", "same", "lost"] as const) {
          terminal.out(
            `${key.padEnd(7)} ${plural(status[key].files, "file")} (${formatBytes(status[key].bytes)}) ${words[key]}`,
          );
        }
      }
      return 0;
    }
    case "remote-ls":
      return await listObjects(project, options, context);
    case "remote-check":
      return await check(project, options, context);
    case "remote-gc":
      return await collect(project, options, context);
  }
}

type Of<Command> = Extract<RemoteArguments, { readonly command: Command }>;

function named(options: { readonly name: string | undefined }): { readonly name?: string } {
  return options.name === undefined ? {} : { name: options.name };
}

async function listObjects(project: Project, options: Of<"remote-ls">, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  await using remote = await openRemote(project, named(options));
  const objects = await listRemote(project, remote, signal);
  if (options.json) {
    terminal.out(JSON.stringify({ url: remote.config.url, objects }));
    return 0;
  }
  const rows = objects.map(({ key, digest, size, neededBy, paths }) => [
    digest ?? key,
    formatBytes(size),
    digest === undefined ? "not ours" : neededBy.join(", "),
    paths.join(", "),
  ]);
  const table = { head: ["object", "size", "needed by", "path"], rows };
  if (rows.length > 0) renderTable(table, { width: terminal.width }).forEach(terminal.out);
  const [files, bytes] = [objects.length, objects.reduce((sum, { size }) => sum + size, 0)];
  const idle = objects.filter(({ neededBy }) => neededBy.length === 0).length;
  terminal.note(`${plural(files, "object")} (${formatBytes(bytes)}), ${idle} not needed by this workspace`);
  return 0;
}

async function check(project: Project, options: Of<"remote-check">, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  const { url } = remotesOf(project).get(options.name);
  const steps = await checkRemote(project, { ...named(options), signal });
  if (options.json) terminal.out(JSON.stringify({ url, steps: steps.map(stepJson) }));
  for (const { name, error, found, durationMs } of options.json ? [] : steps) {
    const mark = error === undefined ? terminal.style("good", "ok     ") : terminal.style("bad", "problem");
    const what = error?.message ?? found;
    terminal.out(`${mark} ${name} ${formatDuration(durationMs)}${what === undefined ? "" : `: ${what}`}`);
    if (error?.hint !== undefined) terminal.out(`        ${error.hint}`);
  }
  return steps.find((step) => step.error !== undefined)?.error?.exitCode ?? 0;
}

async function collect(project: Project, options: Of<"remote-gc">, context: CommandContext): Promise<number> {
  const { terminal, signal } = context;
  await using remote = await openRemote(project, named(options));
  const olderThanDays = options.olderThan ?? DEFAULT_AGE_DAYS;
  const { plan, references, removed } = await collectRemote(project, remote, {
    olderThanDays,
    act: options.yes,
    onWait: () => terminal.note("Waiting for another gc on the remote to end…"),
    signal,
  });
  if (options.json) {
    terminal.out(JSON.stringify({ url: remote.config.url, dryRun: !options.yes, references, plan, removed }));
    return 0;
  }
  if (removed === undefined) {
    for (const { digest, object } of plan.remove) terminal.out(`${digest}  ${formatBytes(object.size)}`);
  }
  const done = removed ?? { files: plan.remove.length, bytes: plan.bytes };
  terminal.out(
    `${removed === undefined ? "would remove" : "removed"} ${plural(done.files, "object")} (${
      formatBytes(done.bytes)
    })` +
      `, ${plural(plan.runs.length, "shared run")} and ${plural(plan.abandoned.length, "abandoned upload")}` +
      `, kept ${plan.kept.files} (${formatBytes(plan.kept.bytes)})`,
  );
  terminal.note(
    `older than ${
      plural(olderThanDays, "day")
    }, named by no record here or at the tips of ${references} branches and tags`,
  );
  if (removed === undefined && plan.remove.length + plan.runs.length + plan.abandoned.length > 0) {
    terminal.note("nothing was removed; --yes does it (fetch all branches of git first)");
  }
  return 0;
}

const DEFAULT_AGE_DAYS = 30;

function stepJson({ name, error, found, durationMs }: CheckStep): Record<string, unknown> {
  return {
    name,
    durationMs,
    ...(found === undefined ? {} : { found }),
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, hint: error.hint } }),
  };
}
