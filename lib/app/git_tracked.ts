// Which paths git already keeps. A project without git, or a machine without it, keeps none.

import type { RelPath } from "../core/mod.ts";
import { spawnChild } from "../sys/mod.ts";

/** Those of `paths` that are in git's index, themselves or with something below them. */
export async function findTrackedByGit(root: string, paths: readonly RelPath[]): Promise<readonly RelPath[]> {
  let text = "";
  const decoder = new TextDecoder();
  try {
    const child = spawnChild({
      command: ["git", "ls-files", "-z", "--", ...paths.map((path) => `:(literal)${path}`)],
      cwd: root,
      env: {},
      onOutput: (chunk, stream) => {
        if (stream === "stdout") text += decoder.decode(chunk, { stream: true });
      },
    });
    if ((await child.exit).code !== 0) return [];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  const files = text.split("\0").filter((file) => file !== "");
  return paths.filter((path) => files.some((file) => file === path || file.startsWith(`${path}/`)));
}
