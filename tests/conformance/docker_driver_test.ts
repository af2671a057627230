// The contract of a driver, held against a real Docker engine.

import { openDriver, parseDriverDsn } from "../../lib/volume/mod.ts";
import { dockerEngine, listLabelled, TEST_IMAGE } from "../support/docker.ts";
import { testWith } from "../support/require.ts";
import { driverSuite } from "./driver_suite.ts";

testWith(dockerEngine(), "docker keeps the contract of a driver", (t) => {
  const namespace = `test-${crypto.randomUUID().slice(0, 8)}`;
  const dsn = `docker://${namespace}`;
  return driverSuite(t, {
    dsn,
    image: TEST_IMAGE,
    open: (options) => openDriver(parseDriverDsn(dsn), { ...options, environment: (name) => Deno.env.get(name) }),
    leftovers: () => listLabelled(namespace),
    absolute: "/abso lute/🎉",
    user: { name: "65534", uid: "65534" },
    containers: true,
    nestedLeavesFolder: true,
    realPlaces: true,
    // The engine cuts them in its archives.
    timesMs: 1000,
    linkTimes: true,
  });
});
