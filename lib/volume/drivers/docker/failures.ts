// What the engine's refusals mean. It gives one status for many causes, so its words are compared, here and nowhere else; what
// is not recognised keeps those words.

import { driverError } from "../failure.ts";
import { EngineFailure } from "./engine.ts";

/** The error of a container that could not be made or started. */
export function startFailure(error: unknown, task: { readonly name: string; readonly program: string }): unknown {
  if (!(error instanceof EngineFailure)) return error;
  const text = error.reason;
  const what = `cannot run task "${task.name}"`;
  if (/unable to find (user|group)|no matching entries in (passwd|group)|Uids and gids must be in range/i.test(text)) {
    return driverError("unknown-user", `${what}: ${text}`, "give a user that the image has, or a number", error);
  }
  if (/not a directory|invalid mount|mount(ing)? .*(rootfs|destination)|Duplicate mount point/i.test(text)) {
    return driverError("bad-mount", `${what}: ${text}`, "mount the volume at a folder, or where nothing is", error);
  }
  if (
    /executable file not found|exec: .*(no such file|permission denied|is a directory)|exec format error/i.test(text)
  ) {
    return driverError(
      "program-missing",
      `${what}: its image has no program "${task.program}"`,
      "check the image and the path",
      error,
    );
  }
  return driverError("driver-failed", `${what}: the engine refused: ${text}`, undefined, error);
}

/** The error of an act on a volume. */
export function volumeFailure(what: string, name: string, error: unknown): unknown {
  if (!(error instanceof EngineFailure)) return error;
  const why = error.status === 404 ? "it is gone" : error.reason;
  return driverError("volume-failed", `cannot ${what} volume "${name}": ${why}`, undefined, error);
}
