// A volume that is kept in a folder.

import assert from "node:assert/strict";
import { createVolumeCache, FolderStore } from "../../../lib/volume/mod.ts";
import { archivePool, describeTree, makeSampleTree, sh, tempFolder } from "./helpers.ts";

Deno.test("a volume in a folder store is a file that tar reads", async () => {
  using temp = tempFolder();
  await using pool = archivePool();
  const store = new FolderStore(`${temp.path}/store`);
  const cache = createVolumeCache({ store, pool, scratch: `${temp.path}/scratch`, prefix: "p" });
  await cache.restore("cache-node_modules", { kind: "folder", path: `${temp.path}/in` });
  makeSampleTree(`${temp.path}/in`);
  await cache.persist({ run: "succeeded" });
  sh("mkdir out && zstd -qdc store/p/cache-node_modules.tar.zst | tar -xpf - -C out", temp.path);
  assert.deepEqual(describeTree(`${temp.path}/out`), describeTree(`${temp.path}/in`));
});
