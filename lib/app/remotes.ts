// The project's remotes: which there are, and one of them opened over the project's cache.

import type { Blobs } from "../cache/mod.ts";
import { setSetting, unsetSetting } from "../config/mod.ts";
import { isJsonObject, type Json } from "../core/mod.ts";
import { type BlobStore, type KeyValue, Remote, RemoteManager } from "../remote/mod.ts";
import { statPath } from "../sys/mod.ts";
import type { Project } from "./open_project.ts";

/** Options of {@linkcode openRemote}. */
export interface OpenRemoteOptions {
  /** Its name. @default the default remote, or the only one */
  readonly name?: string;
  /** Transfers at once. @default 20 */
  readonly jobs?: number;
  /** Ask it for everything, whatever is remembered of it. @default false */
  readonly distrust?: boolean;
}

/** Opens a remote of the project. @throws {PivotError} `no-remote` (kind `usage`) */
export function openRemote(project: Project, options: OpenRemoteOptions = {}): Promise<Remote> {
  const config = remotesOf(project).get(options.name);
  return Remote.fromConfig(config, {
    store: storeOver(project.cache.blobs),
    pool: project.pool,
    ...(options.distrust === true ? {} : { table: tableOver(project) }),
    ...(options.jobs === undefined ? {} : { jobs: options.jobs }),
  });
}

/** The remotes of the project, for reading. */
export function remotesOf(project: Project): RemoteManager {
  const { remotes, defaultRemote } = project.settings;
  return new RemoteManager(overSettings(remotes, defaultRemote, () => {}));
}

/** Which remotes a run has to do with, by name. */
export interface RunRemotes {
  /** Asked for what is missing. */
  readonly pull: string | undefined;
  /** Pushed to after a good run. */
  readonly push: readonly string[];
}

/**
 * The remotes that a run has to do with: the default one if asked for or by the settings `auto_push` and `auto_pull`, and each whose
 * own settings say so.
 *
 * @throws {PivotError} `no-remote` (kind `usage`) if it is asked for and there is none.
 */
export function remotesOfRun(project: Project, asked: { readonly pull: boolean; readonly push: boolean }): RunRemotes {
  const { settings } = project;
  const manager = remotesOf(project);
  const all = manager.list();
  const needed = asked.pull || asked.push;
  const standard = needed || settings.defaultRemote !== undefined || all.length === 1 ? manager.get().name : undefined;
  const own = (name: string, key: "auto_push" | "auto_pull"): boolean | undefined => {
    const value = settings.remotes[name];
    const flag = isJsonObject(value) ? value[key] : undefined;
    return typeof flag === "boolean" ? flag : undefined;
  };
  const wants = (name: string, key: "auto_push" | "auto_pull", isAsked: boolean, isAuto: boolean): boolean =>
    (name === standard && isAsked) || (own(name, key) ?? (name === standard && isAuto));
  // The default remote is asked first.
  const names = all.map(({ name }) => name).sort((a, b) => Number(b === standard) - Number(a === standard));
  return {
    pull: names.find((name) => wants(name, "auto_pull", asked.pull, settings.autoPull)),
    push: names.filter((name) => wants(name, "auto_push", asked.push, settings.autoPush)),
  };
}

/** Changes the remotes in the settings: what the manager does is written when it is done. */
export async function changeRemotes<Result>(
  project: Project,
  change: (manager: RemoteManager) => Result,
): Promise<Result> {
  const writes: (() => Promise<unknown>)[] = [];
  const { remotes, defaultRemote } = project.settings;
  const set = (key: string, value: Json | undefined) => {
    if (value === undefined) writes.push(() => unsetSetting(project.root, key));
    else if (isJsonObject(value)) { for (const [field, each] of Object.entries(value)) set(`${key}.${field}`, each); }
    else writes.push(() => setSetting(project.root, key, String(value)));
  };
  const result = change(new RemoteManager(overSettings(remotes, defaultRemote, set)));
  for (const write of writes) await write();
  return result;
}

function overSettings(
  remotes: Readonly<Record<string, Json>>,
  defaultRemote: string | undefined,
  set: (key: string, value: Json | undefined) => void,
): ConstructorParameters<typeof RemoteManager>[0] {
  const all: Record<string, Json> = { ...remotes };
  let chosen = defaultRemote;
  return {
    remotes: () => all,
    setRemote(name, value) {
      if (value === undefined) delete all[name];
      else all[name] = value;
      set(`remotes.${name}`, value);
    },
    defaultRemote: () => chosen,
    setDefaultRemote(name) {
      chosen = name;
      set("default_remote", name);
    },
  };
}

/** The cache as the remotes see it. Bytes are checked in flight, so that a blob need not be vouched for to be found. */
function storeOver(blobs: Blobs): BlobStore {
  return {
    find({ digest, size }) {
      for (const executable of [false, true]) {
        const path = blobs.path({ hash: digest, executable });
        if (statPath(path)?.size === size) return path;
      }
      return undefined;
    },
    temporary: () => blobs.temporary(),
    adopt: (temporary, { digest, size }) => blobs.adoptMove(temporary, { hash: digest, size, executable: false }),
    altered: (_blob, path) => void blobs.quarantine(path),
  };
}

function tableOver(project: Project): KeyValue {
  const table = project.state.kv("remote");
  const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
  const read = (key: string) => {
    const bytes = table.get(key);
    return bytes === undefined ? undefined : decoder.decode(bytes);
  };
  return {
    get: read,
    put: (key, value) => table.put(key, encoder.encode(value)),
    delete: (key) => table.delete(key),
    *entries(prefix) {
      for (const key of table.keys(prefix)) {
        const value = read(key);
        if (value !== undefined) yield [key, value];
      }
    },
  };
}
