// The drivers that tests of pipelines run on, and what each of them needs of the machine.

import { dockerEngine, TEST_IMAGE } from "./docker.ts";
import { k8s, kubeconfig, makeNamespace, makeStorage } from "./k8s.ts";
import type { Requirement } from "./require.ts";

/** A driver to test. */
export interface DriverUnderTest {
  readonly name: "native" | "docker" | "k8s";
  readonly requirement: Requirement;
  /** What one test needs; disposing of it leaves nothing behind. */
  readonly open: () => OpenDriver;
}

/** A driver that can be used. */
export interface OpenDriver extends Disposable {
  /** As typed after `--driver`, without a cache. */
  readonly dsn: string;
  /** Variables that processes need to reach it. */
  readonly env: Readonly<Record<string, string>>;
}

/** Volumes that one test of a pipeline makes at most. */
const VOLUMES = 16;

/** All drivers. */
export const DRIVERS: readonly DriverUnderTest[] = [
  {
    name: "native",
    requirement: { name: "native", missing: undefined },
    open: () => ({ dsn: "native://", env: {}, [Symbol.dispose]: () => {} }),
  },
  {
    name: "docker",
    requirement: dockerEngine(),
    open: () => ({ dsn: "docker://", env: {}, [Symbol.dispose]: () => {} }),
  },
  {
    name: "k8s",
    requirement: k8s,
    open() {
      const namespace = makeNamespace();
      const storage = makeStorage(VOLUMES);
      return {
        dsn: `k8s://${namespace.name}?storage_class=${storage.storageClass}&image=${TEST_IMAGE}`,
        env: { KUBECONFIG: kubeconfig() },
        [Symbol.dispose]() {
          namespace[Symbol.dispose]();
          storage[Symbol.dispose]();
        },
      };
    },
  },
];
