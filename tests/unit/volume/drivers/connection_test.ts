// Answers of the engine as they may arrive: cut anywhere into pieces, and cut off anywhere.

import assert from "node:assert/strict";
import fc from "fast-check";
import { attach } from "../../../../lib/volume/drivers/docker/attach.ts";
import { getLarge } from "../../../../lib/volume/drivers/docker/connection.ts";
import { tempFolder } from "../helpers.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const { signal } = new AbortController();

Deno.test("a chunked answer comes out whole however it is cut into pieces, and cut off it is an error", async () => {
  using folder = tempFolder();
  const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 20 });
  const chunks = fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(
      chunks,
      pieces,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      async (body, cuts, part) => {
        const answer = chunked(body);
        const whole = await withServer(folder.path, answer, cuts, async (endpoint) => {
          return await new Response(await getLarge(endpoint, "/x", signal)).bytes();
        });
        assert.deepEqual(whole, join(body));
        // The last line end says nothing more.
        const short = answer.subarray(0, Math.floor(part * (answer.length - 2)));
        await withServer(folder.path, short, cuts, async (endpoint) => {
          const read = async () => await new Response(await getLarge(endpoint, "/x", signal)).bytes();
          await assert.rejects(read, { kind: "driver" });
        });
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("output comes out whole and in order however it is cut into pieces, and cut off within a frame it is an error", async () => {
  using folder = tempFolder();
  const frame = fc.record({
    stream: fc.constantFrom("stdout" as const, "stderr" as const),
    bytes: fc.uint8Array({ maxLength: 60 }),
  });
  const pieces = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(frame, { minLength: 1, maxLength: 6 }),
      pieces,
      fc.integer({ min: 1, max: 7 }),
      async (frames, cuts, missing) => {
        const head = encode("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\n\r\n");
        const answer = join([head, ...frames.map(({ stream, bytes }) => framed(stream, bytes))]);
        const read = (bytes: Uint8Array) =>
          withServer(folder.path, bytes, cuts, async (endpoint) => {
            using streams = await attach(endpoint, "c", false);
            const seen = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
            await streams.readAll((chunk, stream) => seen[stream].push(chunk));
            return { stdout: join(seen.stdout), stderr: join(seen.stderr) };
          });
        const of = (wanted: string) => join(frames.filter(({ stream }) => stream === wanted).map(({ bytes }) => bytes));
        assert.deepEqual(await read(answer), { stdout: of("stdout"), stderr: of("stderr") });
        await assert.rejects(read(answer.subarray(0, answer.length - missing)), { code: "driver-unreachable" });
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("a large answer can be cancelled, before and in its middle", async () => {
  using folder = tempFolder();
  const endless = join([encode("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), new Uint8Array(10)]);
  await withServer(folder.path, endless, [], async (endpoint) => {
    await assert.rejects(getLarge(endpoint, "/x", AbortSignal.abort(new Error("early"))), /early/);
    const abort = new AbortController();
    const reader = (await getLarge(endpoint, "/x", abort.signal)).getReader();
    assert.equal((await reader.read()).value?.length, 10);
    const next = reader.read();
    abort.abort(new Error("middle"));
    await assert.rejects(next, /middle/);
  }, "stay");
});

function chunked(body: readonly Uint8Array[]): Uint8Array {
  const parts = body.flatMap((bytes) => [encode(`${bytes.length.toString(16)}\r\n`), bytes, encode("\r\n")]);
  return join([encode("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), ...parts, encode("0\r\n\r\n")]);
}

function framed(stream: "stdout" | "stderr", bytes: Uint8Array): Uint8Array {
  const header = new Uint8Array(8);
  header[0] = stream === "stdout" ? 1 : 2;
  new DataView(header.buffer).setUint32(4, bytes.length);
  return join([header, bytes]);
}

function join(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A server that answers every connection with these bytes, in pieces of these lengths. */
async function withServer<Value>(
  folder: string,
  answer: Uint8Array,
  cuts: readonly number[],
  act: (endpoint: { readonly transport: "unix"; readonly path: string; readonly url: string }) => Promise<Value>,
  then: "close" | "stay" = "close",
): Promise<Value> {
  const path = `${folder}/${crypto.randomUUID().slice(0, 8)}.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const open: Deno.UnixConn[] = [];
  const serving = (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4096));
      try {
        let at = 0;
        for (const cut of [...cuts, answer.length]) {
          at += await connection.write(answer.subarray(at, at + cut));
          if (at >= answer.length) break;
        }
      } catch {
        // The other side has had enough.
      }
      if (then === "close") connection.close();
      else open.push(connection);
    }
  })();
  try {
    return await act({ transport: "unix", path, url: `unix://${path}` });
  } finally {
    listener.close();
    for (const connection of open) connection.close();
    await serving;
  }
}
