// Real git in a project's folder, with an identity of its own.

import assert from "node:assert/strict";

/** Runs git and returns what it printed. */
export function git(project: { readonly root: string }, ...args: string[]): string {
  const identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main"];
  const command = new Deno.Command("git", { args: [...identity, ...args], cwd: project.root });
  const { code, stdout, stderr } = command.outputSync();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Commits everything. */
export function commitAll(project: { readonly root: string }, message: string): void {
  git(project, "add", "-A");
  git(project, "commit", "-q", "-m", message);
}
