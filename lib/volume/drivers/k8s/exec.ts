// A process in a running pod, over the exec endpoint's WebSocket. Invariants: it has ended only when its status came; a connection
// that closes without one is an error; what is read and written is bounded by what the other side takes.
// Protocol: https://kubernetes.io/docs/reference/using-api/ , subprotocol v4.channel.k8s.io: each message starts with its channel.

import type { RawData } from "ws";
import { PivotError } from "../../../core/mod.ts";
import { driverError } from "../failure.ts";
import type { Cluster } from "./cluster.ts";

/** What runs where. */
export interface ExecRequest {
  readonly pod: string;
  readonly command: readonly string[];
  /** Bytes that it reads. The protocol cannot tell it that they ended: its command must know how many come. */
  readonly stdin?: AsyncIterable<Uint8Array>;
  /** Takes output; the next chunk comes when it settled. */
  readonly onOutput: (chunk: Uint8Array, stream: "stdout" | "stderr") => void | Promise<void>;
  readonly signal: AbortSignal;
}

const STDIN = 0;
const STDOUT = 1;
const STDERR = 2;
const STATUS = 3;
/** Bytes on their way in a socket before more are taken from the source. */
const HIGH_WATER = 1 << 20;
const MESSAGE_BYTES = 64 * 1024;

/**
 * Runs a process to its end.
 *
 * @returns its exit code.
 * @throws {PivotError} `program-missing`, `driver-failed`; the signal's reason.
 */
export async function execInPod(cluster: Cluster, request: ExecRequest): Promise<number> {
  const { signal } = request;
  signal.throwIfAborted();
  const socket = await connect(cluster, request);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  // A failure may come before anybody waits.
  promise.catch(() => undefined);
  const queue = new Ordered(reject);
  const stop = () => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  // It may have come while the connection was made.
  if (signal.aborted) stop();
  socket.on("message", (data: RawData) => {
    const bytes = bytesOf(data);
    const [channel] = bytes;
    const payload = bytes.subarray(1);
    if (channel === STATUS) queue.add(() => resolve(exitCodeOf(payload, request.command)), 0, socket);
    else if (payload.length > 0 && (channel === STDOUT || channel === STDERR)) {
      queue.add(() => request.onOutput(payload, channel === STDOUT ? "stdout" : "stderr"), payload.length, socket);
    }
  });
  socket.on(
    "error",
    (error: Error) => reject(driverError("driver-failed", `the connection to the pod broke: ${error.message}`)),
  );
  socket.on("close", () => queue.add(() => reject(cutOff()), 0, socket));
  socket.resume();
  try {
    const feeding = request.stdin === undefined ? undefined : feed(socket, request.stdin, signal);
    feeding?.catch(reject);
    return await promise;
  } finally {
    signal.removeEventListener("abort", stop);
    socket.removeAllListeners("message");
    socket.terminate();
  }
}

type Socket = import("ws").WebSocket;

async function connect(cluster: Cluster, { pod, command, stdin }: ExecRequest): Promise<Socket> {
  const { default: WebSocket } = await import("ws");
  const query = new URLSearchParams({
    container: "task",
    stdout: "true",
    stderr: "true",
    stdin: String(stdin !== undefined),
  });
  for (const part of command) query.append("command", part);
  const base = cluster.server.replace(/^http/, "ws").replace(/\/$/, "");
  const path = `/api/v1/namespaces/${cluster.namespace}/pods/${pod}/exec`;
  const options: Record<string, unknown> = {};
  await cluster.config.applyToHTTPSOptions(options);
  // Form encoding writes spaces as +, which the server takes for a plus.
  const socket = new WebSocket(`${base}${path}?${String(query).replaceAll("+", "%20")}`, ["v4.channel.k8s.io"], {
    ...options,
    perMessageDeflate: false,
    handshakeTimeout: 30_000,
  });
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  const fail = (error: Error) =>
    reject(driverError("driver-failed", `cannot start a process in pod "${pod}": ${error.message.split("\n")[0]}`));
  socket.once("open", () => {
    // The first message may have come with the answer: it waits until somebody listens.
    socket.pause();
    resolve(socket);
  });
  socket.once("error", fail);
  try {
    return await promise;
  } finally {
    socket.off("error", fail);
    // What is not listened to would be thrown.
    socket.on("error", () => undefined);
  }
}

/** Handles messages one after the other; while many bytes wait, the socket is not read. */
class Ordered {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #onFailure: (error: unknown) => void;

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  add(work: () => void | Promise<void>, bytes: number, socket: Socket): void {
    this.#waiting += bytes;
    if (this.#waiting > HIGH_WATER && !socket.isPaused) socket.pause();
    this.#tail = this.#tail.then(work).catch(this.#onFailure).then(() => {
      this.#waiting -= bytes;
      if (this.#waiting <= HIGH_WATER / 2 && socket.isPaused) socket.resume();
    });
  }
}

async function feed(socket: Socket, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += MESSAGE_BYTES) {
      signal.throwIfAborted();
      const part = chunk.subarray(at, at + MESSAGE_BYTES);
      const message = new Uint8Array(part.length + 1);
      message[0] = STDIN;
      message.set(part, 1);
      const sent = new Promise<void>((resolve, reject) =>
        socket.send(message, (error?: Error | null) => error ? reject(error) : resolve())
      );
      sent.catch(() => undefined);
      // The socket says when a message left; beyond the mark we wait for that.
      if (socket.bufferedAmount > HIGH_WATER) await sent;
    }
  }
}

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return new Uint8Array(data.flatMap((part) => [...part]));
  return data instanceof ArrayBuffer
    ? new Uint8Array(data)
    : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

interface ExecStatus {
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { readonly reason?: string; readonly message?: string }[] };
}

function exitCodeOf(payload: Uint8Array, command: readonly string[]): number {
  const status: ExecStatus = JSON.parse(new TextDecoder().decode(payload));
  if (status.status === "Success") return 0;
  const code = Number(status.details?.causes?.find(({ reason }) => reason === "ExitCode")?.message ?? NaN);
  const said = status.message ?? "";
  if (
    /executable file not found|no such file or directory|permission denied|not a directory/i.test(said) &&
    (!Number.isInteger(code) || code >= 126)
  ) {
    throw driverError(
      "program-missing",
      `cannot run "${command[0]}": the container has no such program that may be run`,
    );
  }
  if (Number.isInteger(code)) return code;
  throw driverError("driver-failed", `cannot run "${command[0]}" in the pod: ${said.split("\n")[0]}`);
}

function cutOff(): PivotError {
  return driverError("driver-failed", "the connection to the pod closed before the process told how it ended");
}
