// A proxy between a client and a real server that breaks things. It works on bytes: what passes is not touched, so that signatures hold;
// only "Connection" (which nobody signs) is rewritten, so that each connection carries one request.

/** A request as the proxy sees it. */
export interface ProxiedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
}

/** What a proxy does to one request. */
export type Fault =
  | { readonly type: "pass" }
  /** Answers instead of the server. */
  | { readonly type: "status"; readonly status: number; readonly code: string; readonly date?: string }
  /** Drops the connection after so many bytes of the answer's body. */
  | { readonly type: "cut"; readonly afterBytes: number }
  /** Sends nothing more after so many bytes of the answer's body, and says when. */
  | { readonly type: "hold"; readonly afterBytes: number; readonly reached: () => void }
  /** Drops the connection after so many bytes of the request's body. */
  | { readonly type: "cut-upload"; readonly afterBytes: number }
  /** Flips one bit of the answer's body. */
  | { readonly type: "flip"; readonly at: number }
  /** Flips one bit of the request's body. */
  | { readonly type: "flip-upload"; readonly at: number }
  /** Does the request, then says 500: the client cannot know. */
  | { readonly type: "lost-answer" }
  /** Never answers. */
  | { readonly type: "stall" };

/** A proxy in front of a server. */
export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** How many requests came. */
  readonly requests: () => number;
}

/** Starts a proxy; `faultFor` is asked for each request, numbered from 1. */
export function startProxy(target: string, faultFor: (request: ProxiedRequest, number: number) => Fault): FaultProxy {
  const { hostname, port } = new URL(target);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const running = new Set<Promise<void>>();
  let count = 0;
  const serve = async (client: Deno.Conn) => {
    open.add(client);
    try {
      const reader = new Reader(client);
      const head = await reader.head();
      if (head === undefined) return;
      const [method = "", url = ""] = head.split(" ");
      const fault = faultFor({ method, url }, ++count);
      if (fault.type === "stall") return await reader.untilClosed();
      if (fault.type === "status") return await answer(client, reader, { head, method, fault });
      const server = await Deno.connect({ hostname, port: Number(port) });
      open.add(server);
      await pass({ client, reader, server, head, fault });
    } catch {
      // A connection that breaks is what this is for.
    } finally {
      close(client, open);
    }
  };
  const accepting = (async () => {
    for await (const client of listener) {
      const work = serve(client).finally(() => running.delete(work));
      running.add(work);
    }
  })();
  return {
    endpoint: `http://127.0.0.1:${listener.addr.port}`,
    requests: () => count,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const each of [...open]) close(each, open);
      await Promise.allSettled([accepting, ...running]);
    },
  };
}

