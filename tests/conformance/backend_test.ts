// The contract of a backend, held against each.

import assert from "node:assert/strict";
import { azureBackend } from "../../lib/remote/backends/azure.ts";
import { fileBackend } from "../../lib/remote/backends/file.ts";
import { memoryBackend } from "../../lib/remote/backends/memory.ts";
import { withRetry } from "../../lib/remote/backends/retry.ts";
import { s3Backend } from "../../lib/remote/backends/s3.ts";
import { counted, faulty, observed, readOnly, withLimit } from "../../lib/remote/mod.ts";
import { azurite, startAzurite } from "../support/azurite.ts";
import { testWith } from "../support/require.ts";
import { startS3 } from "../support/s3.ts";
import { backendSuite, sha256Of } from "./backend_suite.ts";

Deno.test("memory keeps the contract of a backend", (t) => backendSuite(t, () => memoryBackend("test")));

Deno.test("retrying keeps the contract of a backend", (t) =>
  backendSuite(t, () => withRetry(memoryBackend("test"), { tries: 3, stallMs: 10_000 })));

Deno.test("a folder keeps the contract of a backend", async (t) => {
  const root = Deno.makeTempDirSync();
  try {
    await backendSuite(t, () => fileBackend(`${root}/${crypto.randomUUID()}`));
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});

// The library keeps sockets open for the next request; they end with the client, after the test's check.
Deno.test({ name: "S3 keeps the contract of a backend", sanitizeOps: false, sanitizeResources: false }, async (t) => {
  await using server = await startS3();
  await backendSuite(t, () => {
    const place = {
      scheme: "s3",
      bucket: server.bucket,
      prefix: crypto.randomUUID(),
      endpoint: server.endpoint,
    } as const;
    return s3Backend(place, { sockets: 20, stallMs: 30_000, url: "s3://pivot-test" });
  }, { weakServer: server.weak });
});

// Google's XML API is S3's with HMAC keys; what stands in for it here is an S3 server.
Deno.test({ name: "GCS keeps the contract of a backend", sanitizeOps: false, sanitizeResources: false }, async (t) => {
  await using server = await startS3();
  const keys = { GCS_HMAC_ACCESS_ID: "AWS_ACCESS_KEY_ID", GCS_HMAC_SECRET: "AWS_SECRET_ACCESS_KEY" } as const;
  for (const [name, from] of Object.entries(keys)) Deno.env.set(name, Deno.env.get(from) ?? "");
  try {
    await backendSuite(t, () => {
      const { bucket, endpoint } = server;
      const place = { scheme: "gcs", bucket, prefix: crypto.randomUUID(), endpoint, region: "us-east-1" } as const;
      return s3Backend(place, { sockets: 20, stallMs: 30_000, url: "gcs://pivot-test" });
    }, { weakServer: server.weak });
  } finally {
    for (const name of Object.keys(keys)) Deno.env.delete(name);
  }
});

testWith(
  azurite(),
  "Azure keeps the contract of a backend",
  async (t) => {
    await using server = await startAzurite();
    Deno.env.set("AZURE_STORAGE_CONNECTION_STRING", server.connection);
    try {
      await backendSuite(t, () => {
        const place = { bucket: server.container, prefix: crypto.randomUUID() };
        return azureBackend(place, { url: `azure://${server.container}` });
      });
    } finally {
      Deno.env.delete("AZURE_STORAGE_CONNECTION_STRING");
    }
  },
  // The library keeps sockets open for the next request.
  { sanitizeOps: false, sanitizeResources: false },
);

Deno.test("limiting, observing, breaking and counting keep the contract of a backend", async (t) => {
  await t.step("limit", (step) => backendSuite(step, () => withLimit(memoryBackend("test"), 2)));
  await t.step("observe", (step) => backendSuite(step, () => observed(memoryBackend("test"), () => {})));
  await t.step("faults", (step) => backendSuite(step, () => faulty(memoryBackend("test"), () => undefined)));
  await t.step("count", (step) => backendSuite(step, () => counted(memoryBackend("test"))));
});

Deno.test("a limit holds: never more at once, bodies included, and waiting ends with its signal", async () => {
  let now = 0;
  let most = 0;
  const inner = memoryBackend("test");
  const slow = {
    ...inner,
    async head(key: string) {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 1));
      now -= 1;
      return await inner.head(key);
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
  await using backend = withLimit(slow, 3);
  await Promise.all(Array.from({ length: 20 }, (_, at) => backend.head(`k${at}`)));
  assert.equal(most, 3);
  const bytes = new Uint8Array(10);
  await inner.put("a", bytes, { sha256: sha256Of(bytes) });
  await using one = withLimit(inner, 1);
  const open = await one.get("a");
  const abort = new AbortController();
  const waiting = one.head("a", { signal: abort.signal });
  abort.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  await new Response(open?.body).bytes();
  assert.equal((await one.head("a"))?.size, 10);
});

Deno.test("observing tells kind, key and outcome; counting counts", async () => {
  const calls: string[] = [];
  await using backend = observed(
    memoryBackend("test"),
    ({ kind, key, error }) => calls.push(`${kind} ${key} ${error ?? ""}`),
  );
  const bytes = new Uint8Array(3);
  await backend.put("a", bytes, { sha256: sha256Of(bytes) });
  await backend.head("b");
  await Array.fromAsync(backend.list("a"));
  await assert.rejects(backend.head("a", { signal: AbortSignal.abort(new Error("no")) }));
  assert.deepEqual(calls, ["put a ", "head b ", "list a ", "head a Error"]);
  await using counting = counted(memoryBackend("test"));
  await counting.head("a");
  await counting.head("b");
  assert.deepEqual(counting.counts, { head: 2, get: 0, put: 0, list: 0, delete: 0, part: 0 });
});

Deno.test("a backend for reading only refuses writes before anything is sent", async () => {
  const inner = memoryBackend("test");
  const bytes = new Uint8Array(3);
  await inner.put("a", bytes, { sha256: sha256Of(bytes) });
  await using backend = readOnly(inner);
  assert.equal((await backend.head("a"))?.size, 3);
  await assert.rejects(backend.put("b", bytes, { sha256: sha256Of(bytes) }), { code: "remote-read-only" });
  await assert.rejects(backend.delete("a"), { code: "remote-read-only" });
  assert.equal((await inner.head("a"))?.size, 3);
});
