// Which stages dvc.lock calls up to date and still are: their files have the MD5 that it names. Those need not run again.

import { createHash } from "node:crypto";
import { canonicalJson, isJsonObject, type Json, type JsonObject } from "../../core/mod.ts";
import { statPath, walk } from "../../sys/mod.ts";
import type { LockedPath, LockedStage } from "./convert.ts";

/** Whether every file is what dvc.lock says, and the parameters too. `params` are the stage's, as it gets them here. */
export function isAsLocked(root: string, locked: LockedStage, params: JsonObject): boolean {
  const files = [...locked.deps, ...locked.outs];
  return sameParams(locked.params, params) && files.every((file) => hasMd5(root, file));
}

/** dvc.lock has keys with dots by file; here they are nested, and those of other files stand below the file's name. */
function sameParams(locked: JsonObject, params: JsonObject): boolean {
  return Object.entries(locked).every(([file, keys]) => {
    const own = file === "params.yaml" ? params : params[file];
    return isJsonObject(keys) && isJsonObject(own ?? {}) &&
      Object.entries(keys).every(([key, value]) => {
        const now = valueAt(own ?? {}, key);
        return now !== undefined && canonicalJson(now) === canonicalJson(value);
      });
  });
}

function valueAt(value: Json, key: string): Json | undefined {
  let found: Json | undefined = value;
  for (const name of key.split(".")) found = isJsonObject(found) ? found[name] : undefined;
  return found;
}

function hasMd5(root: string, { path, md5 }: LockedPath): boolean {
  const stat = statPath(`${root}/${path}`);
  if (stat === undefined) return false;
  if (stat.kind !== "directory") return !md5.endsWith(".dir") && md5OfFile(`${root}/${path}`) === md5;
  return `${md5OfFolder(`${root}/${path}`)}.dir` === md5;
}

function md5OfFile(path: string): string {
  const hash = createHash("md5");
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(1 << 20);
  for (let read = file.readSync(buffer); read !== null; read = file.readSync(buffer)) {
    hash.update(buffer.subarray(0, read));
  }
  return hash.digest("hex");
}

/** MD5 of the JSON that DVC writes for a folder: one object per file, by path, with a space after `:` and `,`. */
function md5OfFolder(path: string): string {
  const files = walk(path).filter(({ stat }) => stat.kind !== "directory");
  const entries = files.map((file) => {
    const relpath = JSON.stringify(file.path).replace(
      /[\u0080-\uffff]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    return `{"md5": "${md5OfFile(`${path}/${file.path}`)}", "relpath": ${relpath}}`;
  });
  return createHash("md5").update(`[${entries.join(", ")}]`).digest("hex");
}
