// Images. Invariant: one that is here is used as it is, without asking a registry; tasks that want the same one pull it once.

import { driverError } from "../failure.ts";
import type { DriverEvent } from "../options.ts";
import { type Engine, EngineFailure } from "./engine.ts";

/** Knows which images are here. */
export class Images {
  readonly #engine: Engine;
  readonly #emit: (event: DriverEvent) => void;
  readonly #pulls = new Map<string, Promise<void>>();
  readonly #used = new Set<string>();

  constructor(engine: Engine, emit: (event: DriverEvent) => void) {
    this.#engine = engine;
    this.#emit = emit;
  }

  /**
   * Does something that needs an image; if the engine lacks it, pulls it and does it again.
   *
   * @throws {PivotError} `image-missing`
   */
  async with<Value>(image: string, act: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    try {
      const value = await act();
      this.#used.add(image);
      return value;
    } catch (error) {
      if (!(error instanceof EngineFailure) || error.status !== 404) throw error;
    }
    await this.#pull(image, signal);
    try {
      const value = await act();
      this.#used.add(image);
      return value;
    } catch (error) {
      if (error instanceof EngineFailure && error.status === 404) throw imageMissing(image, error.reason, error);
      throw error;
    }
  }

  /**
   * An image for a container that is never started: one that was used, or else the smallest that is here.
   *
   * @throws {PivotError} `image-missing` if there is none at all.
   */
  async any(): Promise<string> {
    for (const used of this.#used) return used;
    const images = await this.#engine.json("GET", "/images/json");
    const known = (Array.isArray(images) ? images : []).filter((image) => typeof image?.Id === "string");
    const smallest = known.toSorted((a, b) => (a.Size ?? 0) - (b.Size ?? 0))[0];
    if (smallest !== undefined) return smallest.Id;
    throw driverError(
      "image-missing",
      "cannot move volume data: the engine has no image, and needs any one to reach a volume",
      "name one, which is pulled then: docker://?image=busybox",
    );
  }

  async #pull(image: string, signal: AbortSignal): Promise<void> {
    // Not cancelled by one task, since another may wait for the same image; whoever is cancelled stops waiting.
    const pull = this.#pulls.get(image) ?? this.#fetch(image).finally(() => this.#pulls.delete(image));
    this.#pulls.set(image, pull);
    const { promise, reject } = Promise.withResolvers<never>();
    const stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      signal.throwIfAborted();
      await Promise.race([pull, promise]);
    } finally {
      signal.removeEventListener("abort", stop);
      pull.catch(() => undefined);
    }
  }

  readonly #closing = new AbortController();

  /** Ends pulls that nobody waits for any more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#pulls.values());
  }

  async #fetch(image: string): Promise<void> {
    const started = performance.now();
    this.#emit({ type: "image-pulling", image });
    // Without a tag the engine would pull every one.
    const tagged = /@|:[^/]*$/.test(image) ? image : `${image}:latest`;
    try {
      const query = { fromImage: tagged };
      const response = await this.#engine.send("POST", "/images/create", { query, signal: this.#closing.signal });
      for (const line of (await response.text()).split("\n")) {
        if (line.trim() === "") continue;
        const { error } = JSON.parse(line);
        if (typeof error === "string") throw imageMissing(image, error);
      }
    } catch (error) {
      throw error instanceof EngineFailure ? imageMissing(image, error.reason, error) : error;
    }
    this.#emit({ type: "image-pulled", image, ms: performance.now() - started });
  }
}

function imageMissing(image: string, why: string, cause?: unknown): Error {
  return driverError(
    "image-missing",
    `cannot use image "${image}": it is not here, and pulling it failed: ${why}`,
    "check its name; an image of a private registry must be pulled beforehand, since no credentials are sent",
    cause,
  );
}
