// The canonical text of a folder and its digest. Format 1: one line per entry, sorted by path in code-unit order:
// `f <hash> <x or -> <JSON path>`, `d <JSON path>` for an empty folder, `l <JSON path> <JSON target>`, each ended by \n,
// behind a first line `pivot-tree 1`.

import { byCodeUnit, type Digest, type TreeContent, type TreeEntry } from "../core/mod.ts";
import { hashText } from "../sys/mod.ts";

function line(entry: TreeEntry): string {
  const path = JSON.stringify(entry.path);
  if (entry.type === "file") return `f ${entry.hash} ${entry.executable ? "x" : "-"} ${path}\n`;
  return entry.type === "directory" ? `d ${path}\n` : `l ${path} ${JSON.stringify(entry.target)}\n`;
}

/** The digest of a folder with these entries, which must be sorted by path. */
export function listingDigest(entries: readonly TreeEntry[]): Digest {
  return hashText(`pivot-tree 1\n${entries.map(line).join("")}`);
}

/** Content of a folder with these entries, in any order. */
export function treeOf(entries: readonly TreeEntry[]): TreeContent {
  const files = [...entries].sort((a, b) => byCodeUnit(a.path, b.path));
  const size = files.reduce((sum, entry) => sum + (entry.type === "file" ? entry.size : 0), 0);
  return { type: "directory", hash: listingDigest(files), size, files };
}
