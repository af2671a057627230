// The check that every name from an archive goes through. Invariant: what it returns, joined to a folder that holds no
// links, lies inside that folder.

import { MAX_NAME_BYTES } from "../../core/mod.ts";
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
  const shown = JSON.stringify(name.slice(0, 200));
  if (name === "") throw unsafeArchive("a member has no name");
  if (name.includes("\0")) throw unsafeArchive(`the name ${shown} contains a NUL`);
  if (name.startsWith("/")) throw unsafeArchive(`the name ${shown} is absolute`);
  if (encoder.encode(name).length > MAX_PATH_BYTES) throw unsafeArchive(`the name ${shown} is too long`);
  const path = name.replace(/^(\.\/)+/, "").replace(/\/$/, "");
  if (path === "" || path === ".") return "";
  for (const segment of path.split("/")) checkSegment(segment, shown);
  return path;
}

function checkSegment(segment: string, shown: string): void {
  if (segment === "") throw unsafeArchive(`the name ${shown} has an empty segment`);
  if (segment === "." || segment === "..") throw unsafeArchive(`the name ${shown} contains "${segment}"`);
  if (segment.length > MAX_NAME_BYTES || encoder.encode(segment).length > MAX_NAME_BYTES) {
    throw unsafeArchive(`the name ${shown} has a segment over ${MAX_NAME_BYTES} bytes`);
  }
  if (Deno.build.os === "windows" && /[\\:]/.test(segment)) {
    throw unsafeArchive(`the name ${shown} has a character that Windows takes for a path`);
  }
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
  if (encoder.encode(target).length > MAX_PATH_BYTES) {
    throw unsafeArchive(`the target of the link "${path}" is too long`);
  }
  return target;
}
