// Where the project is. Invariant: found by its `.pivot` folder, from the working directory upwards.

import { PivotError } from "../core/mod.ts";
import { parentOf, statPath } from "../sys/mod.ts";

/** The folder of a project's own files, below its root. */
export const PIVOT_FOLDER = ".pivot";

/**
 * The root of the project that holds `from`.
 *
 * @param from Absolute path of a folder.
 * @throws {PivotError} `no-project` (kind `no-project`, exit 10).
 */
export function findProject(from: string): string {
  for (let folder = from;; folder = parentOf(folder)) {
    if (statPath(`${folder === "/" ? "" : folder}/${PIVOT_FOLDER}`)?.kind === "directory") return folder;
    if (folder === "/" || folder === "." || parentOf(folder) === folder) break;
  }
  throw new PivotError(`no pivot project in "${from}" or above it`, {
    code: "no-project",
    kind: "no-project",
    hint: "run `pivot init` in the project's folder",
  });
}
