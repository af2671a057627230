// The contract of a backend, held against each.

import { fileBackend } from "../../lib/remote/backends/file.ts";
import { memoryBackend } from "../../lib/remote/backends/memory.ts";
import { withRetry } from "../../lib/remote/backends/retry.ts";
import { s3Backend } from "../../lib/remote/backends/s3.ts";
import { startS3 } from "../support/s3.ts";
import { backendSuite } from "./backend_suite.ts";

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
