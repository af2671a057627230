// What only Kubernetes can get wrong, on a real cluster.

import assert from "node:assert/strict";
import { type Driver, openDriver, parseDriverDsn } from "../../lib/volume/mod.ts";
import { TEST_IMAGE } from "../support/docker.ts";
import { k8s, kubeconfig, listOurs, makeNamespace, makeRunRecord, makeStorage } from "../support/k8s.ts";
import { testWith } from "../support/require.ts";

function openIn(namespace: string, scratch: string, more = ""): Promise<Driver> {
  const environment = (name: string) => name === "KUBECONFIG" ? kubeconfig() : undefined;
  return openDriver(parseDriverDsn(`k8s://${namespace}?image=${TEST_IMAGE}${more}`), { scratch, environment });
}

/** Opens a driver in a namespace of its own, and removes both. */
async function withDriver(more: string, act: (driver: Driver) => Promise<void>): Promise<void> {
  using namespace = makeNamespace();
  const scratch = Deno.makeTempDirSync({ prefix: "pivot-driver-" });
  try {
    await using driver = await openIn(namespace.name, scratch, more);
    await act(driver);
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
}

async function printed(driver: Driver, script: string, env: Record<string, string>, user?: string): Promise<string> {
  let text = "";
  await driver.run({
    name: "task",
    image: undefined,
    command: ["sh", "-c", script],
    dir: undefined,
    user,
    env,
    mounts: [],
    signal: new AbortController().signal,
    onOutput: (chunk) => void (text += new TextDecoder().decode(chunk)),
  });
  return text;
}

testWith(k8s, "k8s: what is like root's name is not root, and values of variables come as they are", async () => {
  await withDriver("", async (driver) => {
    const values = { ONE: "pa$$word", TWO: "$(HOME) $$(HOME)", THREE: "$", FOUR: "$$$" };
    const script = 'printf "%s\\n" "$ONE" "$TWO" "$THREE" "$FOUR"';
    assert.equal(await printed(driver, script, values), `${Object.values(values).join("\n")}\n`);
    for (const user of ["rootless", "root:wheel", "root2"]) {
      await assert.rejects(printed(driver, "id -u", {}, user), { code: "unknown-user" });
    }
  });
});

testWith(k8s, "k8s: looking for killed runs removes no file but locks of runs", async () => {
  using namespace = makeNamespace();
  const scratch = Deno.makeTempDirSync({ prefix: "pivot-driver-" });
  try {
    const victim = `${scratch}/precious.txt`;
    Deno.writeTextFileSync(victim, "mine");
    makeRunRecord(namespace.name, { lock: victim, host: Deno.hostname(), alive: "0" });
    await using _driver = await openIn(namespace.name, scratch);
    assert.equal(Deno.readTextFileSync(victim), "mine");
    // Its record went all the same.
    assert.equal(listOurs(namespace.name).length, 1);
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
});

testWith(k8s, "k8s: a source that turns out to be no tar is let go", async () => {
  using storage = makeStorage(1);
  await withDriver(`&storage_class=${storage.storageClass}`, async (driver) => {
    const { access } = await driver.createVolume({ name: "data", signal: new AbortController().signal });
    assert(access?.kind === "tar");
    let cancelled = false;
    const source = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(65536).fill(65)),
      cancel: () => void (cancelled = true),
    });
    await assert.rejects(access.write(source, {}), { code: "volume-failed" });
    assert.equal(cancelled, true);
  });
});
