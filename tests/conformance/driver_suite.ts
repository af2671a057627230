// The contract of a driver as code. Every test works on real processes of the real thing.

import assert from "node:assert/strict";
import type { Driver, OpenDriverOptions, Volume } from "../../lib/volume/mod.ts";
import { dataTests } from "./driver_data.ts";
import { lifeTests } from "./driver_life.ts";
import { processTests } from "./driver_process.ts";
import { mountTests } from "./driver_mounts.ts";

/** What differs between drivers. */
export interface DriverUnderTest {
  /** DSN of the driver. */
  readonly dsn: string;
  /** Image of every task; it has busybox and sh. */
  readonly image: string;
  /** Opens the driver. Two calls with one scratch folder are two runs of one project. */
  open(options: OpenDriverOptions): Promise<Driver>;
  /** Everything that the driver made and that is still there, for people. */
  leftovers(scratch: string): Promise<readonly string[]>;
  /** An absolute path at which volumes can be mounted; undefined if there is none. */
  readonly absolute: string | undefined;
  /** A user other than the one that tasks run as by default, and what `id -u` says; undefined if none can be had. */
  readonly user: { readonly name: string; readonly uid: string } | undefined;
  /** Whether there are images. */
  readonly containers: boolean;
  /** Whether a volume within a volume leaves an empty folder in the outer one. */
  readonly nestedLeavesFolder: boolean;
  /** Whether `..` within a volume leads to what lies beside its mount. */
  readonly realPlaces: boolean;
  /** What times of files are kept in, in milliseconds; with whole seconds, none before 1970. */
  readonly timesMs: 1 | 1000;
  /** Whether symbolic links keep their times. */
  readonly linkTimes: boolean;
}

/** A driver that is open, with shorthands. */
export interface Bench extends AsyncDisposable {
  readonly under: DriverUnderTest;
  readonly driver: Driver;
  readonly scratch: string;
  volume(name?: string): Promise<Volume>;
  /** Runs a shell script. */
  sh(script: string, options?: RunOptions): Promise<Ran>;
  run(command: readonly [string, ...string[]], options?: RunOptions): Promise<Ran>;
}

/** What a test says of a task. */
export interface RunOptions {
  readonly name?: string;
  readonly image?: string;
  readonly dir?: string;
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts?: Readonly<Record<string, Volume>>;
  readonly stdin?: Uint8Array;
  readonly signal?: AbortSignal;
  readonly onOutput?: (text: string, stream: "stdout" | "stderr") => void;
}

/** How a task ended. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A test of the suite. */
export type DriverTest = (bench: Bench) => Promise<void>;

/** Opens a driver for tests. */
export async function openBench(under: DriverUnderTest, scratch: string): Promise<Bench> {
  const driver = await under.open({ scratch, graceMs: 300 });
  const signal = new AbortController().signal;
  const run: Bench["run"] = (command, options = {}) => runTask(under, driver, command, options);
  return {
    under,
    driver,
    scratch,
    volume: (name = "data") => driver.createVolume({ name, signal }),
    run,
    sh: (script, options) => run(["sh", "-c", script], options),
    [Symbol.asyncDispose]: () => driver[Symbol.asyncDispose](),
  };
}

async function runTask(
  under: DriverUnderTest,
  driver: Driver,
  command: readonly [string, ...string[]],
  options: RunOptions,
): Promise<Ran> {
  const texts = { stdout: "", stderr: "" };
  const decoders = { stdout: new TextDecoder(), stderr: new TextDecoder() };
  const { code } = await driver.run({
    name: options.name ?? "task",
    image: options.image ?? under.image,
    command,
    dir: options.dir,
    user: options.user,
    env: options.env ?? {},
    mounts: Object.entries(options.mounts ?? {}).map(([path, volume]) => ({ path, volume })),
    signal: options.signal ?? new AbortController().signal,
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
    onOutput(chunk, stream) {
      const text = decoders[stream].decode(chunk, { stream: true });
      texts[stream] += text;
      options.onOutput?.(text, stream);
    },
  });
  return { code, ...texts };
}

/** Runs every test of the contract, in one open driver where that does not matter. */
export async function driverSuite(t: Deno.TestContext, under: DriverUnderTest): Promise<void> {
  const scratch = Deno.makeTempDirSync({ prefix: "pivot-driver-" });
  Deno.chmodSync(scratch, 0o755);
  try {
    {
      await using bench = await openBench(under, scratch);
      const tests = { ...processTests(under), ...mountTests(under), ...dataTests() };
      for (const [name, test] of Object.entries(tests)) await t.step(name, () => test(bench));
    }
    await t.step("closing removes everything", async () => assert.deepEqual(await under.leftovers(scratch), []));
    for (const [name, test] of Object.entries(lifeTests(under))) await t.step(name, () => test(scratch));
  } finally {
    Deno.removeSync(scratch, { recursive: true });
  }
}
