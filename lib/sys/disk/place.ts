// Putting files where they belong: link, copy, move, remove, with errors that say what was tried.
// Invariant: `replaceWith` never leaves the target absent or half there.

import { messageOf, PivotError } from "../../core/mod.ts";
import { parentOf, removeIfThere } from "./durable_write.ts";

/** Makes a folder and its parents; fine if it is there. */
export function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (error) {
    throw diskError(`cannot make folder "${path}"`, error);
  }
}

/** A second name for the same file. */
export function hardLink(from: string, to: string): void {
  try {
    Deno.linkSync(from, to);
  } catch (error) {
    throw diskError(`cannot link "${to}" to "${from}"`, error);
  }
}

/** A symbolic link at `at` that holds `target`. */
export function symLink(target: string, at: string): void {
  try {
    Deno.symlinkSync(target, at);
  } catch (error) {
    throw diskError(`cannot make link "${at}"`, error);
  }
}

/** Copies content and mode; a reflink where the file system has them. */
export function copyFile(from: string, to: string): void {
  try {
    Deno.copyFileSync(from, to);
  } catch (error) {
    removeIfThere(to);
    throw diskError(`cannot copy "${from}" to "${to}"`, error);
  }
}

/** Renames within one file system. */
export function moveFile(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    throw diskError(`cannot move "${from}" to "${to}"`, error);
  }
}

/** Sets permission bits; does nothing where the platform has none. */
export function setMode(path: string, mode: number): void {
  if (Deno.build.os === "windows") return;
  try {
    Deno.chmodSync(path, mode);
  } catch (error) {
    throw diskError(`cannot change the mode of "${path}"`, error);
  }
}

/** Removes a file, link or whole folder; fine if nothing is there. */
export function removeTree(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return;
    throw diskError(`cannot remove "${path}"`, error);
  }
}

/** Makes a file under a temporary name next to `target` by `make`, then renames it into place. */
export function replaceWith(target: string, make: (temporary: string) => void): void {
  const temporary = `${parentOf(target)}/.pivot-${Deno.pid}-${crypto.randomUUID().slice(0, 8)}`;
  try {
    make(temporary);
    moveFile(temporary, target);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  }
}

/** An error of the file system in our words; the code tells disk full, read-only and other devices apart. */
function diskError(what: string, error: unknown): PivotError {
  const osCode = (error as { code?: unknown }).code;
  const known: Record<string, readonly [code: string, hint: string]> = {
    ENOSPC: ["disk-full", "free some space and run again; nothing was lost"],
    EDQUOT: ["disk-full", "your quota is used up; free some space and run again; nothing was lost"],
    EROFS: ["read-only", "the file system is mounted read-only"],
    EACCES: ["no-permission", "check the owner and mode of the file and its folder"],
    EPERM: ["no-permission", "check the owner and mode of the file and its folder"],
    EXDEV: ["other-device", "the two paths are on different file systems"],
    EMLINK: ["too-many-links", "the file system allows no more links to this file"],
    EEXIST: ["exists", "something is there already"],
    ENOENT: ["not-found", "it or its folder is not there"],
    ENOTDIR: ["not-a-folder", "a file stands where a folder is needed"],
  };
  const [code, hint] = known[String(osCode)] ?? ["disk-failed", "check the file system"];
  return new PivotError(`${what}: ${messageOf(error)}`, { code, hint, cause: error });
}
