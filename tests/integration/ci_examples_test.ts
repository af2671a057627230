// The three examples on every driver against a real S3 server: a first run that misses, a second that hits, objects that `tar`
// reads under the documented keys.

import assert from "node:assert/strict";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { type CiFolder, ciFolder, volumesOf } from "../support/ci.ts";
import { DRIVERS } from "../support/drivers.ts";
import { testWith } from "../support/require.ts";
import { type S3Server, startS3 } from "../support/s3.ts";

const IMAGE = Deno.env.get("PIVOT_TEST_IMAGE") ?? "pivot-lab/busybox:1";
const [REPOSITORY, TAG] = IMAGE.split(/:(?=[^/]*$)/);

const YAML = `jobs:
- name: build
  plan:
  - task: install
    config:
      platform: linux
      image_resource: { type: registry-image, source: { repository: ${REPOSITORY}, tag: "${TAG}" } }
      inputs: []
      outputs: [{ name: built }]
      caches: [{ path: node_modules }, { path: .npm }]
      run:
        path: sh
        args:
        - -c
        - |
          if test -e node_modules/left-pad/index.js; then echo found; else
            mkdir -p node_modules/left-pad node_modules/.bin
            echo 'module.exports = 1' > node_modules/left-pad/index.js
            ln -s ../left-pad/index.js node_modules/.bin/left-pad
            chmod 755 node_modules/left-pad/index.js
            echo tarball > .npm/_cacache
          fi
          cp node_modules/left-pad/index.js built/
  - task: test
    config:
      platform: linux
      image_resource: { type: registry-image, source: { repository: ${REPOSITORY}, tag: "${TAG}" } }
      inputs: [{ name: built }]
      run: { path: cat, args: [built/index.js] }
`;

const MODULE = `import { runtime } from "@pivot/pivot/ci";
export async function pipeline(): Promise<void> {
  const cache = await runtime.createVolume({ name: "build-cache", size: 64 * 1024 * 1024 });
  const built = await runtime.run({
    name: "build",
    image: "${IMAGE}",
    command: { path: "sh", args: ["-c", "test -e cache/object && echo found; echo compiled > cache/object"] },
    mounts: { cache },
  });
  if (built.code !== 0) throw new Error(built.stderr);
  const read = await runtime.run({
    name: "read",
    image: "${IMAGE}",
    command: { path: "cat", args: ["/work/object"] },
    mounts: [{ name: "build-cache", path: "/work" }],
  });
  if (read.stdout !== "compiled\\n") throw new Error("read " + read.stdout + read.stderr);
}
`;

let server: S3Server | undefined;
Deno.test.beforeAll(async () => {
  server = await startS3();
});
Deno.test.afterAll(async () => await server?.[Symbol.asyncDispose]());

async function keysBelow(prefix: string): Promise<string[]> {
  const { endpoint, bucket } = server ?? { endpoint: "", bucket: "" };
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });
  try {
    const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix }));
    return (Contents ?? []).map(({ Key }) => Key ?? "").sort();
  } finally {
    client.destroy();
  }
}

function dsn(driver: string, prefix: string, more = ""): string {
  const { endpoint, bucket } = server ?? { endpoint: "", bucket: "" };
  const [scheme, own = ""] = driver.split("?");
  const options = own === "" ? "" : `${own}&`;
  return `${scheme}?${options}cache=s3://${bucket}?endpoint=${endpoint}&region=us-east-1&cache_prefix=${prefix}${more}`;
}

async function twice(at: CiFolder, file: string, driver: string): Promise<[string, string]> {
  const first = await at.expect(0, "run", file, "--driver", driver, "--jsonl");
  const second = await at.expect(0, "run", file, "--driver", driver, "--jsonl");
  return [first.out, second.out];
}

for (const { name, requirement, open } of DRIVERS) {
  testWith(
    requirement,
    `${name}: YAML with node_modules and .npm misses, then hits, and tar reads what is stored`,
    async () => {
      using driver = open();
      using at = ciFolder({ "pipeline.yml": YAML }, driver.env);
      const prefix = `${name}-${crypto.randomUUID().slice(0, 8)}`;
      const [first, second] = await twice(at, "pipeline.yml", dsn(driver.dsn, prefix));
      assert.deepEqual(volumesOf(first), {
        "cache-node_modules": { status: "persisted", restore: "miss" },
        "cache-.npm": { status: "persisted", restore: "miss" },
      });
      assert.deepEqual(volumesOf(second), {
        "cache-node_modules": { status: "unchanged", restore: "hit" },
        "cache-.npm": { status: "unchanged", restore: "hit" },
      });
      assert.match(second, /"text":"found\\n"/);
      assert.deepEqual(await keysBelow(prefix), [
        `${prefix}/cache-.npm.tar.zst`,
        `${prefix}/cache-node_modules.tar.zst`,
      ]);
      const listed = await tarOf(at, `${prefix}/cache-node_modules.tar.zst`, "zstd -dc");
      assert.match(listed, /-rwxr-xr-x .* left-pad\/index\.js\n/);
      assert.match(listed, /\.bin\/left-pad -> \.\.\/left-pad\/index\.js\n/);
    },
  );

  testWith(requirement, `${name}: a module with a named volume misses, then hits`, async () => {
    using driver = open();
    using at = ciFolder({ "pipeline.ts": MODULE }, driver.env);
    const prefix = `${name}-${crypto.randomUUID().slice(0, 8)}`;
    const [first, second] = await twice(at, "pipeline.ts", dsn(driver.dsn, prefix));
    assert.equal(volumesOf(first)["build-cache"]?.restore, "miss");
    assert.equal(volumesOf(second)["build-cache"]?.restore, "hit");
    assert.deepEqual(await keysBelow(prefix), [`${prefix}/build-cache.tar.zst`]);
  });

  for (const [compression, ending, unpack] of [["gzip", "tar.gzip", "gzip -dc"], ["none", "tar", "cat"]] as const) {
    testWith(requirement, `${name}: ${compression} is what the object is`, async () => {
      using driver = open();
      using at = ciFolder({ "pipeline.yml": YAML }, driver.env);
      const prefix = `${name}-${crypto.randomUUID().slice(0, 8)}`;
      const [, second] = await twice(at, "pipeline.yml", dsn(driver.dsn, prefix, `&cache_compression=${compression}`));
      assert.equal(volumesOf(second)["cache-node_modules"]?.restore, "hit");
      assert.match(await tarOf(at, `${prefix}/cache-node_modules.${ending}`, unpack), /left-pad\/index\.js/);
    });
  }
}

/** `tar -tv` of a stored object, as any tool would read it. */
async function tarOf(at: CiFolder, key: string, unpack: string): Promise<string> {
  const { GetObjectCommand } = await import("@aws-sdk/client-s3");
  const { endpoint, bucket } = server ?? { endpoint: "", bucket: "" };
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true });
  const object = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  Deno.writeFileSync(`${at.root}/object`, await object.Body?.transformToByteArray() ?? new Uint8Array());
  client.destroy();
  const command = new Deno.Command("sh", { args: ["-c", `${unpack} object | tar -tvf -`], cwd: at.root });
  const { code, stdout, stderr } = await command.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
