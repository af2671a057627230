// The files of a claim as tar, through a pod that has it mounted. Invariants: what the far side says of its end is checked, and how many
// bytes it sent; a volume that could not be filled is empty.

import { messageOf } from "../../../core/mod.ts";
import type { TarAccess } from "../../ports.ts";
import { driverError } from "../failure.ts";
import type { Cluster } from "./cluster.ts";
import { execInPod } from "./exec.ts";
import { asGnuTar, tarOfHeaders, withoutLinkTimes } from "./gnu_tar.ts";

/** Where the claim is in the helper pod. */
export const PLACE = "/pivot-volume";

/** The tar goes to the caller, its exit code and byte count to stderr. */
const READ = `cd ${PLACE} || exit 90
{ { tar -cf - .; echo "tar $?" >&2; } | tee /dev/fd/3 | wc -c >&2; } 3>&1`;

/**
 * Frames: eight characters that say how many bytes follow, up to a frame of none, since the connection cannot tell that its input
 * ended. Folders come once more in a tar of their own: small tars set their times before everything is in them.
 */
const WRITE = `cd ${PLACE} || exit 90
frames() {
  while :; do
    n=$(dd bs=8 count=1 iflag=fullblock 2>/dev/null)
    [ -n "$n" ] || break
    n=$((n))
    [ $n -gt 0 ] || { echo whole >&2; break; }
    dd bs=$n count=1 iflag=fullblock 2>/dev/null || break
  done
}
frames | tar -xpf - && frames | tar -xpf -`;

const EMPTY = `find ${PLACE} -mindepth 1 -maxdepth 1 -exec rm -rf {} +`;
const FRAME_BYTES = 1 << 20;

/** What {@linkcode tarAccess} needs to know of a volume. */
export interface ClaimVolume {
  /** Name for people. */
  readonly name: string;
  /** Starts a pod with the claim mounted. @returns its name, and how it is removed. */
  helper(signal: AbortSignal): Promise<{ readonly pod: string } & AsyncDisposable>;
}

/** A way to the files of a claim. */
export function tarAccess(cluster: Cluster, volume: ClaimVolume): TarAccess {
  return {
    kind: "tar",
    read: ({ signal = new AbortController().signal }) => readVolume(cluster, volume, signal),
    write: (tar, { signal = new AbortController().signal }) => writeVolume(cluster, volume, tar, signal),
  };
}

async function readVolume(
  cluster: Cluster,
  volume: ClaimVolume,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  const helper = await volume.helper(signal);
  const stop = new AbortController();
  let said = "";
  let bytes = 0;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>(undefined, { highWaterMark: 1 }, {
    highWaterMark: 1,
  });
  const writer = writable.getWriter();
  const pump = async () => {
    try {
      const code = await execInPod(cluster, {
        pod: helper.pod,
        command: ["sh", "-c", READ],
        signal: AbortSignal.any([signal, stop.signal]),
        async onOutput(chunk, stream) {
          if (stream === "stderr") said += new TextDecoder().decode(chunk);
          else {
            bytes += chunk.length;
            await writer.write(chunk.slice());
          }
        },
      });
      if (code !== 0 || !/^tar 0$/m.test(said)) throw failed(volume.name, "read", said);
      if (!new RegExp(`^\\s*${bytes}$`, "m").test(said)) {
        throw failed(volume.name, "read", `${bytes} bytes came of ${said}`);
      }
      await writer.close();
    } catch (error) {
      await writer.abort(error).catch(() => undefined);
    } finally {
      await helper[Symbol.asyncDispose]();
    }
  };
  const pumping = pump();
  // Whoever stops reading waits until the pod is gone.
  const tar = withoutLinkTimes(readable);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await tar.next();
      if (!done) return controller.enqueue(value);
      await pumping;
      controller.close();
    },
    async cancel(reason) {
      stop.abort(reason);
      await tar.return(undefined).catch(() => undefined);
      await pumping;
    },
  }, { highWaterMark: 0 });
}

async function writeVolume(
  cluster: Cluster,
  volume: ClaimVolume,
  tar: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  let helper: Awaited<ReturnType<ClaimVolume["helper"]>>;
  try {
    helper = await volume.helper(signal);
  } catch (error) {
    await tar.cancel(error).catch(() => undefined);
    throw error;
  }
  await using _helper = helper;
  let said = "";
  let broken: { readonly error: unknown } | undefined;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    try {
      const folders: Uint8Array[] = [];
      yield* framed(asGnuTar(tar, (headers) => void folders.push(...headers)));
      yield* framed(tarOfHeaders(folders));
    } catch (error) {
      broken = { error };
      throw error;
    }
  };
  try {
    const code = await execInPod(cluster, {
      pod: helper.pod,
      command: ["sh", "-c", WRITE],
      stdin: source(),
      signal,
      onOutput: (chunk) => void (said += new TextDecoder().decode(chunk)),
    });
    if (code !== 0 || said.match(/^whole$/gm)?.length !== 2) throw failed(volume.name, "fill", said);
  } catch (error) {
    await tar.cancel(error).catch(() => undefined);
    await empty(cluster, volume.name, helper.pod);
    signal.throwIfAborted();
    throw broken === undefined ? error : (broken as { error: unknown }).error;
  }
}

/** Cuts bytes into frames, and ends them with an empty one. */
async function* framed(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held = new Uint8Array(FRAME_BYTES);
  let at = 0;
  for await (const chunk of source) {
    for (let from = 0; from < chunk.length;) {
      const part = chunk.subarray(from, from + FRAME_BYTES - at);
      held.set(part, at);
      at += part.length;
      from += part.length;
      if (at < FRAME_BYTES) continue;
      yield head(at);
      yield held;
      held = new Uint8Array(FRAME_BYTES);
      at = 0;
    }
  }
  if (at > 0) {
    yield head(at);
    yield held.subarray(0, at);
  }
  yield head(0);
}

function head(size: number): Uint8Array {
  return new TextEncoder().encode(String(size).padStart(8));
}

async function empty(cluster: Cluster, name: string, pod: string): Promise<void> {
  try {
    const signal = AbortSignal.timeout(60_000);
    const code = await execInPod(cluster, { pod, command: ["sh", "-c", EMPTY], signal, onOutput: () => undefined });
    if (code !== 0) throw failed(name, "empty", `exit code ${code}`);
  } catch (error) {
    throw driverError(
      "volume-failed",
      `cannot empty volume "${name}" after it could not be filled: ${messageOf(error)}`,
    );
  }
}

function failed(name: string, what: string, said: string): Error {
  const line = said.trim().split("\n").filter((each) => !/^(tar \d+|whole|\s*\d+)$/.test(each)).at(-1);
  return driverError("volume-failed", `cannot ${what} volume "${name}": ${line ?? "the tar was cut off"}`);
}
