// Where mounts go, read once for every driver. Invariant: a relative path never leaves the task's folder, no two volumes
// share a place, and an outer one comes before what lies within it.

import { byCodeUnit } from "../../core/mod.ts";
import type { TaskRequest, Volume } from "./driver.ts";
import { driverError } from "./failure.ts";

/** A mount whose path was read. */
export interface PlacedMount {
  readonly volume: Volume;
  /** `/`-separated without empty or dot segments; absolute ones keep their first slash; empty for the task's own folder. */
  readonly path: string;
}

/**
 * Reads the mounts of a task.
 *
 * @returns outer ones first.
 * @throws {PivotError} `bad-mount` for a path that leaves the task's folder, and for two volumes in one place.
 */
export function placeMounts(mounts: TaskRequest["mounts"]): readonly PlacedMount[] {
  const placed = mounts.map(({ volume, path }) => ({ volume, path: cleanPath(path, "bad-mount") }));
  for (const [index, { path, volume }] of placed.entries()) {
    const twin = placed.findIndex((other) => other.path === path);
    if (twin === index) continue;
    throw driverError(
      "bad-mount",
      `cannot mount volume "${volume.name}" at "${path}": "${placed[twin]?.volume.name}" is mounted there already`,
      "give each volume a path of its own",
    );
  }
  return placed.toSorted((a, b) => depthOf(a.path) - depthOf(b.path) || byCodeUnit(a.path, b.path));
}

/** Segments below the start; the task's own folder has none, and the root of the machine has none either. */
function depthOf(path: string): number {
  return path.split("/").filter((segment) => segment !== "").length;
}

/**
 * A path without empty and dot segments. `..` goes one up, and never above the start.
 *
 * @param path Relative to the task's folder, or absolute.
 * @param code Code of the error, if it cannot be used.
 */
export function cleanPath(path: string, code: "bad-mount" | "bad-dir"): string {
  const absolute = path.startsWith("/");
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") kept.push(segment);
    else if (kept.pop() === undefined) {
      throw driverError(code, `cannot use the path "${path}": it leaves the task's folder`, "use a path below it");
    }
  }
  if (/\0/.test(path)) throw driverError(code, `cannot use the path ${JSON.stringify(path)}: it holds a zero byte`);
  if (absolute && kept.length === 0 && code === "bad-mount") {
    throw driverError(code, `cannot mount a volume at "/"`, "mount it at a folder");
  }
  return `${absolute ? "/" : ""}${kept.join("/")}`;
}

/** Whether `inner` is `outer` or below it; both as {@linkcode cleanPath} gives them. */
export function isWithin(inner: string, outer: string): boolean {
  if (outer === "") return !inner.startsWith("/");
  return inner === outer || inner.startsWith(`${outer}/`);
}
