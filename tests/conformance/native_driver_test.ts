// The contract of a driver, held against processes of this machine: with mount namespaces where they work, and with links.

import { openDriver, parseDriverDsn } from "../../lib/volume/mod.ts";
import { type Requirement, testWith } from "../support/require.ts";
import { driverSuite, type DriverUnderTest } from "./driver_suite.ts";

const root = Deno.uid() === 0;

function native(dsn: string, namespaces: boolean): DriverUnderTest {
  return {
    dsn,
    image: "any:image",
    open: (options) => openDriver(parseDriverDsn(dsn), options),
    leftovers,
    absolute: namespaces ? "/opt" : undefined,
    user: root ? { name: "nobody", uid: run("id", "-u", "nobody").trim() } : undefined,
    containers: false,
    nestedLeavesFolder: false,
    realPlaces: namespaces,
    timesMs: 1,
    linkTimes: true,
  };
}

/** Folders of runs, and processes that carry their mark. */
// deno-lint-ignore require-await -- As the port has it.
async function leftovers(scratch: string): Promise<readonly string[]> {
  const folders = [...Deno.readDirSync(`${scratch}/native`)].filter(({ isDirectory }) => isDirectory).map(({ name }) =>
    name
  );
  const mark = `PIVOT_TASK=${scratch}/`;
  const processes = run("ps", "axeww", "-o", "pid=,state=,command=").split("\n").filter((line) =>
    line.includes(mark) && !/^\s*\d+ Z/.test(line)
  );
  return [...folders, ...processes.map((line) => line.trim().split(" ")[0] ?? "")];
}

function run(program: string, ...args: string[]): string {
  return new TextDecoder().decode(new Deno.Command(program, { args }).outputSync().stdout);
}

const unshare = root ? ["--mount"] : ["--user", "--map-current-user", "--keep-caps", "--mount"];
const works = Deno.build.os === "linux" && run("sh", "-c", `unshare ${unshare.join(" ")} true && echo yes`) === "yes\n";
const namespaces: Requirement = {
  name: "namespaces",
  missing: works ? undefined : "this machine does not allow mount namespaces",
};

testWith(
  namespaces,
  "native with mount namespaces keeps the contract of a driver",
  (t) => driverSuite(t, native("native://?mounts=namespace", true)),
);

Deno.test("native with links keeps the contract of a driver", (t) =>
  driverSuite(t, native("native://?mounts=links", false)));
