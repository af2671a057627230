// A run that is killed while it works: opens a driver, makes a volume, starts a task that goes on, and a process of it that
// left its group.

import { openDriver, parseDriverDsn } from "../../lib/volume/mod.ts";

const [dsn = "", scratch = "", image] = Deno.args;
const { signal } = new AbortController();
const driver = await openDriver(parseDriverDsn(dsn), { scratch, environment: (name) => Deno.env.get(name) });
const volume = await driver.createVolume({ name: "left behind", signal });
await driver.run({
  name: "left behind",
  image,
  command: ["sh", "-c", "trap '' TERM HUP; setsid sleep 1000 & echo up; while :; do sleep 0.1; done"],
  dir: undefined,
  user: undefined,
  env: {},
  mounts: [{ volume, path: "d" }],
  signal,
  onOutput: (chunk) => Deno.stdout.writeSync(chunk),
});
