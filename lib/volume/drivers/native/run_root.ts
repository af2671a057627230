// The folder of one run of the native driver. Invariant: it is locked by the kernel as long as its process lives, so the next
// run can tell what a killed one left, ends the processes of that one, and removes it.

import { delay, lockFile, makeFolder, parentOf, removeTree, setMode, tryLockFile } from "../../../sys/mod.ts";

/** Variable that every process of a task has; its value starts with the run's folder. */
export const TASK_MARK = "PIVOT_TASK";

/** A folder that belongs to one run. */
export interface RunRoot {
  /** Absolute path. */
  readonly path: string;
  /** How many runs that were killed left something, which is gone now. */
  readonly swept: number;
  /** Ends every process of the run, removes the folder. */
  remove(): Promise<void>;
}

/** Makes a run's folder below `parent`, after removing what killed runs left there. */
export async function openRunRoot(parent: string, signal: AbortSignal): Promise<RunRoot> {
  makeFolder(parent);
  const path = `${Deno.realPathSync(parent)}/run-${crypto.randomUUID().slice(0, 8)}`;
  // One at a time: a folder that is not locked yet must not be taken for a left one.
  using _guard = await lockFile(`${parent}/.lock`, { what: "making a run's folder", signal });
  let swept = 0;
  for (const entry of Deno.readDirSync(parent)) {
    const left = entry.isDirectory && /^run-[0-9a-f]{8}$/.test(entry.name);
    if (left && await sweep(`${parentOf(path)}/${entry.name}`)) swept += 1;
  }
  for (const name of ["volumes", "tasks", "aside"]) makeFolder(`${path}/${name}`);
  // Other users pass through, if a task runs as one; they cannot list it.
  setMode(path, 0o711);
  const lock = tryLockFile(`${path}/lock`, "running tasks");
  return {
    path,
    swept,
    async remove() {
      await endMarked(path);
      removeStubborn(path);
      lock?.[Symbol.dispose]();
    },
  };
}

async function sweep(path: string): Promise<boolean> {
  using lock = tryLockFile(`${path}/lock`, "removing what a killed run left");
  if (lock === undefined) return false;
  await endMarked(path);
  removeStubborn(path);
  return true;
}

/**
 * Kills every process whose {@linkcode TASK_MARK} starts with `mark`, wherever it moved itself: a daemon leaves its process
 * group, but keeps its variables. Does nothing on a machine without `ps`.
 */
export async function endMarked(mark: string): Promise<void> {
  for (let round = 0; round < 10; round++) {
    const found = await marked(mark);
    if (found.length === 0) return;
    for (const pid of found) kill(pid);
    // Until the kernel is done with them; a process that forks meanwhile is found in the next round.
    await delay(20 * round);
  }
}

async function marked(mark: string): Promise<readonly number[]> {
  const { code, stdout } = await runPs();
  if (code !== 0) return [];
  return stdout.split("\n").flatMap((line) => {
    const pid = Number(/^\s*(\d+)\s/.exec(line)?.[1]);
    const zombie = /^\s*\d+\s+Z/.test(line);
    return !zombie && line.includes(` ${TASK_MARK}=${mark}/`) && pid !== Deno.pid ? [pid] : [];
  });
}

async function runPs(): Promise<{ readonly code: number; readonly stdout: string }> {
  try {
    const { code, stdout } = await new Deno.Command("ps", {
      args: ["axeww", "-o", "pid=,state=,command="],
      stderr: "null",
    }).output();
    return { code, stdout: new TextDecoder().decode(stdout) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { code: 127, stdout: "" };
    throw error;
  }
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch (error) {
    // Gone already, or another user's: a program with more rights may have taken our variables along.
    if (!(error instanceof Deno.errors.NotFound) && !(error instanceof Deno.errors.PermissionDenied)) throw error;
  }
}

/** Removes a tree that may hold folders without the right to write, as package managers make them. */
export function removeStubborn(path: string): void {
  try {
    removeTree(path);
  } catch {
    unlock(path);
    removeTree(path);
  }
}

/** Gives the owner all rights on every folder, from the top down, since a closed one cannot be listed. */
function unlock(path: string): void {
  setMode(path, 0o700);
  for (const entry of Deno.readDirSync(path)) if (entry.isDirectory) unlock(`${path}/${entry.name}`);
}
