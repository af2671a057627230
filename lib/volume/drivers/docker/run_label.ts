// Whose things are whose. Everything that a run makes carries its labels; what a killed run left is removed by the next.
// Invariant: what a living run has is never touched. A run lives if the lock file that its label names is held, seen from this
// machine; where that file is not to be found (another machine uses the same engine), if it made anything lately, and a run that
// goes on makes a sign of life every two minutes.

import { makeFolder, removeIfThere, statPath, tryLockFile } from "../../../sys/mod.ts";
import type { Engine } from "./engine.ts";

/** Labels. */
export const LABELS = {
  namespace: "pivot.namespace",
  run: "pivot.run",
  lock: "pivot.lock",
  name: "pivot.name",
} as const;

/** How often a run gives a sign of life. */
const BEAT_MS = 120_000;
/** After how long without a sign a run of another machine counts as killed. */
const DEAD_AFTER_MS = 600_000;

/** One run of the driver. */
export interface RunLabel {
  readonly id: string;
  /** Labels of a thing of this run. @param name Its name, for people. */
  labels(name: string): Readonly<Record<string, string>>;
  /** A name that no other thing of any run has. */
  unique(): string;
  /** Stops the signs of life. If things are left, the lock file stays, so that the next run knows at once that this one is over. */
  end(left: "nothing" | "things"): Promise<void>;
}

/** Begins a run. @param folder Folder for locks, the same for each run of a project. */
export function beginRun(engine: Engine, namespace: string, folder: string): RunLabel {
  makeFolder(folder);
  const id = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  const lockPath = `${Deno.realPathSync(folder)}/${id}.lock`;
  const lock = tryLockFile(lockPath, "running tasks in containers");
  const prefix = `pivot-${namespace.replace(/[^A-Za-z0-9]+/g, "-").slice(0, 40)}-${id}`.replace("--", "-");
  let count = 0;
  const unique = () => `${prefix}-${++count}`;
  const labels = (name: string) => ({
    [LABELS.namespace]: namespace,
    [LABELS.run]: id,
    [LABELS.lock]: lockPath,
    [LABELS.name]: name,
  });
  const beats = new Heart(engine, () => ({ Name: unique(), Labels: labels("sign of life") }));
  return {
    id,
    labels,
    unique,
    async end(left) {
      await beats.stop();
      if (left === "nothing") removeIfThere(lockPath);
      lock?.[Symbol.dispose]();
    },
  };
}

/** Labels cannot be changed, so a sign of life is an empty volume, newer than the one before. */
class Heart {
  readonly #timer: ReturnType<typeof setInterval>;
  #last: string | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(
    engine: Engine,
    make: () => { readonly Name: string; readonly Labels: Readonly<Record<string, string>> },
  ) {
    const beat = async () => {
      const volume = make();
      await engine.json("POST", "/volumes/create", { json: volume });
      if (this.#last !== undefined) await engine.remove(`/volumes/${this.#last}`);
      this.#last = volume.Name;
    };
    // An engine that is away for a while is met by the tasks themselves.
    this.#timer = setInterval(() => this.#beating = this.#beating.then(beat).catch(() => undefined), BEAT_MS);
    Deno.unrefTimer(this.#timer);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#beating;
  }
}

/** A thing of some run. */
interface Thing {
  readonly path: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdMs: number;
}

/** Removes everything that one run made. */
export async function removeRun(engine: Engine, run: string): Promise<void> {
  const { things } = await listThings(engine, `${LABELS.run}=${run}`);
  await removeThings(engine, things);
}

/**
 * Removes what killed runs of a namespace left.
 *
 * @returns how many things.
 */
export async function sweepRuns(engine: Engine, namespace: string, own: string, signal: AbortSignal): Promise<number> {
  const { things, nowMs } = await listThings(engine, `${LABELS.namespace}=${namespace}`, signal);
  const runs = Map.groupBy(things, ({ labels }) => labels[LABELS.run] ?? "");
  let count = 0;
  for (const [run, all] of runs) {
    signal.throwIfAborted();
    if (run === own || run === "") continue;
    const lockPath = all[0]?.labels[LABELS.lock] ?? "";
    if (statPath(lockPath) === undefined) {
      const newest = Math.max(...all.map(({ createdMs }) => createdMs));
      if (nowMs - newest < DEAD_AFTER_MS) continue;
      await removeThings(engine, all);
    } else {
      using lock = tryLockFile(lockPath, "removing what a killed run left");
      if (lock === undefined) continue;
      await removeThings(engine, all);
      removeIfThere(lockPath);
    }
    count += all.length;
  }
  return count;
}

async function listThings(
  engine: Engine,
  label: string,
  signal?: AbortSignal,
): Promise<{ readonly things: readonly Thing[]; readonly nowMs: number }> {
  const filters = JSON.stringify({ label: [label] });
  const withSignal = signal === undefined ? {} : { signal };
  const answer = await engine.send("GET", "/containers/json", { query: { all: "1", filters }, ...withSignal });
  // The engine's clock, not ours.
  const nowMs = Date.parse(answer.headers.get("date") ?? "") || Date.now();
  const containers: readonly Record<string, unknown>[] = await answer.json();
  const volumes = await engine.json("GET", "/volumes", { query: { filters }, ...withSignal }) as Record<
    string,
    unknown
  >;
  const found = volumes["Volumes"] as readonly Record<string, unknown>[] | null | undefined;
  return {
    nowMs,
    things: [
      // Containers first: a volume in use cannot be removed.
      ...containers.map((each) => ({
        path: `/containers/${each["Id"]}`,
        labels: labelsOf(each),
        createdMs: Number(each["Created"]) * 1000,
      })),
      ...(found ?? []).map((each) => ({
        path: `/volumes/${encodeURIComponent(String(each["Name"]))}`,
        labels: labelsOf(each),
        createdMs: Date.parse(String(each["CreatedAt"])) || 0,
      })),
    ],
  };
}

function labelsOf(thing: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return (thing["Labels"] ?? {}) as Readonly<Record<string, string>>;
}

async function removeThings(engine: Engine, things: readonly Thing[]): Promise<void> {
  for (const { path } of things) {
    await engine.remove(path, { force: "1", ...(path.startsWith("/c") ? { v: "1" } : {}) });
  }
}
