// Pods from making them to their being gone. A pod's one container, `task`, does nothing: tasks are started in it, so that their two
// streams come apart and their end is told. Invariant: what keeps a pod from running is told in the cluster's words.

import type { V1Pod } from "@kubernetes/client-node";
import { delay } from "../../../sys/mod.ts";
import { driverError } from "../failure.ts";
import type { Cluster } from "./cluster.ts";
import { execInPod } from "./exec.ts";

/** A pod that is to be. */
export interface PodPlan {
  readonly metadata: {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly annotations: Record<string, string>;
  };
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where processes start. */
  readonly dir: string;
  /** The task's own folder, on scratch space that anyone may write to; absent: none. */
  readonly home?: string;
  /** Claims and where they are mounted, absolute; outer ones first. */
  readonly mounts: readonly { readonly claim: string; readonly path: string }[];
  readonly user?: { readonly uid: number; readonly gid?: number };
}

/** A pod may wait for a node, or for its image, as long as this. */
const PENDING_MS = 300_000;
/** A pod that no node takes may wait for one that is being added. */
const UNSCHEDULABLE_MS = 60_000;
const LOOK_MS = 120;
/** How long the cluster may take to end processes. */
const GONE_MS = 30_000;
const IDLE = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 86400 & wait $!; done"];
/** The files are below a folder of the claim: its root may hold the file system's own. */
const SUB_PATH = "data";

/** The pod as the API takes it. */
export function podOf(plan: PodPlan): V1Pod {
  const claims = [...new Set(plan.mounts.map(({ claim }) => claim))];
  // The task's own folder may be a volume itself.
  const ownHome = plan.mounts.some(({ path }) => path === plan.home) ? undefined : plan.home;
  const volumeMounts = [
    ...(ownHome === undefined ? [] : [{ name: "home", mountPath: ownHome }]),
    ...plan.mounts.map(({ claim, path }) => ({
      name: `v${claims.indexOf(claim)}`,
      mountPath: path,
      subPath: SUB_PATH,
    })),
  ];
  const security = plan.user === undefined
    ? {}
    : { runAsUser: plan.user.uid, ...(plan.user.gid === undefined ? {} : { runAsGroup: plan.user.gid }) };
  const open = plan.mounts.map(({ path }) => path);
  return {
    metadata: plan.metadata,
    spec: {
      restartPolicy: "Never",
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: 1,
      // Claims belong to root at first; a task of another user shall be able to write to them.
      ...(plan.user === undefined || plan.user.uid === 0 || open.length === 0 ? {} : {
        initContainers: [{
          name: "open",
          image: plan.image,
          imagePullPolicy: "IfNotPresent",
          command: ["chmod", "a+rwx", ...open],
          securityContext: { runAsUser: 0 },
          volumeMounts,
        }],
      }),
      containers: [{
        name: "task",
        image: plan.image,
        imagePullPolicy: "IfNotPresent",
        command: IDLE,
        workingDir: plan.dir,
        // The cluster would replace `$(NAME)`, and make one dollar of two.
        env: Object.entries(plan.env).map(([name, value]) => ({ name, value: value.replaceAll("$", "$$$$") })),
        ...(plan.user === undefined ? {} : { securityContext: security }),
        volumeMounts,
      }],
      volumes: [
        ...(ownHome === undefined ? [] : [{ name: "home", emptyDir: {} }]),
        ...claims.map((claimName, at) => ({ name: `v${at}`, persistentVolumeClaim: { claimName } })),
      ],
    },
  };
}

/**
 * Makes a pod and waits until it runs.
 *
 * @throws {PivotError} `image-missing`, `driver-failed`, with what the cluster says; the signal's reason.
 */
export async function startPod(cluster: Cluster, plan: PodPlan, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await cluster.createPod(podOf(plan));
  const { name } = plan.metadata;
  const started = Date.now();
  for (;;) {
    signal.throwIfAborted();
    const pod = await cluster.pod(name);
    if (pod === undefined) throw driverError("driver-failed", `pod "${name}" was removed by somebody else`);
    if (pod.status?.containerStatuses?.[0]?.state?.running !== undefined) return;
    await refuseStuck(cluster, pod, { image: plan.image, waitedMs: Date.now() - started });
    await delay(LOOK_MS, signal);
  }
}

async function refuseStuck(
  cluster: Cluster,
  pod: V1Pod,
  { image, waitedMs }: { readonly image: string; readonly waitedMs: number },
): Promise<void> {
  const statuses = [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []];
  const waiting = statuses.map(({ state }) => state?.waiting).find((each) => each !== undefined);
  const reason = waiting?.reason ?? "";
  if (/^(ErrImagePull|ImagePullBackOff|ErrImageNeverPull|InvalidImageName)$/.test(reason)) {
    throw driverError(
      "image-missing",
      `cannot use image "${image}": the cluster says ${reason}, ${firstLine(waiting?.message)}`,
      "check its name, and that the nodes may pull it or have it",
    );
  }
  const name = pod.metadata?.name ?? "";
  if (/Error$|^CrashLoopBackOff$/.test(reason) || pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded") {
    const ended = statuses.map(({ state }) => state?.terminated).find((each) =>
      each !== undefined && each.exitCode !== 0
    );
    const why = firstLine(waiting?.message ?? ended?.message ?? ended?.reason ?? pod.status?.message);
    throw driverError(
      "driver-failed",
      `pod "${name}" does not start: ${reason} ${why}`.trim(),
      "the image needs sh and sleep",
    );
  }
  const unscheduled = pod.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  const limit = unscheduled === undefined ? PENDING_MS : UNSCHEDULABLE_MS;
  if (waitedMs < limit) return;
  const events = await cluster.events(name);
  throw driverError(
    "driver-failed",
    `pod "${name}" has waited for ${Math.round(waitedMs / 1000)} s: ${unscheduled?.message ?? events.join("; ")}`,
    "see `kubectl describe pod`; a claim may wait for a storage class",
  );
}

function firstLine(text: string | undefined): string {
  return (text ?? "").split("\n")[0] ?? "";
}

/** Ends every process of a pod but the one that does nothing. @returns when they are gone. */
export async function endProcesses(cluster: Cluster, pod: string): Promise<void> {
  const signal = AbortSignal.timeout(GONE_MS);
  const command = ["sh", "-c", "kill -KILL -1"];
  await execInPod(cluster, { pod, command, signal, onOutput: () => undefined });
}
