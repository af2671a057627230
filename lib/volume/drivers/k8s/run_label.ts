// Whose pods and claims are whose. Everything that a run makes carries its labels, and the run itself is a config map with a sign of
// life. Invariant: what a living run has is never touched. A run lives if its lock file is held, seen from its machine; seen from
// elsewhere, if it gave a sign of life lately.

import { delay, makeFolder, removeIfThere, statPath, tryLockFile } from "../../../sys/mod.ts";
import type { Cluster } from "./cluster.ts";

const MANAGED = "app.kubernetes.io/managed-by";
const RUN = "pivot.dev/run";
const BEAT_MS = 60_000;
/** Without a sign for so long a run of another machine counts as killed. */
const DEAD_AFTER_MS = 600_000;
/** How long the cluster may take to remove what it was told to. */
const REMOVE_MS = 60_000;

/** Name of the folder of locks. */
const LOCK_FOLDER = "k8s-runs";

/** One run of the driver. */
export interface RunLabel {
  readonly id: string;
  /** Metadata of a thing of this run. @param name For people. */
  metadata(name: string): {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
  };
  /** Removes everything of this run, and the run itself. */
  end(): Promise<void>;
}

/** Begins a run. @param scratch Folder for a folder of locks, the same for each run of a project. */
export async function beginRun(cluster: Cluster, scratch: string): Promise<RunLabel> {
  const folder = `${scratch}/${LOCK_FOLDER}`;
  makeFolder(folder);
  const id = crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  const lockPath = `${Deno.realPathSync(folder)}/${id}.lock`;
  const lock = tryLockFile(lockPath, "running tasks in pods");
  const labels = { [MANAGED]: "pivot", [RUN]: id };
  const sign = () =>
    cluster.putConfig({
      metadata: { name: `pivot-run-${id}`, labels },
      data: { lock: lockPath, host: Deno.hostname(), alive: String(Date.now()) },
    });
  try {
    await sign();
  } catch (error) {
    lock?.[Symbol.dispose]();
    removeIfThere(lockPath);
    throw error;
  }
  const beat = setInterval(() => void sign().catch(() => undefined), BEAT_MS);
  Deno.unrefTimer(beat);
  let count = 0;
  return {
    id,
    metadata: (name) => ({
      name: `pivot-${id}-${++count}`,
      labels,
      annotations: { "pivot.dev/name": name },
    }),
    async end() {
      clearInterval(beat);
      try {
        await removeRun(cluster, id);
      } finally {
        lock?.[Symbol.dispose]();
        removeIfThere(lockPath);
      }
    },
  };
}

/** Removes what killed runs left. @returns how many things. */
export async function sweepRuns(cluster: Cluster, own: string): Promise<number> {
  let removed = 0;
  for (const config of await cluster.configs(`${MANAGED}=pivot,${RUN}`)) {
    const id = config.metadata?.labels?.[RUN];
    if (id === undefined || id === own || isAlive(config.data ?? {}, id)) continue;
    removed += await removeRun(cluster, id);
    if (config.data?.["host"] === Deno.hostname()) removeIfThere(lockPathOf(config.data, id) ?? "");
  }
  return removed;
}

/** The lock of a run. Whoever may write to the namespace could name any file here: it must look like a lock of that run. */
function lockPathOf(data: Readonly<Record<string, string>>, id: string): string | undefined {
  const path = data["lock"] ?? "";
  return path.endsWith(`/${LOCK_FOLDER}/${id}.lock`) && !path.includes("/../") ? path : undefined;
}

function isAlive(data: Readonly<Record<string, string>>, id: string): boolean {
  const { host, alive } = data;
  const path = lockPathOf(data, id);
  if (host === Deno.hostname() && path !== undefined && statPath(path) !== undefined) {
    const lock = tryLockFile(path, "looking for killed runs");
    lock?.[Symbol.dispose]();
    return lock === undefined;
  }
  return Date.now() - Number(alive ?? 0) < DEAD_AFTER_MS;
}

/** Pods first: a claim stays while a pod uses it. @returns how many things there were. */
async function removeRun(cluster: Cluster, id: string): Promise<number> {
  const selector = `${MANAGED}=pivot,${RUN}=${id}`;
  let count = 0;
  for (const kind of ["pod", "claim"] as const) {
    const names = await cluster.names(kind, selector);
    count += names.length;
    for (const name of names) await cluster.remove(kind, name);
    const deadline = Date.now() + REMOVE_MS;
    while ((await cluster.names(kind, selector)).length > 0) {
      // The run stays known, so that the next one tries again.
      if (Date.now() > deadline) return count;
      await delay(100);
    }
  }
  await cluster.remove("config", `pivot-run-${id}`);
  return count;
}
