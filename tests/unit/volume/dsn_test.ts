import assert from "node:assert/strict";
import fc from "fast-check";
import { checkStoreUrl, keyOfVolume, parseDriverDsn, volumeOfCachePath } from "../../../lib/volume/mod.ts";

const cacheOf = (text: string) => parseDriverDsn(text).cache;

Deno.test("a bare driver has no cache and the default namespace", () => {
  for (const driver of ["native", "docker", "k8s"] as const) {
    const expected = { driver, namespace: "", options: {}, cache: undefined };
    assert.deepEqual(parseDriverDsn(driver), expected);
    assert.deepEqual(parseDriverDsn(`${driver}://`), expected);
  }
});

Deno.test("namespace and the driver's own options are read", () => {
  const dsn = parseDriverDsn("k8s://team-a?kubeconfig=/home/me/.kube/config&storage_class=fast");
  assert.equal(dsn.namespace, "team-a");
  assert.deepEqual(dsn.options, { kubeconfig: "/home/me/.kube/config", storage_class: "fast" });
  assert.equal(parseDriverDsn("docker://?host=unix:///run/docker.sock").options["host"], "unix:///run/docker.sock");
});

Deno.test("a store's parameters may follow its own question mark, or stand in the outer query", () => {
  assert.deepEqual(cacheOf("docker://?cache=s3://bucket?region=us-west-2&cache_prefix=project-a"), {
    storeUrl: "s3://bucket?region=us-west-2",
    compression: "zstd",
    prefix: "project-a",
    ttlMs: undefined,
  });
  const both = "s3://b?endpoint=http%3A%2F%2Flocalhost%3A9000&region=us-east-1";
  assert.equal(cacheOf("native://?cache=s3://b?endpoint=http://localhost:9000&region=us-east-1")?.storeUrl, both);
  assert.equal(cacheOf("native://?cache=s3://b&endpoint=http://localhost:9000&region=us-east-1")?.storeUrl, both);
  const inner = encodeURIComponent("s3://b?endpoint=http://localhost:9000&region=us-east-1");
  assert.equal(cacheOf(`native://?cache=${inner}`)?.storeUrl, both);
});

Deno.test("minio, file and gcs stores are known", () => {
  assert.equal(
    cacheOf("docker://ci?cache=minio://localhost:9000/bucket/p?secure=false&cache_compression=gzip")?.storeUrl,
    "minio://localhost:9000/bucket/p?secure=false",
  );
  assert.equal(cacheOf("native://?cache=file:///var/cache/pivot")?.storeUrl, "file:///var/cache/pivot");
  assert.equal(cacheOf("native://?cache=gcs://bucket/p/")?.storeUrl, "gcs://bucket/p");
  assert.equal(cacheOf("native://?cache=file://localhost/c")?.storeUrl, "file://localhost/c");
});

Deno.test("ttl takes minutes, hours, days and weeks", () => {
  const hour = 3_600_000;
  const expected = { "90m": 1.5 * hour, "24h": 24 * hour, "7d": 168 * hour, "2w": 336 * hour, "1d12h": 36 * hour };
  for (const [ttl, ms] of Object.entries(expected)) {
    assert.equal(cacheOf(`docker://?cache=s3://b?ttl=${ttl}`)?.ttlMs, ms);
    assert.equal(cacheOf(`docker://?cache=s3://b&ttl=${ttl}&region=x`)?.ttlMs, ms);
  }
});

Deno.test("compression is what it says", () => {
  for (const compression of ["zstd", "gzip", "none"]) {
    assert.equal(cacheOf(`native://?cache=file:///c&cache_compression=${compression}`)?.compression, compression);
  }
});

