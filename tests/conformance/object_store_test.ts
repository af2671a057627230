// The suite on every store. S3 is npm's s3rver unless the environment names another server.

import { ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { FolderStore, MemoryStore, openS3Store } from "../../lib/volume/mod.ts";
import { type S3Server, startS3 } from "../support/s3.ts";
import { objectStoreSuite, type StoreForTest } from "./object_store_suite.ts";

objectStoreSuite("memory", () =>
  Promise.resolve({
    store: new MemoryStore(),
    unfinished: () => Promise.resolve(0),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }));

objectStoreSuite("folder", () => {
  const root = Deno.makeTempDirSync();
  return Promise.resolve({
    store: new FolderStore(`${root}/store`),
    unfinished: () => {
      const side = [...Deno.readDirSync(`${root}/store/.pivot-objects`)];
      return Promise.resolve(side.filter(({ name }) => name.startsWith("new-")).length);
    },
    [Symbol.asyncDispose]: () => Promise.resolve(Deno.removeSync(root, { recursive: true })),
  });
});

let server: S3Server | undefined;
Deno.test.beforeAll(async () => {
  server = await startS3();
});
Deno.test.afterAll(async () => await server?.[Symbol.asyncDispose]());

objectStoreSuite("s3", () => openStore("s3"));
// Google's own S3 interface takes no conditions: it is looked at right before.
objectStoreSuite("gcs by HMAC keys", async () => {
  const keys = { GCS_HMAC_ACCESS_ID: "AWS_ACCESS_KEY_ID", GCS_HMAC_SECRET: "AWS_SECRET_ACCESS_KEY" };
  for (const [name, aws] of Object.entries(keys)) Deno.env.set(name, Deno.env.get(aws) ?? "none");
  try {
    // The keys are read when it is opened, and no other test is to find them.
    return await openStore("gcs");
  } finally {
    for (const name of Object.keys(keys)) Deno.env.delete(name);
  }
});

async function openStore(scheme: "s3" | "gcs"): Promise<StoreForTest> {
  const { endpoint, bucket } = server ?? { endpoint: "", bucket: "" };
  const prefix = crypto.randomUUID();
  const store = await openS3Store({ scheme, bucket, prefix, endpoint, region: "us-east-1" }, {
    url: `${scheme}://${bucket}/${prefix}`,
    tries: 2,
  });
  return {
    store,
    async unfinished() {
      const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });
      try {
        const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
        return Uploads?.length ?? 0;
      } catch (error) {
        // The small test server cannot list them.
        if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode === 501) return 0;
        throw error;
      } finally {
        client.destroy();
      }
    },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}
