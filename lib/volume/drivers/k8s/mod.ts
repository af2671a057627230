/**
 * Tasks in pods of a Kubernetes cluster, volumes as claims.
 *
 * A task's pod does nothing by itself; the task is started in it, so that its two streams come apart and its exit code is told. Images
 * need `sh` and `sleep`. A task's folder is `/tmp/build/<task>`; relative mounts are below it. Volume data moves as tar through a
 * helper pod, whose image needs `tar`, `dd`, `tee` and `find` as well.
 *
 * @module
 */

import { KILL_GRACE_MS } from "../../../core/mod.ts";
import { delay } from "../../../sys/mod.ts";
import type { DriverDsn } from "../../dsn.ts";
import type { CreateVolumeOptions, Driver, TaskRequest, Volume } from "../driver.ts";
import { driverError } from "../failure.ts";
import { cleanPath, placeMounts } from "../mount_paths.ts";
import type { OpenDriverOptions } from "../options.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { execInPod } from "./exec.ts";
import { endProcesses, type PodPlan, startPod } from "./pods.ts";
import { beginRun, type RunLabel, sweepRuns } from "./run_label.ts";
import { PLACE, tarAccess } from "./volume_access.ts";

const DEFAULT_IMAGE = "busybox:stable";
const DEFAULT_SIZE = "1Gi";

/**
 * Opens the Kubernetes driver.
 *
 * @param dsn Its namespace is the cluster's. Options `kubeconfig`, `context`; `storage_class` and `storage_size` of claims; `image` of
 * helper pods and of tasks that name none.
 * @throws {PivotError} `driver-unreachable`
 */
export async function openK8sDriver(dsn: DriverDsn, options: OpenDriverOptions): Promise<Driver> {
  const cluster = await openCluster({
    kubeconfig: dsn.options["kubeconfig"],
    context: dsn.options["context"],
    namespace: dsn.namespace,
    environment: options.environment ?? (() => undefined),
  });
  const label = await beginRun(cluster, options.scratch);
  try {
    const swept = await sweepRuns(cluster, label.id);
    if (swept > 0) options.onEvent?.({ type: "leftovers-removed", count: swept });
  } catch (error) {
    await label.end();
    throw error;
  }
  return new K8sDriver(cluster, label, dsn, options);
}

