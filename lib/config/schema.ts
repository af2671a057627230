// Every setting: name, type, default, meaning. Invariant: what is not in this table is an unknown key.

import { type Json, nearest, PivotError } from "../core/mod.ts";

/** One setting. */
export interface Setting {
  readonly key: string;
  readonly type: "text" | "number" | "flag" | "modes" | "remote";
  readonly fallback: Json;
  readonly meaning: string;
  /** Environment variable that overrides it. */
  readonly variable?: string;
}

/** All settings; `remotes.*` stands for any name. */
export const SETTINGS: readonly Setting[] = [
  {
    key: "cache.dir",
    type: "text",
    fallback: ".pivot/cache",
    meaning: "where blobs are kept; absolute, or relative to the project",
    variable: "PIVOT_CACHE_DIR",
  },
  {
    key: "cache.modes",
    type: "modes",
    fallback: ["hardlink", "symlink", "copy"],
    meaning: "how files come into the workspace: the first that works",
  },
  {
    key: "jobs",
    type: "number",
    fallback: null,
    meaning: "stages at once; default is the number of cores",
    variable: "PIVOT_JOBS",
  },
  { key: "fingerprint.runtime", type: "flag", fallback: false, meaning: "count Deno's minor version as code" },
  { key: "history.keep", type: "number", fallback: 200, meaning: "runs that the history keeps" },
];

/** The setting of that name. */
export function settingOf(key: string): Setting | undefined {
  return SETTINGS.find((setting) => setting.key === key);
}

/**
 * The setting of that name.
 *
 * @throws {PivotError} `unknown-setting` (kind `usage`) with the nearest name.
 */
export function requireSetting(key: string): Setting {
  const found = settingOf(key);
  if (found !== undefined) return found;
  const names = SETTINGS.map((setting) => setting.key);
  const meant = nearest(key, names);
  throw new PivotError(`there is no setting "${key}"`, {
    code: "unknown-setting",
    kind: "usage",
    hint: meant === undefined ? `settings are ${names.join(", ")}` : `did you mean "${meant}"?`,
  });
}

/** Why a value does not fit a setting; undefined if it does. */
export function whyUnfit(setting: Setting, value: Json): string | undefined {
  switch (setting.type) {
    case "text":
      return typeof value === "string" && value !== "" ? undefined : "it is not a text";
    case "number":
      return typeof value === "number" && Number.isSafeInteger(value) && value >= 1
        ? undefined
        : "it is not a whole number of 1 or more";
    case "flag":
      return typeof value === "boolean" ? undefined : "it is neither true nor false";
    case "modes":
      return Array.isArray(value) && value.length > 0 && value.every((each) => MODES.includes(String(each)))
        ? undefined
        : `it is not a list of ${MODES.join(", ")}`;
    case "remote":
      return typeof value === "string" ? undefined : "it is not a URL";
  }
}

const MODES = ["hardlink", "symlink", "copy"];
