// Where pages are written to, and how they are opened.

import { makeFolder, parentOf, spawnChild } from "../sys/mod.ts";
import type { Terminal } from "./terminal.ts";

/** Absolute path of a page: as asked for, else below the project's own folder, which git ignores. */
export function pagePath(root: string, cwd: string, asked: string | undefined, name: string): string {
  const path = asked === undefined
    ? `${root}/.pivot/tmp/${name}.html`
    : asked.startsWith("/")
    ? asked
    : `${cwd}/${asked}`;
  makeFolder(parentOf(path));
  return path;
}

const OPENERS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  windows: ["cmd", "/c", "start", ""],
};

/** Opens a page in the reader's browser; a machine without one is told. */
export async function openInBrowser(page: string, terminal: Terminal): Promise<void> {
  const [program, ...args] = OPENERS[Deno.build.os] ?? ["xdg-open"];
  try {
    const { code } = await spawnChild({ command: [program, ...args, page], cwd: parentOf(page), env: {} }).exit;
    if (code !== 0) terminal.note(`warning: "${program}" could not open the page (exit code ${code})`);
  } catch {
    terminal.note(`warning: "${program}" is not there; open the page by hand`);
  }
}
