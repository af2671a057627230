// One raw connection to the engine. Attaching needs one, and large answers do: fetch hands over what comes from a Unix socket in
// pieces of 3 KB, at a tenth of the speed. Invariant: an answer that ends before its protocol says so is an error.

import { driverError } from "../failure.ts";
import type { Endpoint } from "./endpoint.ts";
import { EngineFailure, failureText, unreachable } from "./engine.ts";

/** Longest answer head that is read. */
const MAX_HEAD_BYTES = 64 * 1024;
/** Longest refusal that is read. */
const MAX_REFUSAL_BYTES = 64 * 1024;
const READ_BYTES = 128 * 1024;

/** Connects. @throws {PivotError} `driver-unreachable` */
export async function connect(endpoint: Endpoint): Promise<Deno.TcpConn | Deno.UnixConn> {
  try {
    if (endpoint.transport === "unix") return await Deno.connect({ transport: "unix", path: endpoint.path });
    const connection = await Deno.connect({ hostname: endpoint.hostname, port: endpoint.port });
    // A task may be silent for hours; the ways in between forget connections that are.
    connection.setKeepAlive(true);
    return connection;
  } catch (error) {
    throw unreachable(endpoint, error);
  }
}

/** Writes all of it. */
export async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** Reads a connection in pieces of wanted lengths. */
export class ConnectionReader {
  readonly #connection: Deno.Conn;
  #rest: Uint8Array<ArrayBuffer> = new Uint8Array();
  #ended = false;

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

  /** Text up to an end (which starts with a carriage return); the end is taken too, and not returned. */
  async textUntil(end: "\r\n" | "\r\n\r\n"): Promise<string> {
    const mark = new TextEncoder().encode(end);
    for (let bytes = await this.some(READ_BYTES);; bytes = joined(bytes, await this.#read())) {
      const at = indexOf(bytes, mark);
      if (at >= 0) {
        this.#rest = bytes.subarray(at + mark.length);
        return new TextDecoder("latin1").decode(bytes.subarray(0, at));
      }
      if (bytes.length > MAX_HEAD_BYTES || this.#ended) {
        throw driverError("driver-failed", "the Docker engine gave no HTTP answer");
      }
    }
  }

  async #read(): Promise<Uint8Array<ArrayBuffer>> {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await this.#connection.read(buffer);
    if (count === null) this.#ended = true;
    // A small piece shall not keep a large buffer.
    return (count ?? 0) < READ_BYTES / 4 ? buffer.slice(0, count ?? 0) : buffer.subarray(0, count ?? 0);
  }
}

function indexOf(bytes: Uint8Array, mark: Uint8Array): number {
  const first = mark[0] ?? 0;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (mark.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

function joined(a: Uint8Array<ArrayBuffer>, b: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (b.length === 0) return a;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** Sends the head of a request and reads the head of the answer. */
export async function exchangeHeads(
  connection: Deno.Conn,
  reader: ConnectionReader,
  request: string,
): Promise<{ readonly status: number; readonly head: string }> {
  await writeAll(connection, new TextEncoder().encode(`${request}\r\nHost: localhost\r\n\r\n`));
  const head = await reader.textUntil("\r\n\r\n");
  return { status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]), head: head.toLowerCase() };
}

/**
 * Gets something large.
 *
 * @param target Path and query.
 * @throws {EngineFailure} for a status that is no success. The stream errors with `driver-unreachable` if it is cut off.
 */
export async function getLarge(
  endpoint: Endpoint,
  target: string,
  signal: AbortSignal,
): Promise<ReadableStream<Uint8Array>> {
  signal.throwIfAborted();
  const connection = await connect(endpoint);
  let closed = false;
  const close = () => {
    signal.removeEventListener("abort", close);
    if (!closed) connection.close();
    closed = true;
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    const reader = new ConnectionReader(connection);
    const { status, head } = await exchangeHeads(connection, reader, `GET ${target} HTTP/1.1\r\nConnection: close`);
    const chunks = bodyOf(reader, head, endpoint);
    if (status !== 200) throw new EngineFailure(status, failureText(await textOf(chunks), status));
    return new ReadableStream({
      async pull(controller) {
        try {
          const { done, value } = await chunks.next();
          if (!done) return controller.enqueue(value);
        } catch (error) {
          close();
          throw signal.aborted ? signal.reason : error;
        }
        close();
        controller.close();
      },
      cancel: close,
    }, { highWaterMark: 0 });
  } catch (error) {
    close();
    throw signal.aborted ? signal.reason : error;
  }
}

async function* bodyOf(
  reader: ConnectionReader,
  head: string,
  endpoint: Endpoint,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  if (/^transfer-encoding:\s*chunked\s*$/m.test(head)) {
    for (;;) {
      const size = Number.parseInt(await reader.textUntil("\r\n"), 16);
      if (!(size >= 0)) throw unreachable(endpoint, "its answer is garbled");
      if (size === 0) return;
      yield* exactly(reader, size, endpoint);
      await reader.take(2);
    }
  }
  const length = /^content-length:\s*(\d+)\s*$/m.exec(head)?.[1];
  if (length !== undefined) return yield* exactly(reader, Number(length), endpoint);
  for (let chunk = await reader.some(READ_BYTES); chunk.length > 0; chunk = await reader.some(READ_BYTES)) yield chunk;
}

async function* exactly(
  reader: ConnectionReader,
  size: number,
  endpoint: Endpoint,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let left = size; left > 0;) {
    const chunk = await reader.some(left);
    if (chunk.length === 0) throw unreachable(endpoint, "the connection ended in the middle of an answer");
    left -= chunk.length;
    yield chunk;
  }
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) {
    text += new TextDecoder().decode(chunk);
    if (text.length > MAX_REFUSAL_BYTES) break;
  }
  return text;
}
