// Push and pull side by side with s5cmd and rclone against one server on this machine: 1,000 x 100 KiB and 1 x 1 GiB. Needs
// `PIVOT_TEST_VERSITYGW`; programs that are not installed are left out. The library is timed after its workers started, the peers
// as whole commands, which start in some 20 ms.

import { createPool } from "../lib/pool/mod.ts";
import { directoryStore, memoryTable, Remote, RemoteConfig, type SyncResult } from "../lib/remote/mod.ts";
import { addBlob, temporaryFolder } from "../tests/support/remote.ts";
import { startS3 } from "../tests/support/s3.ts";
import { report, SMALL } from "./support.ts";

const MIB = 1024 * 1024;
const FILES = SMALL ? 20 : 1000;
const LARGE = SMALL ? 20 * MIB : 1024 * MIB;
const JOBS = 20;

await using server = await startS3();
using folder = temporaryFolder();
const [smallRoot, largeRoot] = [`${folder.path}/small`, `${folder.path}/large`];
const sets = {
  [`${FILES} x 100 KiB`]: {
    root: smallRoot,
    blobs: Array.from({ length: FILES }, () => addBlob(smallRoot, 100 * 1024)),
  },
  [`1 x ${LARGE / MIB} MiB`]: { root: largeRoot, blobs: [addBlob(largeRoot, LARGE)] },
};
const permissions = { read: true, write: true, env: true, sys: true, net: true };

for (const [name, { root, blobs }] of Object.entries(sets)) {
  await using pool = createPool({ transfer: { permissions, size: 2, jobsPerWorker: JOBS / 2 } });
  const config = RemoteConfig.fromUrl("bench", `s3://${server.bucket}/${crypto.randomUUID()}`, {
    endpoint: server.endpoint,
  });
  await using up = await Remote.fromConfig(config, {
    store: directoryStore(root),
    pool,
    table: memoryTable(),
    jobs: JOBS,
  });
  await up.push([addBlob(root, 10), addBlob(root, 11)]);
  await using down = await Remote.fromConfig(config, {
    store: directoryStore(`${folder.path}/back`),
    pool,
    jobs: JOBS,
  });
  const ours = { push: seconds(await up.push(blobs)), pull: seconds(await down.fetch(blobs)) };
  report(`${name}: push`, `${ours.push.toFixed(2)} s`);
  report(`${name}: pull`, `${ours.pull.toFixed(2)} s`);
  for (const [peer, time] of Object.entries(await peers(`${root}/files`))) {
    report(
      `${name}: ${peer} up, down`,
      `${time.push.toFixed(2)} s`,
      `${time.pull.toFixed(2)} s; we are ${ratio(time.push, ours.push)} and ${ratio(time.pull, ours.pull)} as fast`,
    );
  }
}

function ratio(theirs: number, ours: number): string {
  return `${(theirs / ours).toFixed(2)}x`;
}

function seconds(result: SyncResult): number {
  if (!result.success) throw result.errors[0]?.error;
  return result.durationMs / 1000;
}

async function peers(root: string): Promise<Record<string, { push: number; pull: number }>> {
  const found: Record<string, { push: number; pull: number }> = {};
  const target = `${server.bucket}/${crypto.randomUUID()}`;
  const back = `${folder.path}/peer-${crypto.randomUUID()}`;
  const s5 = ["--endpoint-url", server.endpoint, "--numworkers", String(JOBS), "cp"];
  const remote =
    `:s3,provider=Other,env_auth=true,endpoint='${server.endpoint}',force_path_style=true:${target}/rclone`;
  const rclone = ["--transfers", String(JOBS), "--checkers", String(JOBS), "--config", "/dev/null", "copy"];
  const commands: Record<string, [string[], string[]]> = {
    s5cmd: [[...s5, `${root}/`, `s3://${target}/s5/`], [...s5, `s3://${target}/s5/*`, `${back}/s5/`]],
    rclone: [[...rclone, root, remote], [...rclone, remote, `${back}/rclone`]],
  };
  for (const [program, [push, pull]] of Object.entries(commands)) {
    const path = Deno.env.get(`PIVOT_BENCH_${program.toUpperCase()}`) ?? program;
    try {
      found[program] = { push: await timed(path, push), pull: await timed(path, pull) };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      report(program, "not installed");
    }
  }
  return found;
}

async function timed(program: string, args: readonly string[]): Promise<number> {
  const started = performance.now();
  const { code, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdout: "null",
    stderr: "piped",
    env: { ...server.env, PATH: Deno.env.get("PATH") ?? "", HOME: folder.path },
    clearEnv: true,
  }).output();
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${new TextDecoder().decode(stderr).slice(0, 500)}`);
  return (performance.now() - started) / 1000;
}
