// The two ways into a container: one raw connection that carries what it reads, and back what it writes. Invariant: output is
// handed over whole and in order per stream, and a connection that ends within a frame is an error.

import { driverError } from "../failure.ts";
import type { Endpoint } from "./endpoint.ts";
import { unreachable } from "./engine.ts";

/** A connection to a container's streams. */
export interface Attachment extends Disposable {
  /** Sends what the process reads, then the end of it. A process need not read it all. */
  feed(bytes: Uint8Array): Promise<void>;
  /** Hands over output until the container has ended. @throws {PivotError} `driver-unreachable` if the connection breaks. */
  readAll(onOutput: (chunk: Uint8Array, stream: "stdout" | "stderr") => void): Promise<void>;
}

/** Longest answer head that is read. */
const MAX_HEAD_BYTES = 64 * 1024;

/** Connects to a container that was made and not started yet. */
export async function attach(endpoint: Endpoint, container: string, withStdin: boolean): Promise<Attachment> {
  const connection = await connect(endpoint);
  try {
    const query = `stream=1&stdout=1&stderr=1${withStdin ? "&stdin=1" : ""}`;
    await writeAll(
      connection,
      new TextEncoder().encode(
        `POST /containers/${encodeURIComponent(container)}/attach?${query} HTTP/1.1\r\n` +
          "Host: localhost\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n",
      ),
    );
    const reader = new ConnectionReader(connection);
    const head = await reader.head();
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
    if (status !== 101 && status !== 200) {
      throw driverError(
        "driver-failed",
        `cannot attach to container "${container}": the engine answered ${head.split("\r\n")[0]}`,
      );
    }
    return {
      feed: (bytes) => feed(connection, bytes),
      readAll: (onOutput) => readFrames(reader, endpoint, onOutput),
      [Symbol.dispose]: () => connection.close(),
    };
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function connect(endpoint: Endpoint): Promise<Deno.TcpConn | Deno.UnixConn> {
  try {
    return endpoint.transport === "unix"
      ? await Deno.connect({ transport: "unix", path: endpoint.path })
      : await Deno.connect({ hostname: endpoint.hostname, port: endpoint.port });
  } catch (error) {
    throw unreachable(endpoint, error);
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function feed(connection: Deno.TcpConn | Deno.UnixConn, bytes: Uint8Array): Promise<void> {
  try {
    await writeAll(connection, bytes);
    await connection.closeWrite();
  } catch (error) {
    const ended = error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset ||
      error instanceof Deno.errors.NotConnected || error instanceof Deno.errors.BadResource ||
      error instanceof Deno.errors.Interrupted;
    if (!ended) throw error;
  }
}

async function readFrames(
  reader: ConnectionReader,
  endpoint: Endpoint,
  onOutput: (chunk: Uint8Array, stream: "stdout" | "stderr") => void,
): Promise<void> {
  // A frame: one byte for the stream, three of nothing, four of length.
  for (let header = await reader.take(8); header.length > 0; header = await reader.take(8)) {
    if (header.length < 8) throw unreachable(endpoint, "the connection ended within a frame");
    const length = new DataView(header.buffer, header.byteOffset).getUint32(4);
    const stream = header[0] === 2 ? "stderr" : "stdout";
    for (let left = length; left > 0;) {
      const chunk = await reader.some(left);
      if (chunk.length === 0) throw unreachable(endpoint, "the connection ended within a frame");
      left -= chunk.length;
      onOutput(chunk, stream);
    }
  }
}

/** Reads a connection in pieces of wanted lengths. */
class ConnectionReader {
  readonly #connection: Deno.Conn;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** Up to `limit` bytes; none at the end. The array is the caller's. */
  async some(limit: number): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#rest.length === 0) this.#rest = await this.#read();
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  /** `count` bytes, fewer at the end. */
  async take(count: number): Promise<Uint8Array<ArrayBuffer>> {
    let taken = await this.some(count);
    while (taken.length > 0 && taken.length < count) {
      const more = await this.some(count - taken.length);
      if (more.length === 0) break;
      taken = joined(taken, more);
    }
    return taken;
  }

  /** Text up to and with the empty line that ends an answer's head. */
  async head(): Promise<string> {
    for (let bytes = await this.#read();; bytes = joined(bytes, await this.#read())) {
      const text = new TextDecoder("latin1").decode(bytes);
      const end = text.indexOf("\r\n\r\n");
      if (end >= 0) {
        this.#rest = bytes.subarray(end + 4);
        return text.slice(0, end);
      }
      if (bytes.length > MAX_HEAD_BYTES || this.#ended) {
        throw driverError("driver-failed", "the Docker engine gave no HTTP answer");
      }
    }
  }

  #ended = false;

  async #read(): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await this.#connection.read(buffer);
    if (count === null) this.#ended = true;
    return buffer.subarray(0, count ?? 0);
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
