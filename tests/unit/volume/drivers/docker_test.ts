// The Docker driver against an engine that does what a real one does only on a bad day.

import assert from "node:assert/strict";
import { findEndpoint } from "../../../../lib/volume/drivers/docker/endpoint.ts";
import { folderTar } from "../../../../lib/volume/drivers/docker/folder_tar.ts";
import { openDriver, parseDriverDsn, type Volume } from "../../../../lib/volume/mod.ts";
import { fails } from "../../../conformance/driver_support.ts";
import { sh, tempFolder } from "../helpers.ts";

const { signal } = new AbortController();

Deno.test("the engine is found by host, DOCKER_HOST, and the usual sockets", () => {
  using folder = tempFolder();
  const none = () => undefined;
  assert.equal(findEndpoint("unix:///x/y.sock", none).url, "unix:///x/y.sock");
  assert.deepEqual(findEndpoint("tcp://box:1234", none), {
    transport: "tcp",
    hostname: "box",
    port: 1234,
    url: "tcp://box:1234",
  });
  assert.equal((findEndpoint("tcp://box", none) as { port: number }).port, 2375);
  assert.equal((findEndpoint("tcp://[::1]:80", none) as { port: number; hostname: string }).hostname, "::1");
  const env = (values: Record<string, string>) => (name: string) => values[name];
  assert.equal(findEndpoint(undefined, env({ DOCKER_HOST: "unix:///a" })).url, "unix:///a");
  assert.equal(findEndpoint("unix:///b", env({ DOCKER_HOST: "unix:///a" })).url, "unix:///b");
  assert.match(findEndpoint(undefined, env({ DOCKER_HOST: "", HOME: folder.path })).url, /^unix:\/\/.*docker\.sock$/);
});

Deno.test("an address that cannot be spoken to is an error that names those that can", () => {
  for (
    const host of [
      "ssh://me@box",
      "npipe:////./pipe/docker",
      "/var/run/docker.sock",
      "tcp://",
      "unix://",
      "tcp://box/path",
    ]
  ) {
    assert.throws(() => findEndpoint(host, () => undefined), { code: "driver-failed", exitCode: 14 }, host);
  }
  assert.throws(() => findEndpoint("tcp://box:2376", (name) => name === "DOCKER_TLS_VERIFY" ? "1" : undefined), /TLS/);
  assert.throws(
    () => findEndpoint("ssh://me:secret@box", () => undefined),
    (error: Error) => !/secret/.test(error.message),
  );
});

Deno.test("an engine that is not there is an error with a hint", async () => {
  using folder = tempFolder();
  for (const host of [`unix://${folder.path}/none.sock`, "tcp://127.0.0.1:1"]) {
    const error = await fails(
      openDriver(parseDriverDsn(`docker://?host=${host}`), { scratch: folder.path }),
      "driver-unreachable",
      /cannot reach the Docker engine at/,
    );
    assert.match(error.hint ?? "", /docker:\/\/\?host=/);
  }
});

Deno.test("an engine that answers nonsense is an error of the driver", async () => {
  using folder = tempFolder();
  await using engine = fakeEngine(folder.path, () => new Response("<html>no</html>", { status: 503 }));
  await fails(openDriver(parseDriverDsn(engine.dsn), { scratch: folder.path }), "driver-failed", /<html>no/);
});

Deno.test("opening can be cancelled", async () => {
  using folder = tempFolder();
  await using engine = fakeEngine(
    folder.path,
    ({ gone }) => new Promise((resolve) => gone.addEventListener("abort", () => resolve(new Response()))),
  );
  const abort = AbortSignal.timeout(50);
  await assert.rejects(openDriver(parseDriverDsn(engine.dsn), { scratch: folder.path, signal: abort }), {
    name: "TimeoutError",
  });
});

