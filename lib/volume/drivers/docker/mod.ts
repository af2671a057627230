/**
 * Tasks as containers of a Docker engine, volumes as its volumes.
 *
 * A task's folder is `/tmp/build/<task>`; relative mounts are below it. An image's entry point is not used: the command is what
 * the task says. Volume data moves through containers that are made and never started, so that the engine alone does the work.
 *
 * @module
 */

import { KILL_GRACE_MS } from "../../../core/mod.ts";
import type { DriverDsn } from "../../dsn.ts";
import type { CreateVolumeOptions, Driver, TaskRequest, Volume } from "../driver.ts";
import { driverError } from "../failure.ts";
import { cleanPath, placeMounts } from "../mount_paths.ts";
import type { OpenDriverOptions } from "../options.ts";
import { findEndpoint } from "./endpoint.ts";
import { Engine } from "./engine.ts";
import { volumeFailure } from "./failures.ts";
import { Images } from "./images.ts";
import { beginRun, removeRun, type RunLabel, sweepRuns } from "./run_label.ts";
import { type ContainerPlan, runContainer } from "./run_container.ts";
import { tarAccess } from "./volume_access.ts";

/**
 * Opens the Docker driver.
 *
 * @param dsn Its namespace keeps apart what several users of one engine leave behind. Options `host`: `unix:///path` or
 * `tcp://host:port`; `image`: for tasks that name none, and for moving volume data.
 * @throws {PivotError} `driver-unreachable`
 */
export async function openDockerDriver(dsn: DriverDsn, options: OpenDriverOptions): Promise<Driver> {
  const endpoint = findEndpoint(dsn.options["host"], options.environment ?? (() => undefined));
  const engine = new Engine(endpoint);
  const signal = options.signal ?? new AbortController().signal;
  let label: RunLabel | undefined;
  try {
    await (await engine.send("GET", "/_ping", { signal })).body?.cancel();
    label = beginRun(engine, dsn.namespace, `${options.scratch}/docker-runs`);
    const swept = await sweepRuns(engine, dsn.namespace, label.id, signal);
    if (swept > 0) options.onEvent?.({ type: "leftovers-removed", count: swept });
    return new DockerDriver(engine, label, dsn.options["image"], options);
  } catch (error) {
    await label?.end("nothing");
    engine[Symbol.dispose]();
    throw error;
  }
}

class DockerDriver implements Driver {
  readonly kind = "docker";
  readonly #engine: Engine;
  readonly #label: RunLabel;
  readonly #image: string | undefined;
  readonly #images: Images;
  readonly #graceMs: number;
  readonly #volumes = new Map<Volume, string>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();

  constructor(engine: Engine, label: RunLabel, image: string | undefined, options: OpenDriverOptions) {
    this.#engine = engine;
    this.#label = label;
    this.#image = image;
    this.#images = new Images(engine, options.onEvent ?? (() => {}));
    this.#graceMs = options.graceMs ?? KILL_GRACE_MS;
  }

  async createVolume({ name, signal }: CreateVolumeOptions): Promise<Volume> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const id = this.#label.unique();
    // Not cancelled in its middle: what is made must be known, to be removed.
    const make = () => this.#makeVolume(name, id);
    await this.#track(make());
    const volume: Volume = {
      name,
      access: tarAccess(this.#engine, {
        name,
        id,
        helper: (place, helperSignal) => this.#track(this.#makeHelper(id, place, helperSignal)),
        empty: async () => {
          await this.#engine.remove(`/volumes/${id}`, { force: "1" });
          await make();
        },
      }),
    };
    this.#volumes.set(volume, id);
    signal.throwIfAborted();
    return volume;
  }

  async removeVolume(volume: Volume): Promise<void> {
    const id = this.#volumes.get(volume);
    if (id === undefined) return;
    try {
      await this.#engine.remove(`/volumes/${id}`, { force: "1" });
    } catch (error) {
      throw volumeFailure("remove", volume.name, error);
    }
    this.#volumes.delete(volume);
  }

  async run(request: TaskRequest): Promise<{ readonly code: number }> {
    const signal = AbortSignal.any([request.signal, this.#closing.signal]);
    signal.throwIfAborted();
    const plan = this.#plan(request);
    return await this.#track(runContainer(plan, {
      engine: this.#engine,
      images: this.#images,
      graceMs: this.#graceMs,
      request: { ...request, signal },
    }));
  }

  #plan(request: TaskRequest): ContainerPlan {
    const image = request.image ?? this.#image;
    if (image === undefined) {
      throw driverError(
        "image-missing",
        `cannot run task "${request.name}": it names no image`,
        "give it one, or one for all that have none: docker://?image=busybox",
      );
    }
    const home = `/tmp/build/${folderName(request.name)}`;
    const absolute = (path: string) => path.startsWith("/") ? path : `${home}/${path}`.replace(/\/$/, "");
    return {
      name: this.#label.unique(),
      labels: this.#label.labels(request.name),
      image,
      home,
      dir: absolute(cleanPath(request.dir ?? "", "bad-dir")),
      mounts: placeMounts(request.mounts).map(({ volume, path }) => ({
        source: this.#idOf(volume),
        target: absolute(path),
      })),
    };
  }

  #idOf(volume: Volume): string {
    const id = this.#volumes.get(volume);
    if (id !== undefined) return id;
    throw driverError("volume-failed", `cannot use volume "${volume.name}": it was removed, or another driver made it`);
  }

  async #makeVolume(name: string, id: string): Promise<void> {
    try {
      await this.#engine.json("POST", "/volumes/create", { json: { Name: id, Labels: this.#label.labels(name) } });
    } catch (error) {
      throw volumeFailure("make", name, error);
    }
  }

  async #makeHelper(volume: string, place: string, signal: AbortSignal): Promise<string> {
    const name = this.#label.unique();
    const image = this.#image ?? await this.#images.any();
    const json = {
      Image: image,
      // Never started; some engines insist on a command.
      Entrypoint: ["never-started"],
      Labels: this.#label.labels("volume data"),
      HostConfig: { Mounts: [{ Type: "volume", Source: volume, Target: place, VolumeOptions: { NoCopy: true } }] },
    };
    const make = () => this.#engine.json("POST", "/containers/create", { query: { name }, json });
    await this.#images.with(image, make, signal);
    return name;
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
    let left: "nothing" | "things" = "things";
    try {
      await this.#images.close();
      await Promise.allSettled(this.#running);
      await removeRun(this.#engine, this.#label.id);
      left = "nothing";
    } finally {
      await this.#label.end(left);
      this.#engine[Symbol.dispose]();
    }
  }
}

/** A task's name as one folder's; two tasks with one folder are in containers of their own anyhow. */
function folderName(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+/, "").slice(0, 60);
  return safe === "" ? "task" : safe;
}