class K8sDriver implements Driver {
  readonly kind = "k8s";
  readonly #cluster: Cluster;
  readonly #label: RunLabel;
  readonly #options: DriverDsn["options"];
  readonly #graceMs: number;
  readonly #claims = new Map<Volume, string>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(cluster: Cluster, label: RunLabel, dsn: DriverDsn, options: OpenDriverOptions) {
    this.#cluster = cluster;
    this.#label = label;
    this.#options = dsn.options;
    this.#graceMs = options.graceMs ?? KILL_GRACE_MS;
  }

  async createVolume({ name, sizeBytes, signal }: CreateVolumeOptions): Promise<Volume> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const metadata = this.#label.metadata(name);
    const storageClassName = this.#options["storage_class"];
    const storage = sizeBytes === undefined ? this.#options["storage_size"] ?? DEFAULT_SIZE : String(sizeBytes);
    await this.#track(this.#cluster.createClaim({
      metadata,
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage } },
        ...(storageClassName === undefined ? {} : { storageClassName }),
      },
    }));
    const volume: Volume = {
      name,
      access: tarAccess(this.#cluster, { name, helper: (helperSignal) => this.#helper(metadata.name, helperSignal) }),
    };
    this.#claims.set(volume, metadata.name);
    signal.throwIfAborted();
    return volume;
  }

  async removeVolume(volume: Volume): Promise<void> {
    const claim = this.#claims.get(volume);
    if (claim === undefined) return;
    await this.#cluster.remove("claim", claim);
    this.#claims.delete(volume);
  }

  async run(request: TaskRequest): Promise<{ readonly code: number }> {
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    signal.throwIfAborted();
    const plan = this.#plan(request);
    return await this.#track(this.#runPod(plan, { ...request, signal }));
  }

  #plan(request: TaskRequest): PodPlan {
    const home = `/tmp/build/${folderName(request.name)}`;
    const absolute = (path: string) => path.startsWith("/") ? path : `${home}/${path}`.replace(/\/$/, "");
    return {
      metadata: this.#label.metadata(request.name),
      image: request.image ?? this.#options["image"] ?? DEFAULT_IMAGE,
      env: request.env,
      home,
      dir: absolute(cleanPath(request.dir ?? "", "bad-dir")),
      mounts: placeMounts(request.mounts).map(({ volume, path }) => ({
        claim: this.#claimOf(volume),
        path: mountPath(absolute(path)),
      })),
      ...userOf(request),
    };
  }

  #claimOf(volume: Volume): string {
    const claim = this.#claims.get(volume);
    if (claim !== undefined) return claim;
    throw driverError("volume-failed", `cannot use volume "${volume.name}": it was removed, or another driver made it`);
  }

  async #runPod(plan: PodPlan, request: TaskRequest): Promise<{ readonly code: number }> {
    const { name } = plan.metadata;
    const { signal } = request;
    let runs = false;
    try {
      await startPod(this.#cluster, plan, signal);
      runs = true;
      const code = await this.#runTask(name, request);
      signal.throwIfAborted();
      return { code };
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      // What the task left running ends with it. A pod that cannot be reached is removed all the same.
      if (runs) await endProcesses(this.#cluster, name).catch(() => undefined);
      await this.#cluster.remove("pod", name);
    }
  }

  /** Starts the task in its pod. An abort asks its processes to end, then breaks off. */
  async #runTask(pod: string, request: TaskRequest): Promise<number> {
    const { signal, stdin } = request;
    const breakOff = new AbortController();
    const ask = async () => {
      const command = ["sh", "-c", "kill -TERM -1"];
      const quiet = { pod, command, signal: breakOff.signal, onOutput: () => undefined };
      await Promise.race([execInPod(this.#cluster, quiet).catch(() => undefined), delay(this.#graceMs)]);
      await delay(this.#graceMs, breakOff.signal).catch(() => undefined);
      breakOff.abort(signal.reason);
    };
    const onAbort = () => void ask();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      signal.throwIfAborted();
      // Its input cannot be ended over the connection, so it is told how much there is.
      const command = stdin === undefined
        ? request.command
        : ["sh", "-c", `head -c ${stdin.length} | "$@"`, "sh", ...request.command];
      const code = await execInPod(this.#cluster, {
        pod,
        command,
        signal: breakOff.signal,
        onOutput: request.onOutput,
        ...(stdin === undefined ? {} : { stdin: oneChunk(stdin) }),
      });
      // The engine gives a program that it cannot find a code like any other.
      if (code === 126 || code === 127) await this.#insistOnProgram(pod, request, breakOff.signal);
      return code;
    } finally {
      signal.removeEventListener("abort", onAbort);
      breakOff.abort();
    }
  }

  async #insistOnProgram(pod: string, { name, command: [program] }: TaskRequest, signal: AbortSignal): Promise<void> {
    const look = 'case "$0" in */*) [ -f "$0" ] && [ -x "$0" ] ;; *) command -v "$0" >/dev/null ;; esac';
    const command = ["sh", "-c", look, program];
    const code = await execInPod(this.#cluster, { pod, command, signal, onOutput: () => undefined });
    if (code === 0) return;
    throw driverError(
      "program-missing",
      `cannot run task "${name}": its image has no program "${program}" that may be run`,
      "check the path and the image",
    );
  }

  async #helper(claim: string, signal: AbortSignal): Promise<{ readonly pod: string } & AsyncDisposable> {
    const metadata = this.#label.metadata("volume data");
    const plan: PodPlan = {
      metadata,
      image: this.#options["image"] ?? DEFAULT_IMAGE,
      env: {},
      dir: "/",
      mounts: [{ claim, path: PLACE }],
    };
    const both = AbortSignal.any([signal, this.#closing.signal]);
    const known = [...this.#claims.values()].includes(claim) && await this.#cluster.claim(claim) !== undefined;
    if (!known) {
      throw driverError("volume-failed", `cannot move the files of a volume: its claim "${claim}" is gone`);
    }
    const pod = metadata.name;
    try {
      await this.#track(startPod(this.#cluster, plan, both));
    } catch (error) {
      await this.#cluster.remove("pod", pod);
      throw error;
    }
    return { pod, [Symbol.asyncDispose]: () => this.#track(this.#cluster.remove("pod", pod)) };
  }

  async #track<Value>(work: Promise<Value>): Promise<Value> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new DOMException("the driver was closed", "AbortError"));
    await Promise.allSettled(this.#running);
    await this.#label.end();
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** The API refuses a colon in a mount's path. */
function mountPath(path: string): string {
  if (!path.includes(":")) return path;
  throw driverError("bad-mount", `cannot mount a volume at "${path}": Kubernetes takes no colon in a path`);
}

/** Numbers alone: names are known only within the image. */
function userOf({ user, name }: TaskRequest): { readonly user?: { readonly uid: number; readonly gid?: number } } {
  if (user === undefined) return {};
  const [whole, uid, gid] = /^(?:root|(\d+))(?::(\d+))?$/.exec(user) ?? [];
  if (whole === undefined) {
    throw driverError(
      "unknown-user",
      `cannot run task "${name}" as "${user}": Kubernetes takes numbers`,
      "write the user's number, as in user: 1000",
    );
  }
  return { user: { uid: Number(uid ?? 0), ...(gid === undefined ? {} : { gid: Number(gid) }) } };
}

/** A task's name as one folder's; two tasks with one folder are in pods of their own anyhow. */
function folderName(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+/, "").slice(0, 60);
  return safe === "" ? "task" : safe;
}