function close(conn: Deno.Conn, open: Set<Deno.Conn>): void {
  if (!open.delete(conn)) return;
  try {
    conn.close();
  } catch {
    // The other side was faster.
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Reads a head, then whatever follows. */
class Reader {
  readonly #conn: Deno.Conn;
  #held = new Uint8Array();

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** The next head with its empty line; undefined if the connection ended. */
  async head(): Promise<string | undefined> {
    for (;;) {
      const end = decoder.decode(this.#held).indexOf("\r\n\r\n");
      if (end >= 0) {
        const head = decoder.decode(this.#held.subarray(0, end + 4));
        this.#held = this.#held.slice(end + 4);
        return head;
      }
      const chunk = await this.#more();
      if (chunk === undefined) return undefined;
      const both = new Uint8Array(this.#held.length + chunk.length);
      both.set(this.#held);
      both.set(chunk, this.#held.length);
      this.#held = both;
    }
  }

  async *rest(): AsyncGenerator<Uint8Array> {
    if (this.#held.length > 0) yield this.#held;
    for (let chunk = await this.#more(); chunk !== undefined; chunk = await this.#more()) yield chunk;
  }

  async untilClosed(): Promise<void> {
    while (await this.#more() !== undefined);
  }

  async #more(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const buffer = new Uint8Array(64 * 1024);
    const count = await this.#conn.read(buffer);
    return count === null ? undefined : buffer.slice(0, count);
  }
}

interface Answer {
  readonly head: string;
  readonly method: string;
  readonly fault: Extract<Fault, { readonly type: "status" }>;
}

async function answer(client: Deno.Conn, reader: Reader, { head, method, fault }: Answer): Promise<void> {
  // Who waits for "100 Continue" has not sent its body.
  if (!/^expect:/im.test(head)) await drop(reader, lengthOf(head));
  const text = `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>injected</Message></Error>`;
  const lines = [
    `HTTP/1.1 ${fault.status} Injected`,
    "Connection: close",
    "Content-Type: application/xml",
    `x-ms-error-code: ${fault.code}`,
    `Date: ${fault.date ?? new Date().toUTCString()}`,
    `Content-Length: ${text.length}`,
  ];
  await send(client, encoder.encode(`${lines.join("\r\n")}\r\n\r\n${method === "HEAD" ? "" : text}`));
}

async function drop(reader: Reader, count: number): Promise<void> {
  let left = count;
  if (left === 0) return;
  for await (const chunk of reader.rest()) {
    left -= chunk.length;
    if (left <= 0) return;
  }
}

function lengthOf(head: string): number {
  return Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
}

interface Exchange {
  readonly client: Deno.Conn;
  readonly reader: Reader;
  readonly server: Deno.Conn;
  readonly head: string;
  readonly fault: Fault;
}

async function pass({ client, reader, server, head, fault }: Exchange): Promise<void> {
  await send(server, latin1(closing(head)));
  const upload = (async () => {
    let seen = 0;
    for await (const chunk of reader.rest()) {
      const start = seen;
      seen += chunk.length;
      if (fault.type === "cut-upload" && seen > fault.afterBytes) {
        await send(server, chunk.subarray(0, Math.max(0, fault.afterBytes - start)));
        server.close();
        client.close();
        return;
      }
      await send(server, fault.type === "flip-upload" ? flipped(chunk, fault.at - start) : chunk);
    }
  })();
  upload.catch(() => undefined);
  try {
    await download(client, server, fault);
  } finally {
    try {
      server.close();
    } catch {
      // Cut already.
    }
  }
}

async function download(client: Deno.Conn, server: Deno.Conn, fault: Fault): Promise<void> {
  const answers = new Reader(server);
  let head = await answers.head();
  while (head !== undefined && /^HTTP\/1\.1 1\d\d/.test(head)) {
    await send(client, latin1(head));
    head = await answers.head();
  }
  if (head === undefined) return;
  if (fault.type === "lost-answer") {
    await send(client, encoder.encode("HTTP/1.1 500 Injected\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    return;
  }
  await send(client, latin1(head));
  let seen = 0;
  for await (const chunk of answers.rest()) {
    const start = seen;
    seen += chunk.length;
    if (fault.type === "cut" && seen > fault.afterBytes) {
      return await send(client, chunk.subarray(0, Math.max(0, fault.afterBytes - start)));
    }
    if (fault.type === "hold" && seen > fault.afterBytes) {
      await send(client, chunk.subarray(0, Math.max(0, fault.afterBytes - start)));
      fault.reached();
      return await new Reader(client).untilClosed();
    }
    await send(client, fault.type === "flip" ? flipped(chunk, fault.at - start) : chunk);
  }
}

function closing(head: string): string {
  const rest = head.replace(/^connection:.*\r\n/gim, "");
  return rest.replace("\r\n", "\r\nConnection: close\r\n");
}

function flipped(chunk: Uint8Array, at: number): Uint8Array {
  if (at < 0 || at >= chunk.length) return chunk;
  const copy = chunk.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

async function send(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await conn.write(bytes.subarray(sent));
}
