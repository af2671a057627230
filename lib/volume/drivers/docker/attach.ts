// The two ways into a container: one raw connection that carries what it reads, and back what it writes. Invariant: output is
// handed over whole and in order per stream, and a connection that ends within a frame is an error.

import { driverError } from "../failure.ts";
import { connect, ConnectionReader, exchangeHeads, writeAll } from "./connection.ts";
import type { Endpoint } from "./endpoint.ts";
import { unreachable } from "./engine.ts";

/** A connection to a container's streams. */
export interface Attachment extends Disposable {
  /** Sends what the process reads, then the end of it. A process need not read it all. */
  feed(bytes: Uint8Array): Promise<void>;
  /** Hands over output until the container has ended. @throws {PivotError} `driver-unreachable` if the connection breaks. */
  readAll(onOutput: (chunk: Uint8Array, stream: "stdout" | "stderr") => void): Promise<void>;
}

/** Connects to a container that was made and not started yet. */
export async function attach(endpoint: Endpoint, container: string, withStdin: boolean): Promise<Attachment> {
  const connection = await connect(endpoint);
  try {
    const query = `stream=1&stdout=1&stderr=1${withStdin ? "&stdin=1" : ""}`;
    const reader = new ConnectionReader(connection);
    const target = `/containers/${encodeURIComponent(container)}/attach?${query}`;
    const upgrade = "Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0";
    const { status, head } = await exchangeHeads(connection, reader, `POST ${target} HTTP/1.1\r\n${upgrade}`);
    if (status !== 101 && status !== 200) {
      const said = head.split("\r\n")[0];
      throw driverError("driver-failed", `cannot attach to container "${container}": the engine answered ${said}`);
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
