// What tests of remotes share: blobs in folders, and a proxy that breaks things.

import { randomBytes } from "node:crypto";
import { hashBytes } from "../../lib/sys/mod.ts";
import { blobKey } from "../../lib/remote/keys.ts";
import type { BlobRequest } from "../../lib/remote/mod.ts";

/** A temporary folder that goes away with its holder. */
export function temporaryFolder(): Disposable & { readonly path: string } {
  const path = Deno.makeTempDirSync();
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Puts a blob of random bytes into the folder of a `directoryStore`. */
export function addBlob(root: string, size: number): BlobRequest {
  const bytes = new Uint8Array(randomBytes(size));
  const digest = hashBytes(bytes);
  const path = `${root}/${blobKey(digest)}`;
  Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  Deno.writeFileSync(path, bytes);
  return { digest, size, label: `out/${digest}` };
}

/** What a proxy does to one request. */
export type Fault =
  | { readonly type: "pass" }
  | { readonly type: "status"; readonly status: number; readonly code: string }
  /** Drops the connection after so many bytes of the body. */
  | { readonly type: "cut"; readonly afterBytes: number }
  /** Flips one bit of the body. */
  | { readonly type: "flip"; readonly at: number }
  /** Never answers. */
  | { readonly type: "stall" };

/** A proxy in front of a server. */
export interface FaultProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** How many requests came. */
  readonly requests: () => number;
}

/** Starts a proxy; `faultFor` is asked for each request, numbered from 1. */
export function startProxy(target: string, faultFor: (request: Request, number: number) => Fault): FaultProxy {
  let count = 0;
  const stop = new AbortController();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const fault = faultFor(request, ++count);
    if (fault.type === "status") {
      await request.body?.cancel();
      const text = `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>injected</Message></Error>`;
      return new Response(request.method === "HEAD" ? null : text, { status: fault.status });
    }
    if (fault.type === "stall") {
      const ended = Promise.withResolvers<Response>();
      const end = () => ended.resolve(new Response(null, { status: 500 }));
      stop.signal.addEventListener("abort", end, { once: true });
      return await ended.promise;
    }
    return broken(await forward(request, target), fault);
  });
  return {
    endpoint: `http://127.0.0.1:${server.addr.port}`,
    requests: () => count,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await server.shutdown();
    },
  };
}

async function forward(request: Request, target: string): Promise<Response> {
  const url = new URL(request.url);
  const body = request.body === null ? null : await request.arrayBuffer();
  const headers = new Headers(request.headers);
  headers.delete("accept-encoding");
  return await fetch(`${target}${url.pathname}${url.search}`, { method: request.method, headers, body });
}

function broken(response: Response, fault: Fault): Response {
  if (response.body === null || (fault.type !== "cut" && fault.type !== "flip")) return response;
  let seen = 0;
  const body = response.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        const start = seen;
        seen += chunk.length;
        if (fault.type === "flip" && fault.at >= start && fault.at < seen) {
          const altered = chunk.slice();
          altered[fault.at - start] = (altered[fault.at - start] ?? 0) ^ 1;
          return controller.enqueue(altered);
        }
        if (fault.type !== "cut" || seen <= fault.afterBytes) return controller.enqueue(chunk);
        controller.enqueue(chunk.slice(0, Math.max(0, fault.afterBytes - start)));
        controller.error(new Error("cut"));
      },
    }),
  );
  return new Response(body, { status: response.status, headers: response.headers });
}
