// Push and pull against a real S3 server: figures by number of jobs, as ratios to one job. `PIVOT_TEST_VERSITYGW` names a faster
// server than the one of the tests.

import { createPool } from "../lib/pool/mod.ts";
import { directoryStore, memoryTable, Remote, RemoteConfig, type SyncResult } from "../lib/remote/mod.ts";
import { addBlob, temporaryFolder } from "../tests/support/remote.ts";
import { startS3 } from "../tests/support/s3.ts";

const MIB = 1024 * 1024;
const count = Number(Deno.args[0] ?? 300);

await using server = await startS3();
using folder = temporaryFolder();
const small = Array.from({ length: count }, () => addBlob(`${folder.path}/here`, 100 * 1024));
const large = [addBlob(`${folder.path}/here`, 256 * MIB)];
const permissions = { read: true, write: true, env: true, sys: true, net: true };
const speed = (result: SyncResult): string => {
  if (!result.success) throw result.errors[0]?.error;
  return `${(result.durationMs / 1000).toFixed(2)} s, ${
    (result.bytesTransferred / result.durationMs / 1000).toFixed(0)
  } MB/s`;
};

for (const jobs of [1, 4, 20, 64]) {
  await using pool = createPool({
    transfer: { permissions, size: Math.min(2, jobs), jobsPerWorker: Math.ceil(jobs / 2) },
  });
  const config = RemoteConfig.fromUrl("bench", `s3://${server.bucket}/${crypto.randomUUID()}`, {
    endpoint: server.endpoint,
  });
  const table = memoryTable();
  await using up = await Remote.fromConfig(config, { store: directoryStore(`${folder.path}/here`), pool, table, jobs });
  await up.push([addBlob(`${folder.path}/here`, 10), addBlob(`${folder.path}/here`, 11)]); // workers start
  console.log(`jobs ${jobs}: push ${count} x 100 KiB: ${speed(await up.push(small))}`);
  const startedMs = performance.now();
  await up.push(small);
  console.log(`jobs ${jobs}: push again: ${(performance.now() - startedMs).toFixed(1)} ms`);
  await using down = await Remote.fromConfig(config, {
    store: directoryStore(`${folder.path}/there-${jobs}`),
    pool,
    jobs,
  });
  console.log(`jobs ${jobs}: pull: ${speed(await down.fetch(small))}`);
  if (jobs !== 20) continue;
  console.log(`jobs ${jobs}: push 256 MiB: ${speed(await up.push(large))}`);
  console.log(`jobs ${jobs}: pull 256 MiB: ${speed(await down.fetch(large))}`);
}
