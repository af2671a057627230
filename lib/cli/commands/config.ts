// `pivot config`: settings, with where each comes from.

import { findProject, loadSettings, requireSetting, setSetting, unsetSetting } from "../../config/mod.ts";
import type { Json } from "../../core/mod.ts";
import { renderTable } from "../../report/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

type ConfigArguments = Extract<
  Arguments,
  { readonly command: "config-list" | "config-get" | "config-set" | "config-unset" }
>;

/** Runs the command. */
export async function configCommand(options: ConfigArguments, context: CommandContext): Promise<number> {
  const { terminal, environment } = context;
  const root = findProject(context.cwd);
  switch (options.command) {
    case "config-set":
      terminal.out(`${options.key} = ${show(await setSetting(root, options.key, options.value))}`);
      return 0;
    case "config-unset":
      terminal.out(await unsetSetting(root, options.key) ? `${options.key} removed` : `${options.key} was not set`);
      return 0;
    case "config-get": {
      requireSetting(options.key);
      const value = (await loadSettings(root, { variables: environment.variables })).get(options.key);
      terminal.out(options.json ? JSON.stringify(value) : show(value));
      return 0;
    }
    case "config-list": {
      const { all } = await loadSettings(root, { variables: environment.variables });
      if (options.json) {
        terminal.out(JSON.stringify(all.map(({ setting, value, source }) => ({ key: setting.key, value, source }))));
        return 0;
      }
      const rows = all.map(({ setting, value, source }) => [setting.key, show(value), source, setting.meaning]);
      renderTable({ head: ["key", "value", "source", "meaning"], rows }, { width: terminal.width }).forEach(
        terminal.out,
      );
      return 0;
    }
  }
}

function show(value: Json): string {
  return value === null ? "-" : Array.isArray(value) ? value.join(",") : String(value);
}
