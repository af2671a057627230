// The files of a Docker volume as tar, through a container that is made and never started. Invariants: a tar that the engine
// cut off is an error, and a volume that could not be filled is empty.

import { messageOf } from "../../../core/mod.ts";
import type { TarAccess } from "../../ports.ts";
import { driverError } from "../failure.ts";
import { getLarge } from "./connection.ts";
import type { Engine } from "./engine.ts";
import { volumeFailure } from "./failures.ts";

/** Where the volume is in the container; the engine makes the folder. */
const PLACE = "/pivot-volume";
/** A tar ends with two blocks of zeros. */
const END_BYTES = 1024;

/** What {@linkcode tarAccess} needs to know of a volume. */
export interface DockerVolume {
  /** Name for people. */
  readonly name: string;
  /** Name in the engine. */
  readonly id: string;
  /** Makes a container with the volume at a path, not started. @returns its name. */
  helper(place: string, signal: AbortSignal): Promise<string>;
  /** Makes the volume anew, empty. */
  empty(): Promise<void>;
}

/** A way to the files of a volume. */
export function tarAccess(engine: Engine, volume: DockerVolume): TarAccess {
  return {
    kind: "tar",
    read: ({ signal = new AbortController().signal }) => readVolume(engine, volume, signal),
    write: (tar, { signal = new AbortController().signal }) => writeVolume(engine, volume, tar, signal),
  };
}

async function readVolume(
  engine: Engine,
  volume: DockerVolume,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const helper = await openHelper(engine, volume, "read", signal);
  try {
    // With a dot at its end the engine's names start at the folder, not with it.
    const body = await getLarge(engine.endpoint, `/containers/${helper}/archive?path=${PLACE}/.`, signal);
    return untilEnd(body, {
      onWhole: (tail) => {
        if (!endsTar(tail)) throw cutOff(volume.name);
      },
      onFailure: (error) => signal.aborted ? signal.reason : cutOff(volume.name, error),
      onDone: () => removeHelper(engine, helper),
    });
  } catch (error) {
    await removeHelper(engine, helper);
    throw volumeFailure("read", volume.name, error);
  }
}

async function writeVolume(
  engine: Engine,
  volume: DockerVolume,
  tar: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  let helper: string | undefined;
  // What the source said is what the caller wants to know, rather than what the engine made of it.
  let broken: { readonly error: unknown } | undefined;
  let whole = false;
  const body = untilEnd(tar, {
    onWhole(tail) {
      if (!endsTar(tail)) throw cutOff(volume.name);
      whole = true;
    },
    onFailure: (error) => {
      broken = { error };
      return error;
    },
    onDone: () => Promise.resolve(),
  });
  try {
    helper = await openHelper(engine, volume, "fill", signal);
    const query = { path: PLACE };
    const response = await engine.send("PUT", `/containers/${helper}/archive`, { query, body, signal });
    await response.body?.cancel();
    if (broken === undefined && !whole) throw cutOff(volume.name);
    if (broken !== undefined) throw broken.error;
  } catch (error) {
    await body.cancel(error).catch(() => undefined);
    await emptyAfterFailure(engine, volume, helper, error);
    signal.throwIfAborted();
    throw volumeFailure("fill", volume.name, broken === undefined ? error : (broken as { error: unknown }).error);
  }
  await removeHelper(engine, helper);
}

async function emptyAfterFailure(
  engine: Engine,
  volume: DockerVolume,
  helper: string | undefined,
  cause: unknown,
): Promise<void> {
  if (helper === undefined) return;
  try {
    await removeHelper(engine, helper);
    await volume.empty();
  } catch (error) {
    throw driverError(
      "volume-failed",
      `cannot fill volume "${volume.name}" (${messageOf(cause)}), and cannot empty it again: ${messageOf(error)}`,
      undefined,
      cause,
    );
  }
}

/** A volume that is gone would be made anew by the mount, and pass for an empty one. */
async function openHelper(engine: Engine, volume: DockerVolume, what: string, signal: AbortSignal): Promise<string> {
  try {
    await engine.json("GET", `/volumes/${volume.id}`, { signal });
    return await volume.helper(PLACE, signal);
  } catch (error) {
    throw volumeFailure(what, volume.name, error);
  }
}

async function removeHelper(engine: Engine, helper: string): Promise<void> {
  await engine.remove(`/containers/${helper}`, { force: "1", v: "1" });
}

function cutOff(name: string, cause?: unknown): Error {
  return driverError(
    "volume-failed",
    `cannot move the files of volume "${name}": the tar was cut off`,
    undefined,
    cause,
  );
}

function endsTar(tail: Uint8Array): boolean {
  return tail.length === END_BYTES && tail.every((byte) => byte === 0);
}

/** A stream that is checked at its end, and tells when nobody reads it any more. */
function untilEnd(source: ReadableStream<Uint8Array>, hooks: {
  /** Sees the last bytes; throws to refuse. */
  readonly onWhole: (tail: Uint8Array) => void;
  /** @returns what the reader gets to see. */
  readonly onFailure: (error: unknown) => unknown;
  readonly onDone: () => Promise<void>;
}): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let tail = new Uint8Array();
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) {
          tail = lastBytes(tail, value);
          return controller.enqueue(value);
        }
        hooks.onWhole(tail);
      } catch (error) {
        const shown = hooks.onFailure(error);
        await hooks.onDone();
        throw shown;
      }
      await hooks.onDone();
      controller.close();
    },
    async cancel(reason) {
      await reader.cancel(reason).catch(() => undefined);
      await hooks.onDone();
    },
  }, { highWaterMark: 0 });
}

function lastBytes(tail: Uint8Array, more: Uint8Array): Uint8Array<ArrayBuffer> {
  if (more.length >= END_BYTES) return more.slice(-END_BYTES);
  const both = new Uint8Array(tail.length + more.length);
  both.set(tail);
  both.set(more, tail.length);
  return both.slice(-END_BYTES);
}
