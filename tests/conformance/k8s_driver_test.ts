// The contract of a driver, held against a real Kubernetes cluster.

import { openDriver, parseDriverDsn } from "../../lib/volume/mod.ts";
import { TEST_IMAGE } from "../support/docker.ts";
import { k8s, kubeconfig, listOurs, makeNamespace, makeStorage } from "../support/k8s.ts";
import { testWith } from "../support/require.ts";
import { driverSuite } from "./driver_suite.ts";

testWith(k8s, "k8s keeps the contract of a driver", async (t) => {
  using namespace = makeNamespace();
  using storage = makeStorage(80);
  const dsn = `k8s://${namespace.name}?storage_class=${storage.storageClass}&image=${TEST_IMAGE}`;
  const environment = (name: string) => name === "KUBECONFIG" ? kubeconfig() : undefined;
  await driverSuite(t, {
    dsn,
    image: TEST_IMAGE,
    open: (options) => openDriver(parseDriverDsn(dsn), { ...options, environment }),
    leftovers: () => Promise.resolve(listOurs(namespace.name)),
    absolute: "/abso lute/🎉",
    user: { name: "65534", uid: "65534" },
    containers: true,
    nestedLeavesFolder: true,
    realPlaces: true,
    timesMs: 1000,
    linkTimes: false,
  });
});
