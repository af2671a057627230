// The contract of a driver: what is left behind, and by whom it is removed.

import assert from "node:assert/strict";
import { type DriverUnderTest, openBench } from "./driver_suite.ts";

/** Tests that open drivers of their own. */
export function lifeTests(under: DriverUnderTest): Readonly<Record<string, (scratch: string) => Promise<void>>> {
  return {
    "closing ends what runs": async (scratch) => {
      const bench = await openBench(under, scratch);
      const data = await bench.volume();
      const { promise: up, resolve } = Promise.withResolvers<void>();
      const running = bench.sh("echo up; sleep 1000", { mounts: { d: data }, onOutput: () => resolve() });
      const outcome = running.then(() => undefined, (error) => error);
      await up;
      await bench[Symbol.asyncDispose]();
      assert.match(String(await outcome), /closed/);
      assert.deepEqual(await under.leftovers(scratch), []);
    },
    "closing twice is fine": async (scratch) => {
      const bench = await openBench(under, scratch);
      await bench[Symbol.asyncDispose]();
      await bench[Symbol.asyncDispose]();
    },
    "the next run removes what a killed one left, and leaves alone what a living one has": async (scratch) => {
      await using living = await openBench(under, scratch);
      const kept = await living.volume("kept");
      await living.sh("echo 1 > d/file", { mounts: { d: kept } });
      const before = new Set(await under.leftovers(scratch));
      await leaveBehind(under, scratch);
      const left = (await under.leftovers(scratch)).filter((each) => !before.has(each));
      assert.ok(left.length >= 2, `a volume and a task are left: ${left}`);
      const events: string[] = [];
      await using next = await under.open({ scratch, onEvent: ({ type }) => events.push(type) });
      const now = new Set(await under.leftovers(scratch));
      assert.deepEqual(left.filter((each) => now.has(each)), []);
      assert.deepEqual(events, ["leftovers-removed"]);
      assert.equal(next.kind, living.driver.kind);
      assert.equal((await living.sh("cat d/file", { mounts: { d: kept } })).stdout, "1\n");
    },
  };
}

/** A run in another process, killed while a task runs. */
async function leaveBehind(under: DriverUnderTest, scratch: string): Promise<void> {
  const script = new URL("./leave_behind.ts", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", script.pathname, under.dsn, scratch, under.image],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  for await (const line of child.stdout.pipeThrough(new TextDecoderStream())) {
    if (!line.includes("up")) continue;
    child.kill("SIGKILL");
  }
  await child.status;
}