Deno.test("what runs of other machines left is removed when they gave no sign of life for ten minutes", async () => {
  using folder = tempFolder();
  const thing = (run: string, minutes: number, name: string) => {
    const created = new Date(Date.now() - minutes * 60_000);
    const labels = { "pivot.run": run, "pivot.lock": `/no/such/${run}.lock`, "pivot.namespace": "ns" };
    return {
      Id: name,
      Name: name,
      Labels: labels,
      Created: created.getTime() / 1000,
      CreatedAt: created.toISOString(),
    };
  };
  const removed: string[] = [];
  await using engine = fakeEngine(folder.path, ({ method, path }) => {
    if (method === "DELETE") removed.push(path);
    else if (path === "/containers/json") {
      return Response.json([thing("dead", 30, "c1"), thing("alive", 30, "c2"), thing("slow", 9, "c3")]);
    } else if (path === "/volumes") {
      return Response.json({ Volumes: [thing("dead", 30, "v1"), thing("alive", 1, "v2")] });
    }
    return new Response();
  });
  const events: unknown[] = [];
  const driver = await openDriver(parseDriverDsn(engine.dsn), {
    scratch: folder.path,
    onEvent: (event) => events.push(event),
  });
  assert.deepEqual(removed, ["/containers/c1", "/volumes/v1"]);
  assert.deepEqual(events, [{ type: "leftovers-removed", count: 2 }]);
  await driver[Symbol.asyncDispose]();
});

for (
  const [what, answer] of Object.entries<() => Response>({
    "no end marker": () => new Response(new Uint8Array(2048).fill(120)),
    "nothing at all": () => new Response(),
    "a connection that breaks": () =>
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new Uint8Array(1024));
            controller.error(new Error("broke"));
          },
        }),
      ),
    "a refusal": () => Response.json({ message: "Could not find the file" }, { status: 404 }),
  })
) {
  Deno.test(`volume data that ends with ${what} is never taken for whole`, async () => {
    using folder = tempFolder();
    const removed: string[] = [];
    await using engine = fakeEngine(folder.path, ({ method, path }) => {
      if (method === "DELETE") removed.push(path);
      if (path.endsWith("/archive")) return answer();
      return Response.json(path === "/images/json" ? [{ Id: "sha256:1" }] : path === "/containers/json" ? [] : {});
    });
    await using driver = await openDriver(parseDriverDsn(engine.dsn), { scratch: folder.path });
    const access = tarOf(await driver.createVolume({ name: "v", signal }));
    await fails(access.read({}).then((body) => new Response(body).bytes()), "volume-failed", /"v"/);
    assert.equal(removed.filter((path) => path.startsWith("/containers/")).length, 1, "the helper is removed");
  });
}

Deno.test("an engine without any image says which option helps", async () => {
  using folder = tempFolder();
  await using engine = fakeEngine(
    folder.path,
    ({ path }) => Response.json(/\/(images|containers)\/json/.test(path) ? [] : {}),
  );
  await using driver = await openDriver(parseDriverDsn(engine.dsn), { scratch: folder.path });
  const access = tarOf(await driver.createVolume({ name: "v", signal }));
  const error = await fails(access.read({}), "image-missing", /no image/);
  assert.match(error.hint ?? "", /docker:\/\/\?image=/);
});

Deno.test("folders of any length are opened by a tar that GNU tar reads", () => {
  using folder = tempFolder();
  const paths = [
    "/tmp/build/x",
    "/ä 🎉/b",
    `/${"long/".repeat(60)}end`,
    ...Array.from({ length: 12 }, (_, n) => `/${"n".repeat(85 + n)}`),
  ];
  Deno.writeFileSync(`${folder.path}/t.tar`, folderTar(paths));
  Deno.mkdirSync(`${folder.path}/out`);
  sh("tar -xpf ../t.tar", `${folder.path}/out`);
  for (const path of paths) assert.equal((Deno.statSync(`${folder.path}/out${path}`).mode ?? 0) & 0o777, 0o777, path);
});

function tarOf(volume: Volume) {
  assert.ok(volume.access?.kind === "tar");
  return volume.access;
}

function fakeEngine(
  folder: string,
  answer: (
    request: { readonly method: string; readonly path: string; readonly gone: AbortSignal },
  ) => Response | Promise<Response>,
): AsyncDisposable & { readonly dsn: string } {
  const path = `${folder}/engine.sock`;
  const server = Deno.serve(
    { path, onListen: () => {}, onError: () => new Response(null, { status: 500 }) },
    (request) => {
      return answer({ method: request.method, path: new URL(request.url).pathname, gone: request.signal });
    },
  );
  return {
    dsn: `docker://ns?host=unix://${path}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