const WRONG: readonly (readonly [dsn: string, message: RegExp, hint: RegExp])[] = [
  ["dokcer://", /"dokcer" is no driver/, /did you mean "docker"\? known are native, docker, k8s/],
  ["", /is no driver/, /native, docker, k8s/],
  ["docker://?cahce=s3://b", /"cahce"/, /did you mean "cache"/],
  ["docker://?cache=s3://b?regoin=x", /"regoin" is no parameter of a s3 store/, /did you mean "region"/],
  ["docker://?cache=s3://b&regoin=x", /"regoin"/, /did you mean "region".*cache_prefix/],
  ["docker://?cache=s3://b&cache_compression=gzp", /"gzp" is no compression/, /did you mean "gzip"/],
  ["docker://?cache=s3://b&cache_compression=", /"" is no compression/, /zstd, gzip, none/],
  ["docker://?cache=ftp://b", /"ftp:\/\/b" is no store URL/, /s3:\/\/, minio:\/\//],
  ["docker://?cache=s3://", /names no bucket/, /./],
  [
    "docker://?cache=azure://b",
    /volumes cannot be kept in Azure/,
    /known are s3:\/\/, minio:\/\/, gcs:\/\/, file:\/\//,
  ],
  ["docker://?cache=file://cache/ci", /names the host "cache"; write file:\/\/\/ with three slashes/, /./],
  ["docker://?cache=file:///", /names no folder/, /./],
  ["docker://?cache=minio://localhost:9000", /needs a host and a bucket/, /./],
  ["docker://?cache=file:///c&endpoint=http://x", /"endpoint" is no parameter/, /./],
  ["docker://?cache=s3://b?region=", /"region" is empty/, /./],
  ["docker://%zz", /not percent-encoded/, /./],
  ["docker://?cache=", /is no store URL/, /./],
  ["docker://?region=us-west-2", /"cache" is not given/, /./],
  ["docker://?cache_prefix=a", /"cache_prefix" needs "cache"/, /./],
  ["docker://?storage_class=fast", /"storage_class" is no parameter of the docker driver/, /host/],
  ["docker://?cache=s3://b&ttl=7", /"7" is no time to live/, /./],
  ["docker://?cache=s3://b&ttl=7y", /"7y"/, /./],
  ["docker://?cache=s3://b&ttl=0d", /makes no sense/, /./],
  ["docker://?cache=s3://b?region=a&region=b", /"region" is given twice/, /./],
  ["docker://?cache=s3://b&cache=s3://c", /"cache" is given twice/, /./],
  ["docker://?cache=s3://b&cache_prefix=../x", /cannot be a key's prefix/, /./],
  ["docker://?cache=s3://b&cache_prefix=%zz", /not percent-encoded/, /./],
  ["docker://?host", /"host" has no value/, /./],
  ["docker://?host=", /"host" is empty/, /./],
  ["docker:/x", /is no driver/, /./],
  ["native://team", /no namespaces, but "team" is given/, /./],
  ["native://?root=tmp/x", /"root" is "tmp\/x", not an absolute path/, /./],
  ["native://?mounts=link", /"link" is no value of "mounts"/, /did you mean "links"\? known are namespace, links/],
];

for (const [dsn, message, hint] of WRONG) {
  Deno.test(`${JSON.stringify(dsn)} is an error before anything starts`, () => {
    assert.throws(() => parseDriverDsn(dsn), (error: Error & { code?: string; hint?: string; kind?: string }) => {
      assert.equal(error.code, "bad-dsn");
      assert.equal(error.kind, "usage");
      assert.match(error.message, message);
      assert.match(error.hint ?? "", hint);
      return true;
    });
  });
}

Deno.test("a password in a URL is not repeated in the error", () => {
  assert.throws(() => parseDriverDsn("docker://?host=tcp://me:hunter2@host&x=y"), (error: Error) => {
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
  assert.throws(() => parseDriverDsn("docker://?cache=ftp://me:hunter2@host/b"), (error: Error) => {
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
});

Deno.test("what --store takes is what a driver's cache takes", () => {
  for (const url of ["s3://b/p", "minio://localhost:9000/b?secure=false", "gcs://b", "file:///c"]) {
    assert.equal(checkStoreUrl(url).url, cacheOf(`native://?cache=${encodeURIComponent(url)}`)?.storeUrl);
  }
  const wrong: readonly (readonly [url: string, message: RegExp])[] = [
    ["/var/cache", /cannot use the store "\/var\/cache": .* is no store URL/],
    ["", /is no store URL/],
    ["azure://b", /volumes cannot be kept in Azure/],
    ["file:///c?x=y", /"x" is no parameter of a file store/],
    ["s3://b?ttl=7d", /"ttl" belongs to the driver of a run/],
    ["s3://b?regoin=x", /"regoin" is no parameter of a s3 store/],
    ["ftp://me:hunter2@h/b?key=hunter2", /cannot use the store "ftp:\/\/\*\*\*@h\/b"/],
  ];
  for (const [url, message] of wrong) {
    assert.throws(() => checkStoreUrl(url), (error: Error & { code?: string; hint?: string; kind?: string }) => {
      assert.deepEqual([error.code, error.kind], ["bad-store", "usage"]);
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hunter2/);
      assert.match(error.hint ?? "", /file:\/\/|known are|write/);
      return true;
    });
  }
});

Deno.test("keys follow prefix, volume and compression", () => {
  assert.equal(
    keyOfVolume("project-a", volumeOfCachePath("node_modules"), "zstd"),
    "project-a/cache-node_modules.tar.zst",
  );
  assert.equal(keyOfVolume("", "data", "gzip"), "data.tar.gzip");
  assert.equal(keyOfVolume("a/b", volumeOfCachePath("repo/.git"), "none"), "a/b/cache-repo%2F.git.tar");
  assert.equal(volumeOfCachePath("./.cache/go-build/"), "cache-.cache/go-build");
});

Deno.test("two volumes never share a key", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", minLength: 1 }),
      fc.string({ unit: "grapheme", minLength: 1 }),
      (a, b) => {
        const same = keyOfVolume("p", a, "zstd") === keyOfVolume("p", b, "zstd");
        assert.equal(same, a === b);
        assert.match(keyOfVolume("p", a, "zstd"), /^p\/[A-Za-z0-9_%-][A-Za-z0-9_%.-]*\.tar\.zst$/);
      },
    ),
  );
});
