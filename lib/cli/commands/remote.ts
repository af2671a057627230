// `pivot remote`: which remotes there are, and how they stand to this project.

import { openProject } from "../../app/open_project.ts";
import { changeRemotes, openRemote, remotesOf } from "../../app/remotes.ts";
import { recordedBlobs } from "../../app/transfer.ts";
import { formatBytes, formatDuration, plural } from "../../core/mod.ts";
import { type CheckStep, remoteCheck } from "../../remote/mod.ts";
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
      | "remote-check";
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
      const rows = all.map(({ name, url }) => [name, url, name === chosen ? "default" : ""]);
      if (options.json) {
        terminal.out(JSON.stringify(all.map(({ name, url }) => ({ name, url, default: name === chosen }))));
      } else if (rows.length === 0) {
        terminal.note("no remotes yet; add one: pivot remote add origin s3://bucket/prefix");
      } else renderTable({ head: ["name", "url", ""], rows }, { width: terminal.width }).forEach(terminal.out);
      return 0;
    }
    case "remote-add": {
      const { name, url, region, endpoint, profile } = options;
      const config = await changeRemotes(project, (manager) =>
        manager.add(name, url, {
          ...(region === undefined ? {} : { region }),
          ...(endpoint === undefined ? {} : { endpoint }),
          ...(profile === undefined ? {} : { profile }),
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
      await using remote = await openRemote(project, options.name === undefined ? {} : { name: options.name });
      const status = await remote.status(await recordedBlobs(project, []), { signal });
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
    case "remote-check": {
      await using remote = await openRemote(project, options.name === undefined ? {} : { name: options.name });
      const steps = await remoteCheck(remote.backend, { signal });
      if (options.json) terminal.out(JSON.stringify({ url: remote.config.url, steps: steps.map(stepJson) }));
      for (const { name, error, durationMs } of options.json ? [] : steps) {
        const mark = error === undefined ? terminal.style("good", "ok     ") : terminal.style("bad", "problem");
        terminal.out(`${mark} ${name} ${formatDuration(durationMs)}${error === undefined ? "" : `: ${error.message}`}`);
        if (error?.hint !== undefined) terminal.out(`        ${error.hint}`);
      }
      return steps.find((step) => step.error !== undefined)?.error?.exitCode ?? 0;
    }
  }
}

function stepJson({ name, error, durationMs }: CheckStep): Record<string, unknown> {
  return {
    name,
    durationMs,
    ...(error === undefined ? {} : { error: { code: error.code, message: error.message, hint: error.hint } }),
  };
}
