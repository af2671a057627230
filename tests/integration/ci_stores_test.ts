// Every kind of store, as it is typed: a run that misses, one that hits, and the stored volume looked after under the same URL.

import assert from "node:assert/strict";
import { ciFolder, oneJob, shTask, volumesOf } from "../support/ci.ts";
import { type S3Server, startS3 } from "../support/s3.ts";

const PIPELINE = oneJob(shTask("t", "test -e c/f || echo content > c/f", ", caches: [{ path: c }]"));

let server: S3Server | undefined;
Deno.test.beforeAll(async () => {
  server = await startS3();
});
Deno.test.afterAll(async () => await server?.[Symbol.asyncDispose]());

const STORES: Readonly<Record<string, (server: S3Server, root: string) => string>> = {
  s3: ({ bucket, endpoint }) => `s3://${bucket}/below?endpoint=${endpoint}&region=us-east-1`,
  minio: ({ bucket, endpoint }) => `minio://${new URL(endpoint).host}/${bucket}/below?secure=false`,
  gcs: ({ bucket, endpoint }) => `gcs://${bucket}/below?endpoint=${endpoint}`,
  file: (_, root) => `file://${root.replaceAll(" ", "%20")}/a%20store`,
};

for (const [scheme, urlOf] of Object.entries(STORES)) {
  Deno.test(`${scheme}: a volume misses, hits, is unchanged, and is listed, read, verified and removed`, async () => {
    if (server === undefined) return assert.fail("there is no server");
    const [id, secret] = [Deno.env.get("AWS_ACCESS_KEY_ID") ?? "", Deno.env.get("AWS_SECRET_ACCESS_KEY") ?? ""];
    const keys = { MINIO_ACCESS_KEY: id, MINIO_SECRET_KEY: secret, GCS_HMAC_ACCESS_ID: id, GCS_HMAC_SECRET: secret };
    using at = ciFolder({ "pipeline.yml": PIPELINE }, { ...server.env, ...keys });
    const url = urlOf(server, at.root);
    const prefix = `${scheme}-${crypto.randomUUID().slice(0, 8)}`;
    const driver = `native://?cache=${encodeURIComponent(url)}&ttl=7d&cache_prefix=${prefix}`;
    const run = ["run", "pipeline.yml", "--driver", driver, "--json"];
    assert.deepEqual(volumesOf((await at.expect(0, ...run)).out)["cache-c"], { status: "persisted", restore: "miss" });
    assert.deepEqual(volumesOf((await at.expect(0, ...run)).out)["cache-c"], { status: "unchanged", restore: "hit" });
    const store = ["--store", url, "--prefix", prefix];
    const { out } = await at.expect(0, "cache", "ls", ...store, "--json");
    assert.deepEqual(JSON.parse(out).volumes.map(({ key }: { key: string }) => key), [`${prefix}/cache-c.tar.zst`]);
    assert.equal((await at.expect(0, "cache", "cat", "cache-c", "f", ...store)).out, "content\n");
    assert.match((await at.expect(0, "cache", "verify", ...store)).out, /^1 volume, 0 damaged\n$/);
    assert.match((await at.expect(0, "cache", "gc", "--older-than", "1h", ...store)).err, /^0 volumes\n$/);
    const removed = await at.expect(0, "cache", "rm", "cache-c", ...store);
    assert.equal(removed.out, `removed ${prefix}/cache-c.tar.zst\n`);
    assert.equal(volumesOf((await at.expect(0, ...run)).out)["cache-c"]?.restore, "miss");
    assert.equal((await at.expect(0, "cache", "gc", "--older-than", "0s", ...store)).err, "1 volume\n");
  });
}
