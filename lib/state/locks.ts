// Reading and writing locks through the parse cache, so that a no-op run parses no YAML.
// Invariant: what cannot be read counts as no record and is told; a newer format is an error.

import { PivotError, type SourceSpot, type StageName } from "../core/mod.ts";
import { removeIfThere, statPath, writeDurable } from "../sys/mod.ts";
import { formatLock, lockFromYaml, lockPath, type StageLock } from "./lock_file.ts";
import type { ParsedFiles } from "./state.ts";

/** The locks of one project. */
export interface Locks {
  /** Loads the records of these stages. Must come before `get`. */
  load(stages: readonly StageName[]): Promise<readonly LockWarning[]>;
  get(stage: StageName): StageLock | undefined;
  /** Writes the record, durably. */
  put(stage: StageName, lock: StageLock): void;
  delete(stage: StageName): void;
  /** Names of all stages that have a record, also of stages no longer declared. */
  recorded(): readonly string[];
}

/** A record that could not be used. */
export interface LockWarning {
  readonly stage: StageName;
  readonly message: string;
  readonly spot?: SourceSpot;
}

/** Opens the locks below `projectRoot`. */
export function openLocks(projectRoot: string, parsed: ParsedFiles): Locks {
  const known = new Map<StageName, StageLock>();
  const absolute = (stage: StageName) => `${projectRoot}/${lockPath(stage)}`;
  return {
    async load(stages) {
      const warnings: LockWarning[] = [];
      for (const stage of stages) {
        known.delete(stage);
        const path = absolute(stage);
        const stamp = statPath(path);
        if (stamp === undefined) continue;
        // Taken before the read: what is written after it must not pass for what was read.
        const readAtMs = Date.now();
        const cached = parsed.get<StageLock>(lockPath(stage), stamp);
        const lock = cached ?? await readLock(path, stage, warnings);
        if (lock === undefined) continue;
        known.set(stage, lock);
        if (cached === undefined) parsed.put(lockPath(stage), lock, { stamp, readAtMs });
      }
      return warnings;
    },
    get: (stage) => known.get(stage),
    put(stage, lock) {
      writeDurable(absolute(stage), formatLock(lock));
      known.set(stage, lock);
    },
    delete(stage) {
      known.delete(stage);
      removeIfThere(absolute(stage));
    },
    recorded() {
      try {
        return [...Deno.readDirSync(`${projectRoot}/.pivot/stages`)]
          .filter((entry) => entry.isFile && entry.name.endsWith(".lock"))
          .map((entry) => entry.name.slice(0, -".lock".length)).sort();
      } catch (error) {
        if (error instanceof Deno.errors.NotFound) return [];
        throw error;
      }
    },
  };
}

async function readLock(path: string, stage: StageName, warnings: LockWarning[]): Promise<StageLock | undefined> {
  const { parse } = await import("yaml");
  try {
    return lockFromYaml(parse(Deno.readTextFileSync(path), { maxAliasCount: 0 }), lockPath(stage));
  } catch (error) {
    if (error instanceof PivotError && error.code === "lock-too-new") throw error;
    const spot = error instanceof PivotError ? error.spot : undefined;
    const message = error instanceof PivotError
      ? error.message
      : `"${lockPath(stage)}" is not a usable lock: ${(error as Error).message.split("\n")[0]}`;
    warnings.push({ stage, message, ...(spot === undefined ? {} : { spot }) });
    return undefined;
  }
}
