// A real Kubernetes cluster for tests: storage that needs no provisioner, and a look at what is left.

import type { Requirement } from "./require.ts";

const CLASS = "pivot-test";

/** Variable KUBECONFIG for tests. */
export function kubeconfig(): string {
  return Deno.env.get("PIVOT_TEST_KUBECONFIG") ?? Deno.env.get("KUBECONFIG") ?? "";
}

/** A Kubernetes cluster that answers. */
export const k8s: Requirement = {
  name: "k8s",
  missing: kubeconfig() === ""
    ? "KUBECONFIG names no cluster"
    : answers()
    ? undefined
    : "the cluster of KUBECONFIG does not answer",
};

function answers(): boolean {
  try {
    kubectl(["get", "--raw", "/readyz"]);
    return true;
  } catch {
    return false;
  }
}

function kubectl(args: readonly string[], input?: string): string {
  const file = input === undefined ? undefined : Deno.makeTempFileSync({ suffix: ".json" });
  try {
    if (file !== undefined && input !== undefined) Deno.writeTextFileSync(file, input);
    const all = ["--kubeconfig", kubeconfig(), ...args, ...file === undefined ? [] : ["-f", file]];
    const { code, stdout, stderr } = new Deno.Command("kubectl", { args: all }).outputSync();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } finally {
    if (file !== undefined) Deno.removeSync(file);
  }
}

/** Volumes on the node's own disk that claims of class `pivot-test` are bound to; each serves one claim. */
export interface Storage extends Disposable {
  readonly storageClass: string;
}

/** Makes `count` volumes of the node. */
export function makeStorage(count: number): Storage {
  const id = crypto.randomUUID().slice(0, 8);
  const storageClass = `${CLASS}-${id}`;
  const items = Array.from({ length: count }, (_, at) => ({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: `pivot-test-${id}-${at}`, labels: { "pivot-test": id } },
    spec: {
      capacity: { storage: "10Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      storageClassName: storageClass,
      hostPath: { path: `/tmp/pivot-test-volumes/${id}/${at}`, type: "DirectoryOrCreate" },
    },
  }));
  kubectl(["create"], JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  return {
    storageClass,
    [Symbol.dispose]() {
      kubectl(["delete", "pv", "-l", `pivot-test=${id}`, "--wait=false"]);
      try {
        Deno.removeSync(`/tmp/pivot-test-volumes/${id}`, { recursive: true });
      } catch (error) {
        // The node may be another machine.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

/** A namespace of its own. */
export function makeNamespace(): { readonly name: string } & Disposable {
  const name = `pivot-test-${crypto.randomUUID().slice(0, 8)}`;
  kubectl(["create", "namespace", name]);
  return { name, [Symbol.dispose]: () => void kubectl(["delete", "namespace", name, "--wait=false"]) };
}

/** Writes the record of a run that gave its last sign of life long ago. */
export function makeRunRecord(namespace: string, data: Readonly<Record<string, string>>): void {
  const labels = { "app.kubernetes.io/managed-by": "pivot", "pivot.dev/run": "0000000000000000" };
  const metadata = { name: "pivot-run-0000000000000000", namespace, labels };
  kubectl(["create"], JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata, data }));
}

/** Everything of ours that is still in a namespace. */
export function listOurs(namespace: string): string[] {
  const kinds = "pods,persistentvolumeclaims,configmaps";
  return kubectl(["get", kinds, "-n", namespace, "-l", "app.kubernetes.io/managed-by=pivot", "-o", "name"]).split("\n")
    .filter((line) => line !== "");
}
