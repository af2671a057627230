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

/** All settings but those of remotes, whose names are free: see {@linkcode settingOf}. */
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
  {
    key: "default_remote",
    type: "text",
    fallback: null,
    meaning: "the remote that is used when none is named",
    variable: "PIVOT_REMOTE",
  },
  { key: "auto_push", type: "flag", fallback: false, meaning: "push to the default remote after each good run" },
  { key: "auto_pull", type: "flag", fallback: false, meaning: "a run fetches from the default remote what it misses" },
  {
    key: "shared_run_cache",
    type: "flag",
    fallback: null,
    meaning:
      "true: every push shares what inputs led to; false: it is neither shared nor looked up; not set: `push --run-cache` does",
  },
  { key: "fingerprint.runtime", type: "flag", fallback: false, meaning: "count Deno's minor version as code" },
  { key: "git.ignore", type: "flag", fallback: true, meaning: "keep outputs out of git by a block in .gitignore" },
  { key: "history.keep", type: "number", fallback: 200, meaning: "runs that the history keeps" },
  { key: "history.keep_days", type: "number", fallback: 365, meaning: "days that the history keeps a run" },
];

const REMOTE_FIELDS: Readonly<Record<string, readonly [type: Setting["type"], meaning: string]>> = {
  url: ["remote", "where the remote is"],
  region: ["text", "region of its bucket"],
  endpoint: ["remote", "server other than the provider's own"],
  profile: ["text", "profile in the provider's shared files"],
  checksums: ["text", "how uploads are checked"],
  auto_push: ["flag", "push to it after each good run, the default remote or not"],
  auto_pull: ["flag", "a run fetches from it what it misses"],
};

/** The setting of that name: one of the table, `remotes.NAME` (a URL) or `remotes.NAME.FIELD`. */
export function settingOf(key: string): Setting | undefined {
  const [, name, field] = /^remotes\.([A-Za-z][A-Za-z0-9_-]*)(?:\.([a-z_]+))?$/.exec(key) ?? [];
  if (name === undefined) return SETTINGS.find((setting) => setting.key === key);
  const about = Object.hasOwn(REMOTE_FIELDS, field ?? "url") ? REMOTE_FIELDS[field ?? "url"] : undefined;
  return about === undefined ? undefined : { key, type: about[0], fallback: null, meaning: about[1] };
}

/** Names that an unknown key may have meant. */
export function namesNear(key: string): readonly string[] {
  const [, remote] = /^(remotes\.[^.]+)\./.exec(key) ?? [];
  const fields = remote === undefined ? [] : Object.keys(REMOTE_FIELDS).map((field) => `${remote}.${field}`);
  return [...SETTINGS.map((setting) => setting.key), ...fields];
}

/** A text to be shown, any password of a URL in it masked. */
export function withoutPassword(text: string): string {
  return text.replace(PASSWORD, "$1***@");
}

const PASSWORD = /([a-z][a-z0-9+.-]*:\/\/[^/?#@:]*:)[^/?#]*@/gi;

/**
 * The setting of that name.
 *
 * @throws {PivotError} `unknown-setting` (kind `usage`) with the nearest name.
 */
export function requireSetting(key: string): Setting {
  const found = settingOf(key);
  if (found !== undefined) return found;
  const names = namesNear(key);
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
      if (typeof value !== "string" || !/^[a-z][a-z0-9+.-]*:\/\/./i.test(value)) return "it is not a URL";
      return withoutPassword(value) === value
        ? undefined
        : "it holds a password; leave it to the provider's own files or environment variables";
  }
}

const MODES = ["hardlink", "symlink", "copy"];
