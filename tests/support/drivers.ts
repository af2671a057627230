// The drivers that tests run on, and what each of them needs of the machine.

import type { Requirement } from "./require.ts";

/** A driver to test. */
export interface DriverUnderTest {
  readonly name: "native" | "docker" | "k8s";
  /** As typed after `--driver`, without a cache. */
  readonly dsn: () => string;
  readonly requirement: Requirement;
  /** Variables that processes need to reach it. */
  readonly env: () => Readonly<Record<string, string>>;
}

function works(program: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(program, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

const KUBECONFIG = Deno.env.get("PIVOT_TEST_KUBECONFIG") ?? Deno.env.get("KUBECONFIG");

/** A Docker engine that answers. */
export const docker: Requirement = {
  name: "docker",
  missing: works("docker", "info") ? undefined : "no Docker engine answers",
};

/** A Kubernetes cluster that answers. */
export const k8s: Requirement = {
  name: "k8s",
  missing: KUBECONFIG === undefined
    ? "KUBECONFIG names no cluster"
    : works("kubectl", "--kubeconfig", KUBECONFIG, "get", "--raw", "/readyz")
    ? undefined
    : "the cluster of KUBECONFIG does not answer",
};

/** All drivers. */
export const DRIVERS: readonly DriverUnderTest[] = [
  { name: "native", dsn: () => "native://", requirement: { name: "native", missing: undefined }, env: () => ({}) },
  { name: "docker", dsn: () => "docker://", requirement: docker, env: () => ({}) },
  {
    name: "k8s",
    dsn: () => Deno.env.get("PIVOT_TEST_K8S_DSN") ?? "k8s://",
    requirement: k8s,
    env: () => KUBECONFIG === undefined ? {} : { KUBECONFIG },
  },
];
