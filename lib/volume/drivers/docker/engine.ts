// Requests to the engine's HTTP interface. By fetch over its socket rather than by a client library: the one of note brings
// ssh, gRPC and protobuf along, and hides the streams that an abort must reach. Invariant: an engine that cannot be reached is
// `driver-unreachable`, an answer that is no success is an `EngineFailure` with its status.

import { messageOf, PivotError } from "../../../core/mod.ts";
import { driverError } from "../failure.ts";
import type { Endpoint } from "./endpoint.ts";

/** The engine said no. */
export class EngineFailure extends PivotError {
  /** HTTP status. */
  readonly status: number;
  /** The engine's own words. */
  readonly reason: string;

  constructor(status: number, reason: string) {
    super(`the Docker engine refused: ${reason}`, { code: "driver-failed", kind: "driver" });
    this.status = status;
    this.reason = reason;
  }
}

/** One request. */
export interface EngineRequest {
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly body?: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer>;
  readonly signal?: AbortSignal;
}

/** An engine that was reached once. */
export class Engine implements Disposable {
  readonly endpoint: Endpoint;
  readonly #client: Deno.HttpClient;
  readonly #base: string;

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint;
    if (endpoint.transport === "unix") {
      this.#client = Deno.createHttpClient({ ...FRESH, proxy: { transport: "unix", path: endpoint.path } });
      this.#base = "http://localhost";
    } else {
      this.#client = Deno.createHttpClient(FRESH);
      this.#base = `http://${
        endpoint.hostname.includes(":") ? `[${endpoint.hostname}]` : endpoint.hostname
      }:${endpoint.port}`;
    }
  }

  /**
   * Sends a request.
   *
   * @returns the answer, which is a success; its body is still to be read.
   * @throws {EngineFailure} for any other status; {@linkcode PivotError} `driver-unreachable`; the signal's reason.
   */
  async send(method: "GET" | "POST" | "PUT" | "DELETE", path: string, request: EngineRequest = {}): Promise<Response> {
    request.signal?.throwIfAborted();
    const query = new URLSearchParams(request.query).toString();
    const init: RequestInit & { client: Deno.HttpClient } = {
      method,
      client: this.#client,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      ...(request.json === undefined ? {} : { body: JSON.stringify(request.json), headers: JSON_HEADERS }),
      ...(request.body === undefined ? {} : { body: request.body, headers: TAR_HEADERS }),
    };
    const response = await this.#fetch(`${this.#base}${path}${query === "" ? "" : `?${query}`}`, init);
    if (response.ok) return response;
    throw new EngineFailure(response.status, failureText(await response.text(), response.status));
  }

  /** Sends a request and reads its answer as JSON; `undefined` for an empty one. */
  async json(method: "GET" | "POST" | "DELETE", path: string, request: EngineRequest = {}): Promise<unknown> {
    const text = await (await this.send(method, path, request)).text();
    return text === "" ? undefined : JSON.parse(text);
  }

  /** Deletes something; fine if it is gone, or is being removed. */
  async remove(path: string, query: Readonly<Record<string, string>> = {}): Promise<void> {
    try {
      await (await this.send("DELETE", path, { query })).body?.cancel();
    } catch (error) {
      const gone = error instanceof EngineFailure &&
        (error.status === 404 || error.status === 409 && /already in progress/.test(error.reason));
      if (!gone) throw error;
    }
  }

  async #fetch(url: string, init: RequestInit & { client: Deno.HttpClient }): Promise<Response> {
    try {
      return await fetch(url, init);
    } catch (error) {
      init.signal?.throwIfAborted();
      throw unreachable(this.endpoint, error);
    }
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** A connection that was idle may be closed just when it is used again, and a request to make something is not sent twice. */
const FRESH = { poolMaxIdlePerHost: 0 };
const JSON_HEADERS = { "content-type": "application/json" };
const TAR_HEADERS = { "content-type": "application/x-tar" };

/** The words of an answer that is no success. */
export function failureText(body: string, status: number): string {
  const text = body.trim();
  try {
    const { message } = JSON.parse(text);
    if (typeof message === "string") return message.trim();
  } catch {
    // A proxy in between answers in its own words.
  }
  return text === "" ? `status ${status}` : text.slice(0, 500);
}

/** The error of an engine that does not answer. */
export function unreachable(endpoint: Endpoint, cause: unknown): Error {
  const why = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
  return driverError(
    "driver-unreachable",
    `cannot reach the Docker engine at "${endpoint.url}": ${why}`,
    "start it, or say where it listens: docker://?host=unix:///run/docker.sock, or DOCKER_HOST",
    cause,
  );
}
