// The Docker driver on a real engine where the way to it matters: TCP, an engine that goes away, a registry, killed runs.

import assert from "node:assert/strict";
import { type Driver, openDriver, type OpenDriverOptions, parseDriverDsn } from "../../lib/volume/mod.ts";
import { fails } from "../conformance/driver_support.ts";
import { askDocker, DOCKER_SOCKET, dockerEngine, listLabelled, TEST_IMAGE } from "../support/docker.ts";
import { startRegistry } from "../support/registry.ts";
import { testWith } from "../support/require.ts";
import { tempFolder } from "../unit/volume/helpers.ts";

const engine = dockerEngine();

testWith(engine, "an engine is reached over TCP, what tasks read included", async () => {
  using folder = tempFolder();
  await using door = forwardTcp();
  await using driver = await openDriver(parseDriverDsn(`docker://tcp-${door.port}?host=tcp://127.0.0.1:${door.port}`), {
    scratch: folder.path,
  });
  const stdin = new TextEncoder().encode("over tcp\n".repeat(10_000));
  const { code, output } = await run(driver, "cat", { stdin });
  assert.equal(code, 0);
  assert.equal(output.length, stdin.length);
});

testWith(
  engine,
  "an engine that goes away while a task runs is no exit code; the next run removes what is left",
  async () => {
    using folder = tempFolder();
    const namespace = `away-${crypto.randomUUID().slice(0, 8)}`;
    const door = forwardTcp();
    const driver = await openDriver(parseDriverDsn(`docker://${namespace}?host=tcp://127.0.0.1:${door.port}`), {
      scratch: folder.path,
    });
    const { promise: up, resolve } = Promise.withResolvers<void>();
    const running = fails(
      run(driver, "echo up; sleep 1000", { onOutput: () => resolve() }),
      "driver-unreachable",
      /cannot reach/,
    );
    await up;
    await door[Symbol.asyncDispose]();
    await running;
    await assert.rejects(async () => await driver[Symbol.asyncDispose](), { code: "driver-unreachable" });
    assert.equal((await listLabelled(namespace)).length, 1);
    await using _next = await openDriver(parseDriverDsn(`docker://${namespace}`), { scratch: folder.path });
    assert.deepEqual(await listLabelled(namespace), []);
  },
);

testWith(engine, "an image that is not here is pulled once for all tasks, and not again", async () => {
  using folder = tempFolder();
  await using registry = startRegistry(await exportRoot());
  const events: string[] = [];
  try {
    const options = { scratch: folder.path, onEvent: ({ type }: { type: string }) => events.push(type) };
    await using driver = await open("pull", options);
    const tasks = [1, 2, 3].map((code) => run(driver, `exit ${code}`, { image: registry.image }));
    assert.deepEqual((await Promise.all(tasks)).map(({ code }) => code), [1, 2, 3]);
    assert.deepEqual(events, ["image-pulling", "image-pulled"]);
    const asked = registry.asked();
    assert.equal((await run(driver, "exit 4", { image: registry.image })).code, 4);
    assert.equal(registry.asked(), asked);
    const missing = registry.image.replace("pulled:1", "pulled:2");
    await fails(run(driver, "exit 0", { image: missing }), "image-missing", /pulled:2/);
  } finally {
    await askDocker("DELETE", `/images/${registry.image}?force=1`);
  }
});

testWith(engine, "image= is for tasks that name none, and for moving volume data", async () => {
  using folder = tempFolder();
  await using plain = await open("plain", { scratch: folder.path });
  await fails(run(plain, "exit 0", { image: "" }), "image-missing", /names no image/);
  await using driver = await openDriver(parseDriverDsn(`docker://image?image=${TEST_IMAGE}`), { scratch: folder.path });
  assert.equal((await run(driver, "exit 5", { image: "" })).code, 5);
});

testWith(engine, "runs of other namespaces are left alone", async () => {
  using folder = tempFolder();
  const [mine, theirs] = [`ns-${crypto.randomUUID()}`, `ns-${crypto.randomUUID()}`];
  const left = crypto.randomUUID();
  const labels = (namespace: string) => ({
    "pivot.namespace": namespace,
    "pivot.run": "gone",
    "pivot.lock": `${folder.path}/gone.lock`,
  });
  Deno.writeTextFileSync(`${folder.path}/gone.lock`, "");
  const make = async (namespace: string) => {
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path: DOCKER_SOCKET } });
    const body = JSON.stringify({ Name: `${namespace}-${left}`, Labels: labels(namespace) });
    const headers = { "content-type": "application/json" };
    await (await fetch("http://localhost/volumes/create", { method: "POST", body, headers, client })).text();
  };
  await make(mine);
  await make(theirs);
  try {
    await using _driver = await openDriver(parseDriverDsn(`docker://${mine}`), { scratch: folder.path });
    assert.deepEqual(await listLabelled(mine), []);
    assert.equal((await listLabelled(theirs)).length, 1);
  } finally {
    await askDocker("DELETE", `/volumes/${theirs}-${left}`);
  }
});

function open(namespace: string, options: OpenDriverOptions): Promise<Driver> {
  return openDriver(parseDriverDsn(`docker://${namespace}-${crypto.randomUUID().slice(0, 8)}`), options);
}

async function run(
  driver: Driver,
  script: string,
  options: { readonly image?: string; readonly stdin?: Uint8Array; readonly onOutput?: () => void } = {},
): Promise<{ readonly code: number; readonly output: string }> {
  let output = "";
  const { code } = await driver.run({
    name: "task",
    image: options.image === "" ? undefined : options.image ?? TEST_IMAGE,
    command: ["sh", "-c", script],
    dir: undefined,
    user: undefined,
    env: {},
    mounts: [],
    signal: new AbortController().signal,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    onOutput(chunk) {
      output += new TextDecoder().decode(chunk);
      options.onOutput?.();
    },
  });
  return { code, output };
}

/** The files of the test image as a tar. */
async function exportRoot(): Promise<Uint8Array<ArrayBuffer>> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: DOCKER_SOCKET } });
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ Image: TEST_IMAGE, Cmd: ["x"] });
  const made = await fetch("http://localhost/containers/create", { method: "POST", headers, body, client });
  const { Id } = await made.json();
  try {
    return await (await fetch(`http://localhost/containers/${Id}/export`, { client })).bytes();
  } finally {
    await askDocker("DELETE", `/containers/${Id}?force=1`);
  }
}

/** A TCP port that leads to the engine's socket, until it is closed, with every connection. */
function forwardTcp(): AsyncDisposable & { readonly port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const pipe = async (from: Deno.TcpConn | Deno.UnixConn, to: Deno.TcpConn | Deno.UnixConn) => {
    try {
      // Not by streams: they close the whole connection when one direction ends.
      const buffer = new Uint8Array(65_536);
      for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
        for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
      }
      await to.closeWrite();
    } catch {
      // Closed on one side or by the test.
    }
  };
  const close = (connection: Deno.Conn) => {
    open.delete(connection);
    try {
      connection.close();
    } catch {
      // Closed already.
    }
  };
  const serving = (async () => {
    const all: Promise<void>[] = [];
    for await (const near of listener) {
      all.push((async () => {
        const far = await Deno.connect({ transport: "unix", path: DOCKER_SOCKET });
        for (const each of [near, far]) open.add(each);
        await Promise.all([pipe(near, far), pipe(far, near)]);
        for (const each of [near, far]) close(each);
      })());
    }
    await Promise.all(all);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const each of [...open]) close(each);
      await serving;
    },
  };
}
