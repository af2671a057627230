// A run that is killed, or stopped, in the middle of a restore: what it left is gone after the next run, which finds the volume.

import assert from "node:assert/strict";
import { type CiFolder, ciFolder, oneJob, shTask, volumesOf } from "../support/ci.ts";
import { dockerEngine, listLabelled, TEST_IMAGE } from "../support/docker.ts";
import { startProxy } from "../support/fault_proxy.ts";
import { testWith } from "../support/require.ts";
import { startS3 } from "../support/s3.ts";

/** More than sockets and pipes hold, so that part of it has arrived. */
const HALF_BYTES = 12 * 1024 * 1024;

/** What a run left on this machine and in the engine, as paths and names. */
async function leftBy(driver: "native" | "docker", at: CiFolder): Promise<readonly string[]> {
  const files = pathsBelow(`${at.root}/scratch`).filter((path) => !/lock$/.test(path));
  return driver === "native" ? files : [...files, ...await listLabelled(namespaceOf(at))];
}

for (const driver of ["native", "docker"] as const) {
  for (const signal of ["SIGKILL", "SIGINT"] as const) {
    const requirement = driver === "docker" ? dockerEngine() : { name: "native", missing: undefined };
    testWith(
      requirement,
      `${driver}: ${signal} in the middle of a restore leaves nothing after the next run`,
      async () => {
        await using server = await startS3();
        const task = shTask(
          "t",
          "ls c; head -c 24000000 /dev/urandom > c/new; mv c/new c/big",
          `, image: "${TEST_IMAGE}"`,
        )
          .replace(" } }", ", caches: [{ path: c }] } }");
        const look = shTask("t", "ls -l c", `, image: "${TEST_IMAGE}"`).replace(" } }", ", caches: [{ path: c }] } }");
        using at = ciFolder({ "pipeline.yml": oneJob(task), "look.yml": oneJob(look) }, server.env);
        const args = (file: string, endpoint: string) => {
          const where = driver === "docker" ? `docker://${namespaceOf(at)}` : "native://";
          const store = `s3://${server.bucket}?endpoint=${endpoint}&region=us-east-1&cache_prefix=${namespaceOf(at)}`;
          return ["run", file, "--driver", `${where}?cache=${store}`, "--jsonl"];
        };
        await at.expect(0, ...args("pipeline.yml", server.endpoint));
        const { promise: halfWay, resolve } = Promise.withResolvers<void>();
        await using proxy = startProxy(
          server.endpoint,
          ({ method }) =>
            method === "GET" ? { type: "hold", afterBytes: HALF_BYTES, reached: resolve } : { type: "pass" },
        );
        const child = at.start(args("look.yml", proxy.endpoint));
        const ended = child.output();
        await Promise.race([halfWay, ended.then(({ stderr }) => assert.fail(new TextDecoder().decode(stderr)))]);
        child.kill(signal);
        const { code } = await ended;
        if (signal === "SIGINT") assert.equal(code, 130);
        const left = await leftBy(driver, at);
        assert.equal(left.length > 0, signal === "SIGKILL", left.join("\n"));
        if (driver === "native" && signal === "SIGKILL") assert.match(left.join("\n"), /\.restoring-/);
        const next = await at.expect(0, ...args("look.yml", server.endpoint));
        assert.deepEqual(volumesOf(next.out)["cache-c"], { status: "unchanged", restore: "hit" });
        assert.match(next.out, /24000000 .*big/);
        if (signal === "SIGKILL") assert.match(next.out, /"leftovers-removed"/);
        assert.deepEqual(await leftBy(driver, at), []);
      },
    );
  }
}

/** One per test: its folder's name has random letters. */
function namespaceOf(at: CiFolder): string {
  return `killed-${at.root.slice(-8)}`;
}

function pathsBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => [
    ...(isDirectory && /^run-|restoring/.test(name) ? [`${folder}/${name}`] : []),
    ...(isDirectory ? pathsBelow(`${folder}/${name}`) : [`${folder}/${name}`]),
  ]);
}
