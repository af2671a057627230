// The remotes of a project by name. Invariant: what is written to the settings was parsed first, so no credential gets there.

import { isJsonObject, type Json, nearest, PivotError } from "../core/mod.ts";
import { RemoteConfig, type RemoteConfigOptions } from "./remote.ts";

/** Where the settings are kept. */
export interface RemoteSettings {
  /** The value of `remotes`: by name a URL, or `{ url, region, endpoint, profile, checksums, auto_push, auto_pull }`. */
  remotes(): Readonly<Record<string, Json>>;
  /** Writes one remote; undefined removes it. */
  setRemote(name: string, value: Json | undefined): void;
  /** The value of `default_remote`. */
  defaultRemote(): string | undefined;
  /** Writes `default_remote`; undefined removes it. */
  setDefaultRemote(name: string | undefined): void;
}

const NAME = /^[A-Za-z][A-Za-z0-9_-]*$/;
const TEXTS = ["region", "endpoint", "profile", "checksums"] as const;

/**
 * Adds, finds and removes remotes, wherever the settings are kept.
 *
 * @example
 * ```ts
 * import { RemoteManager } from "@pivot/pivot/remote";
 * const remotes: Record<string, unknown> = {};
 * let chosen: string | undefined;
 * const manager = new RemoteManager({
 *   remotes: () => remotes as never,
 *   setRemote: (name, value) => void (remotes[name] = value),
 *   defaultRemote: () => chosen,
 *   setDefaultRemote: (name) => void (chosen = name),
 * });
 * manager.add("origin", "s3://bucket/models", { region: "eu-central-1" });
 * manager.add("nas", "file:///mnt/cache");
 * manager.setDefault("nas");
 * console.assert(manager.get().url === "file:///mnt/cache");
 * console.assert(manager.list().length === 2);
 * ```
 */
export class RemoteManager {
  readonly #settings: RemoteSettings;

  /** Works on `settings`. */
  constructor(settings: RemoteSettings) {
    this.#settings = settings;
  }

  /** Adds a remote; the first becomes the default. @throws {PivotError} `remote-exists`, `bad-remote-name`, and as parsing does */
  add(name: string, url: string, options: RemoteConfigOptions = {}): RemoteConfig {
    if (!NAME.test(name)) {
      throw usage(
        `"${name}" is not a name for a remote`,
        "bad-remote-name",
        "start with a letter; then letters, digits, - and _",
      );
    }
    const all = this.#settings.remotes();
    if (Object.hasOwn(all, name)) {
      throw usage(`there is a remote "${name}" already`, "remote-exists", "remove it first, or choose another name");
    }
    const isFirst = Object.keys(all).length === 0;
    const config = RemoteConfig.fromUrl(name, url, options);
    const extra: Record<string, Json> = {};
    for (const key of TEXTS) if (options[key] !== undefined) extra[key] = options[key];
    if (options.autoPush === true) extra.auto_push = true;
    if (options.autoPull === true) extra.auto_pull = true;
    this.#settings.setRemote(name, Object.keys(extra).length === 0 ? url : { url, ...extra });
    if (isFirst) this.#settings.setDefaultRemote(name);
    return config;
  }

  /** All remotes, by name. @throws {PivotError} `bad-remote-setting` (kind `invalid`) */
  list(): readonly RemoteConfig[] {
    return Object.entries(this.#settings.remotes()).map(([name, value]) => parseRemote(name, value));
  }

  /** The remote of that name, or the default one. @throws {PivotError} `no-remote` (kind `usage`) */
  get(name?: string): RemoteConfig {
    const all = this.#settings.remotes();
    const names = Object.keys(all);
    const wanted = name ?? this.#settings.defaultRemote() ?? (names.length === 1 ? names[0] : undefined);
    if (wanted === undefined) {
      throw usage(
        "no remote is chosen",
        "no-remote",
        names.length === 0
          ? "add one: pivot remote add origin s3://…"
          : "choose one by --remote or `pivot remote default`",
      );
    }
    const value = Object.hasOwn(all, wanted) ? all[wanted] : undefined;
    if (value !== undefined) return parseRemote(wanted, value);
    const meant = nearest(wanted, names);
    const hint = meant === undefined ? `remotes are: ${names.join(", ") || "none yet"}` : `did you mean "${meant}"?`;
    throw usage(`there is no remote "${wanted}"`, "no-remote", hint);
  }

  /** Removes a remote from the settings; what it holds stays. @throws {PivotError} `no-remote` */
  remove(name: string): void {
    this.get(name);
    this.#settings.setRemote(name, undefined);
    if (this.#settings.defaultRemote() === name) this.#settings.setDefaultRemote(undefined);
  }

  /** Chooses the remote that is used when none is named. @throws {PivotError} `no-remote` */
  setDefault(name: string): void {
    this.get(name);
    this.#settings.setDefaultRemote(name);
  }
}

function parseRemote(name: string, value: Json): RemoteConfig {
  if (typeof value === "string") return RemoteConfig.fromUrl(name, value);
  const bad = (why: string) =>
    new PivotError(`the setting "remotes.${name}" ${why}`, {
      code: "bad-remote-setting",
      kind: "invalid",
      hint: "write a URL, or url, region, endpoint, profile, checksums, auto_push and auto_pull",
    });
  if (!isJsonObject(value) || typeof value.url !== "string") throw bad("is neither a URL nor has one");
  const options: Record<string, string | boolean> = {};
  for (const [key, each] of Object.entries(value)) {
    if (key === "url") continue;
    if ((TEXTS as readonly string[]).includes(key) && typeof each === "string") options[key] = each;
    else if (key === "auto_push" && typeof each === "boolean") options.autoPush = each;
    else if (key === "auto_pull" && typeof each === "boolean") options.autoPull = each;
    else throw bad(`has "${key}", which is unknown or of the wrong type`);
  }
  return RemoteConfig.fromUrl(name, value.url, options as RemoteConfigOptions);
}

function usage(message: string, code: string, hint: string): PivotError {
  return new PivotError(message, { code, kind: "usage", hint });
}
