// The check that every name from an archive goes through. Invariant: what it returns, joined to a folder that holds no
// links, lies inside that folder.

import { MAX_NAME_BYTES, type PivotError } from "../../core/mod.ts";
import { corruptArchive, unsafeArchive } from "./entry.ts";

const MAX_PATH_BYTES = 4096;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text of a name's bytes. @throws {PivotError} `corrupt-archive` unless they are UTF-8. */
export function decodeName(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw corruptArchive("a name is not UTF-8", error);
  }
}

/**
 * Checks a member's name.
 *
 * @returns The path without a leading `./` or trailing `/`; empty for the volume itself (`.` or `./`).
 * @throws {PivotError} `unsafe-archive`
 */
export function checkName(name: string): string {
  if (name === "") throw unsafeArchive("a member has no name");
  if (name.includes("\0")) throw refused(name, "contains a NUL");
  if (name.startsWith("/")) throw refused(name, "is absolute");
  if (isLonger(name, MAX_PATH_BYTES)) throw refused(name, "is too long");
  const path = name.replace(/^(\.\/)+/, "").replace(/\/$/, "");
  if (path === "" || path === ".") return "";
  for (const segment of path.split("/")) checkSegment(segment, name);
  return path;
}

function checkSegment(segment: string, name: string): void {
  if (segment === "") throw refused(name, "has an empty segment");
  if (segment === "." || segment === "..") throw refused(name, `contains "${segment}"`);
  if (isLonger(segment, MAX_NAME_BYTES)) {
    throw refused(name, `has a segment over ${MAX_NAME_BYTES} bytes`);
  }
  if (Deno.build.os === "windows" && /[\\:]/.test(segment)) {
    throw refused(name, "has a character that Windows takes for a path");
  }
}

function refused(name: string, what: string): PivotError {
  return unsafeArchive(`the name ${JSON.stringify(name.slice(0, 200))} ${what}`);
}

/** Whether a text has more bytes as UTF-8, which takes three bytes at most for one UTF-16 unit. */
function isLonger(text: string, bytes: number): boolean {
  return 3 * text.length > bytes && encoder.encode(text).length > bytes;
}

/**
 * Checks the text of a symbolic link. Links may point anywhere, as they do in real volumes: nothing is ever written or
 * read through them here.
 *
 * @throws {PivotError} `unsafe-archive`
 */
export function checkLinkText(target: string, path: string): string {
  if (target === "") throw unsafeArchive(`the link "${path}" has no target`);
  if (target.includes("\0")) throw unsafeArchive(`the target of the link "${path}" contains a NUL`);
  if (isLonger(target, MAX_PATH_BYTES)) {
    throw unsafeArchive(`the target of the link "${path}" is too long`);
  }
  return target;
}
