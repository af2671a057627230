// Pipelines over the real volume cache: archives, restores and keys are those of lib/volume.

import assert from "node:assert/strict";
import { createVolumeCache, keyOfVolume, MemoryStore, type VolumeEvent } from "../../../lib/volume/mod.ts";
import { createPool } from "../../../lib/pool/mod.ts";
import { job, runYaml, sh } from "./process_driver.ts";

Deno.test("the second run finds what the first one cached; an unchanged volume is not stored again; a failed run stores nothing", async () => {
  await using pool = createPool({ archive: { permissions: { read: true, write: true }, size: 1 } });
  const scratch = Deno.makeTempDirSync({ prefix: "pivot ci scratch, " });
  try {
    const store = new MemoryStore();
    const run = async (script: string) => {
      const events: VolumeEvent["type"][] = [];
      const cache = createVolumeCache({
        store,
        pool,
        scratch,
        prefix: "p",
        onEvent: (event) => events.push(event.type),
      });
      const { result } = await runYaml(
        job(sh("t", script, ", caches: [{ path: node_modules }, { path: repo/.npm }]")),
        {
          cache,
        },
      );
      return { outcome: result.outcome, volumes: result.volumes.map((each) => each.status), events };
    };
    const first = await run("test ! -e node_modules/left && echo 1 > node_modules/left && echo 2 > repo/.npm/b");
    assert.equal(first.outcome, "succeeded");
    assert.deepEqual(first.volumes, ["persisted", "persisted"]);
    for (const volume of ["cache-node_modules", "cache-repo/.npm"]) {
      assert.notEqual(await store.head(keyOfVolume("p", volume, "zstd")), undefined, volume);
    }
    const failing = await run("echo broken > node_modules/left; exit 1");
    assert.equal(failing.outcome, "failed");
    const second = await run("test $(cat node_modules/left) = 1 -a $(cat repo/.npm/b) = 2");
    assert.equal(second.outcome, "succeeded");
    assert.deepEqual(second.volumes, ["unchanged", "unchanged"]);
    assert.equal(second.events.filter((type) => type === "volume-restored").length, 2);
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
});
