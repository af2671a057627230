// Push and pull over real S3 and Azure servers, with a proxy that breaks things in between. Each fault ends in success after
// retries, or in a named failure with exit 13.

import assert from "node:assert/strict";
import { openBackend } from "../../lib/remote/backends/open.ts";
import { PivotError } from "../../lib/core/mod.ts";
import { createPool } from "../../lib/pool/mod.ts";
import { blobKey, directoryStore, Remote, RemoteConfig, type SyncResult } from "../../lib/remote/mod.ts";
import { azurite, startAzurite } from "../support/azurite.ts";
import { type Fault, type ProxiedRequest, startProxy } from "../support/fault_proxy.ts";
import { addBlob, temporaryFolder } from "../support/remote.ts";
import { testWith } from "../support/require.ts";
import { startS3 } from "../support/s3.ts";

const MIB = 1024 * 1024;
const PASS: Fault = { type: "pass" };

/** A real server, and how it is spoken to. */
interface Target extends AsyncDisposable {
  readonly service: "S3" | "Azure";
  /** `http://host:port` */
  readonly address: string;
  /** It keeps what was cut off or altered on its way. */
  readonly weak: boolean;
  /** A remote at a new place, reached over `address`. */
  config(place: string, address: string): RemoteConfig;
}

async function s3Target(): Promise<Target> {
  const server = await startS3();
  return {
    service: "S3",
    address: server.endpoint,
    weak: server.weak,
    config: (place, endpoint) => RemoteConfig.fromUrl("test", `s3://${server.bucket}/${place}`, { endpoint }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function azureTarget(): Promise<Target> {
  const server = await startAzurite();
  const { account, address, container } = server;
  Deno.env.set("AZURE_STORAGE_ACCOUNT", account);
  Deno.env.set("AZURE_STORAGE_KEY", server.key);
  return {
    service: "Azure",
    address,
    weak: false,
    config: (place, proxy) =>
      RemoteConfig.fromUrl("test", `azure://${container}/${place}`, { endpoint: `${proxy}/${account}` }),
    async [Symbol.asyncDispose]() {
      Deno.env.delete("AZURE_STORAGE_ACCOUNT");
      Deno.env.delete("AZURE_STORAGE_KEY");
      await server[Symbol.asyncDispose]();
    },
  };
}

interface Case {
  readonly name: string;
  readonly fault: (request: ProxiedRequest, number: number) => Fault;
  /** Code of every failure; undefined = success is expected. */
  readonly code?: string;
  readonly size?: number;
  readonly stallMs?: number;
  /** Only on the way back. */
  readonly pullOnly?: boolean;
  /** Only on the way there. */
  readonly pushOnly?: boolean;
  /** The small test server keeps what was cut off or altered. */
  readonly strict?: boolean;
  /** Only where the service speaks like this. */
  readonly only?: Target["service"];
}

const status = (code: number, name: string): Fault => ({ type: "status", status: code, code: name });
const atFirst = (count: number, fault: Fault) => (_: ProxiedRequest, number: number) => number <= count ? fault : PASS;
const onGet = (fault: (number: number) => Fault) => {
  let gets = 0;
  return (request: ProxiedRequest): Fault =>
    request.method === "GET" && request.url.includes("/files/") ? fault(++gets) : PASS;
};

const onPut = (fault: (number: number) => Fault) => {
  let puts = 0;
  return (request: ProxiedRequest): Fault => request.method === "PUT" ? fault(++puts) : PASS;
};

const CASES: readonly Case[] = [
  { name: "three 500s", fault: atFirst(3, status(500, "InternalError")) },
  { name: "three 503 SlowDowns", fault: atFirst(3, status(503, "SlowDown")) },
  { name: "a 502 on every third request", fault: (_, n) => n % 3 === 0 ? status(502, "BadGateway") : PASS },
  { name: "500s without end", fault: () => status(500, "InternalError"), code: "remote-server-error" },
  { name: "denied", fault: () => status(403, "AccessDenied"), code: "remote-denied" },
  { name: "three ServerBusys", fault: atFirst(3, status(503, "ServerBusy")), only: "Azure" },
  { name: "not allowed", fault: () => status(403, "AuthorizationFailure"), code: "remote-denied", only: "Azure" },
  {
    name: "a wrong key",
    fault: () => status(403, "AuthenticationFailed"),
    code: "remote-bad-credentials",
    only: "Azure",
  },
  {
    name: "a clock that Azure says is wrong",
    fault: () => ({ ...status(403, "AuthenticationFailed"), date: "Sat, 01 Jan 2000 00:00:00 GMT" } as Fault),
    code: "remote-clock-skew",
    only: "Azure",
  },
  {
    name: "a container that goes away midway",
    fault: (_, n) => n > 1 ? status(404, "ContainerNotFound") : PASS,
    code: "remote-no-bucket",
    pushOnly: true,
    size: 20 * MIB,
    only: "Azure",
  },
  {
    name: "a user that the server does not know",
    fault: () => status(404, "XAdminUserNotFound"),
    code: "remote-bad-credentials",
    only: "S3",
  },
  { name: "a body cut twice", fault: onGet((n) => n <= 2 ? { type: "cut", afterBytes: 1000 } : PASS), pullOnly: true },
  {
    name: "a body cut at its first byte",
    fault: onGet((n) => n === 1 ? { type: "cut", afterBytes: 0 } : PASS),
    pullOnly: true,
  },
  {
    name: "a large body cut in each range once",
    fault: onGet((n) => n % 2 === 1 ? { type: "cut", afterBytes: 100_000 } : PASS),
    size: 20 * MIB,
    pullOnly: true,
  },
  {
    name: "a flipped bit",
    fault: onGet(() => ({ type: "flip", at: 500 })),
    code: "remote-blob-altered",
    pullOnly: true,
  },
  { name: "a stall", fault: atFirst(1, { type: "stall" }), stallMs: 300 },
  { name: "429s", fault: atFirst(2, status(429, "TooManyRequestsException")) },
  { only: "S3", name: "a wrong region", fault: () => status(301, "PermanentRedirect"), code: "remote-wrong-region" },
  { only: "S3", name: "an expired token", fault: () => status(400, "ExpiredToken"), code: "remote-expired-token" },
  {
    only: "S3",
    name: "a clock that is wrong",
    fault: () => status(403, "RequestTimeTooSkewed"),
    code: "remote-clock-skew",
  },
  {
    name: "a bucket that goes away midway",
    only: "S3",
    fault: (_, n) => n > 1 ? status(404, "NoSuchBucket") : PASS,
    code: "remote-no-bucket",
    pushOnly: true,
  },
  {
    name: "an upload cut at its first bytes",
    fault: onPut((n) => n <= 2 ? { type: "cut-upload", afterBytes: 10 } : PASS),
    strict: true,
  },
  {
    name: "an upload cut midway",
    fault: onPut((n) => n === 1 ? { type: "cut-upload", afterBytes: 40_000 } : PASS),
    strict: true,
  },
  {
    name: "a bit flipped on its way there",
    fault: onPut((n) => n === 1 ? { type: "flip-upload", at: 500 } : PASS),
    strict: true,
  },
  { name: "an answer that is lost", fault: onPut((n) => n === 1 ? { type: "lost-answer" } : PASS) },
  {
    name: "a large upload, each part cut once",
    fault: onPut((n) => n % 2 === 1 && n < 8 ? { type: "cut-upload", afterBytes: 100_000 } : PASS),
    size: 40 * MIB,
  },
];

const unsanitized = { sanitizeOps: false, sanitizeResources: false };

async function tryCase(target: Target, each: Case): Promise<void> {
  using folder = temporaryFolder();
  const [here, there] = [`${folder.path}/here`, `${folder.path}/there`];
  const blob = addBlob(here, each.size ?? 70_000);
  const place = crypto.randomUUID();
  const move = async (direction: "push" | "pull", address: string): Promise<SyncResult> => {
    const config = target.config(place, address);
    const how = { url: config.url, sockets: 8, stallMs: each.stallMs ?? 30_000, tries: 6, firstWaitMs: 5 };
    const backend = await openBackend(config.location, how);
    await using remote = await Remote.fromConfig(config, {
      store: directoryStore(direction === "push" ? here : there),
      backend,
    });
    // A planning failure is a failure of the whole, with the same code.
    const plan = { direction, url: config.url, move: [blob], same: [], failures: [], bytes: blob.size } as const;
    return await remote.execute(plan);
  };
  const check = async (direction: "push" | "pull"): Promise<void> => {
    await using proxy = startProxy(target.address, each.fault);
    const result = await move(direction, proxy.endpoint);
    assert.deepEqual(
      result.errors.map(({ error }) => error.code),
      each.code === undefined ? [] : [each.code],
      direction,
    );
    assert.ok(result.errors.every(({ error }) => error.exitCode === (each.code === "remote-blob-altered" ? 12 : 13)));
  };
  if (each.pullOnly !== true) await check("push");
  // A second push finishes what the first left; then the way back.
  assert.deepEqual((await move("push", target.address)).errors, []);
  if (each.pushOnly === true) return;
  await check("pull");
  const path = `${there}/${blobKey(blob.digest)}`;
  if (each.code === undefined) {
    assert.deepEqual(Deno.readFileSync(path), Deno.readFileSync(`${here}/${blobKey(blob.digest)}`));
  } else {
    assert.deepEqual([...Deno.readDirSync(`${there}/tmp`)], []);
    assert.deepEqual((await move("pull", target.address)).errors, []);
  }
}

async function tryTable(t: Deno.TestContext, target: Target): Promise<void> {
  for (const each of CASES.filter(({ only }) => only === undefined || only === target.service)) {
    const weak = each.strict === true && target.weak;
    const name = weak ? `${each.name} (skipped: the small test server keeps what was cut off or altered)` : each.name;
    await t.step({ name, ignore: weak, fn: () => tryCase(target, each) });
  }
}

Deno.test({ name: "faults on the way to S3", ...unsanitized }, async (t) => {
  await using target = await s3Target();
  await tryTable(t, target);
});

testWith(azurite(), "faults on the way to Azure", async (t) => {
  await using target = await azureTarget();
  await tryTable(t, target);
}, unsanitized);

testWith(azurite(), "a token for Azure that has run out is called so", async () => {
  await using server = await startAzurite();
  using folder = temporaryFolder();
  const { generateAccountSASQueryParameters, StorageSharedKeyCredential, AccountSASPermissions, ...library } =
    await import("@azure/storage-blob");
  const token = generateAccountSASQueryParameters({
    startsOn: new Date(Date.now() - 7_200_000),
    expiresOn: new Date(Date.now() - 3_600_000),
    permissions: AccountSASPermissions.parse("rwdlc"),
    resourceTypes: library.AccountSASResourceTypes.parse("sco").toString(),
    services: library.AccountSASServices.parse("b").toString(),
  }, new StorageSharedKeyCredential(server.account, server.key));
  Deno.env.set("AZURE_STORAGE_ACCOUNT", server.account);
  Deno.env.set("AZURE_STORAGE_SAS_TOKEN", token.toString());
  try {
    const endpoint = `${server.address}/${server.account}`;
    const config = RemoteConfig.fromUrl("test", `azure://${server.container}/p`, { endpoint });
    await using remote = await Remote.fromConfig(config, { store: directoryStore(folder.path) });
    await assert.rejects(remote.push([addBlob(folder.path, 10)]), (error) => {
      assert.ok(error instanceof PivotError);
      assert.equal(error.code, "remote-expired-token");
      assert.equal(error.message.includes("sig="), false, "no part of the token is told");
      return true;
    });
  } finally {
    Deno.env.delete("AZURE_STORAGE_ACCOUNT");
    Deno.env.delete("AZURE_STORAGE_SAS_TOKEN");
  }
}, unsanitized);

Deno.test({ name: "a remote that is not there fails once for all, with exit 13", ...unsanitized }, async (t) => {
  await using server = await startS3();
  using folder = temporaryFolder();
  const blobs = Array.from({ length: 30 }, (_, index) => addBlob(folder.path, 10 + index));
  const attempt = async (url: string, endpoint: string): Promise<string[]> => {
    const config = RemoteConfig.fromUrl("test", url, { endpoint });
    const how = { url: config.url, sockets: 4, stallMs: 5_000, tries: 2, firstWaitMs: 5 };
    const store = directoryStore(folder.path);
    await using remote = await Remote.fromConfig(config, { store, backend: await openBackend(config.location, how) });
    const plan = { direction: "push", url, move: blobs, same: [], failures: [], bytes: 0 } as const;
    const { errors } = await remote.execute(plan);
    assert.equal(errors.length, blobs.length);
    assert.ok(errors.every(({ error }) => error.exitCode === 13));
    return [...new Set(errors.map(({ error }) => error.code))];
  };
  await t.step("no bucket", async () => {
    assert.deepEqual(await attempt("s3://no-such-bucket/p", server.endpoint), ["remote-no-bucket"]);
  });
  await t.step("nobody listens", async () => {
    assert.deepEqual(await attempt(`s3://${server.bucket}/p`, "http://127.0.0.1:9"), ["remote-unreachable"]);
  });
});

Deno.test(
  { name: "workers push and pull over S3; two pushes at once end with the same objects", ...unsanitized },
  async () => {
    await using server = await startS3();
    using folder = temporaryFolder();
    const [here, there] = [`${folder.path}/here`, `${folder.path}/there`];
    const blobs = [...Array.from({ length: 60 }, (_, index) => 1000 + index), 0, 20 * MIB].map((size) =>
      addBlob(here, size)
    );
    const permissions = { read: true, write: true, env: true, sys: true, net: true };
    await using pool = createPool({ transfer: { permissions, size: 2, jobsPerWorker: 10 } });
    const config = RemoteConfig.fromUrl("test", `s3://${server.bucket}/${crypto.randomUUID()}`, {
      endpoint: server.endpoint,
    });
    await using one = await Remote.fromConfig(config, { store: directoryStore(here), pool });
    await using two = await Remote.fromConfig(config, { store: directoryStore(here), pool });
    const results = await Promise.all([one.push(blobs), two.push(blobs)]);
    assert.deepEqual(results.flatMap(({ errors }) => errors), []);
    await using back = await Remote.fromConfig(config, { store: directoryStore(there), pool });
    assert.deepEqual((await back.fetch(blobs)).errors, []);
    assert.equal((await back.status(blobs)).same.files, blobs.length);
    let count = 0;
    for await (const _ of back.list()) count++;
    assert.equal(count, blobs.length);
  },
);
