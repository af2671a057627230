// Parameters that a stage takes from keys of files, as in `params: [seed, train.lr, { other.json: [a.b] }]`: for commands that
// read such a file themselves. Invariant: a key that is not there is a finding with its place, never an empty parameter.

import { isJsonObject, type Json, type JsonObject, type SourceSpot } from "../core/mod.ts";
import type { Findings } from "./expand.ts";
import { type ParseCache, readYaml } from "./yaml_file.ts";

/** The file that keys are looked up in unless another is named. */
export const PARAMS_FILE = "params.yaml";

/** What {@linkcode paramsFromKeys} needs. */
export interface ParamKeysUse {
  readonly projectRoot: string;
  readonly parsed: ParseCache | undefined;
  readonly findings: Findings;
  readonly spot: SourceSpot;
  readonly stage: string;
}

/** The values of these keys, nested as in their files; those of other files stand below the file's name. */
export async function paramsFromKeys(keys: readonly Json[], use: ParamKeysUse): Promise<JsonObject> {
  const wanted: [file: string, key: string][] = keys.flatMap((each): [string, string][] => {
    if (typeof each === "string") return [[PARAMS_FILE, each]];
    if (isJsonObject(each)) {
      return Object.entries(each).flatMap(([file, inner]): [string, string][] => {
        if (inner === null) return [[file, ""]];
        if (Array.isArray(inner) && inner.every((key) => typeof key === "string")) {
          return inner.map((key) => [file, key]);
        }
        wrong(use, `\`params\`: the keys of "${file}" are not a list of texts`);
        return [];
      });
    }
    wrong(use, "`params`: an entry is neither a key nor a file with keys");
    return [];
  });
  const found: Record<string, Json> = {};
  for (const [file, key] of wanted) {
    const value = await lookUp(file, key, use);
    if (value === undefined) continue;
    const path = [...(file === PARAMS_FILE ? [] : [file]), ...(key === "" ? [] : key.split("."))];
    if (path.length === 0 && isJsonObject(value)) Object.assign(found, value);
    else put(found, path, value);
  }
  return found;
}

async function lookUp(file: string, key: string, use: ParamKeysUse): Promise<Json | undefined> {
  const parsed = await readYaml(use.projectRoot, file, use.parsed);
  if (parsed === undefined) {
    wrong(use, `\`params\` names the file "${file}", which is not there`);
    return undefined;
  }
  let value: Json | undefined = parsed.value;
  for (const name of key === "" ? [] : key.split(".")) {
    value = Array.isArray(value) && /^\d+$/.test(name)
      ? value[Number(name)]
      : isJsonObject(value)
      ? value[name]
      : undefined;
  }
  if (value === undefined) wrong(use, `\`params\` names the key "${key}", which "${file}" does not have`);
  return value;
}

function put(target: Record<string, Json>, path: readonly string[], value: Json): void {
  const [name = "", ...rest] = path;
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const inner = { ...(isJsonObject(target[name]) ? target[name] : {}) };
  put(inner, rest, value);
  target[name] = inner;
}

function wrong({ findings, spot, stage }: ParamKeysUse, why: string): void {
  findings.add(`stage "${stage}": ${why}`, { code: "bad-params", spot });
}
