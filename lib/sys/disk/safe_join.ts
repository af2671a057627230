// The one join of names that we did not choose. Invariant: the result lies inside the root, and no
// segment on the way to it is a symbolic link.

import { PivotError } from "../../core/mod.ts";
import { statPath } from "./stat.ts";

/**
 * Joins an untrusted relative path to `root`, segment by segment.
 *
 * @returns The absolute path; its last segment need not exist and may itself be a link.
 * @throws {PivotError} `unsafe-path` for an empty or absolute name, `.`, `..`, a NUL or backslash, or a link on the way.
 */
export function safeJoin(root: string, untrusted: string): string {
  const refuse = (why: string) =>
    new PivotError(`unsafe path "${untrusted}": ${why}`, { code: "unsafe-path", kind: "integrity" });
  if (untrusted === "") throw refuse("it is empty");
  if (untrusted.includes("\0")) throw refuse("it contains a NUL");
  const segments = untrusted.split("/");
  let path = root;
  for (const [index, segment] of segments.entries()) {
    if (segment === "") throw refuse(index === 0 ? "it is absolute" : "it has an empty segment");
    if (segment === "." || segment === "..") throw refuse(`it contains "${segment}"`);
    if (Deno.build.os === "windows" && /[\\:]/.test(segment)) throw refuse("it has a character that Windows refuses");
    if (index > 0 && statPath(path)?.kind === "symlink") {
      throw refuse(`"${segments.slice(0, index).join("/")}" is a link`);
    }
    path = `${path}/${segment}`;
  }
  return path;
}
