// The Kubernetes API as this driver uses it. Invariants: no error text holds a credential; a thing that is gone already counts as
// removed; every call ends with its signal.

import type { CoreV1Api, KubeConfig, V1ConfigMap, V1PersistentVolumeClaim, V1Pod } from "@kubernetes/client-node";
import { messageOf, PivotError } from "../../../core/mod.ts";
import { driverError } from "../failure.ts";

/** How the cluster is found. */
export interface ClusterOptions {
  /** Path of a kubeconfig; else KUBECONFIG, else the cluster that this process runs in, else the default file. */
  readonly kubeconfig: string | undefined;
  /** Context in it. @default its current one */
  readonly context: string | undefined;
  /** Namespace of everything. @default the context's, else "default" */
  readonly namespace: string;
  readonly environment: (name: string) => string | undefined;
}

/** Kinds that are made and removed. */
export type Kind = "pod" | "claim" | "config";

/** An open cluster. */
export interface Cluster {
  readonly namespace: string;
  /** Server, for people. */
  readonly server: string;
  readonly config: KubeConfig;
  createPod(pod: V1Pod): Promise<void>;
  pod(name: string): Promise<V1Pod | undefined>;
  createClaim(claim: V1PersistentVolumeClaim): Promise<void>;
  claim(name: string): Promise<V1PersistentVolumeClaim | undefined>;
  /** Makes it, or puts new content into it. */
  putConfig(config: V1ConfigMap): Promise<void>;
  configs(selector: string): Promise<readonly V1ConfigMap[]>;
  /** Names of a kind under a selector. */
  names(kind: Kind, selector: string): Promise<readonly string[]>;
  /** Removes; fine if it is gone. */
  remove(kind: Kind, name: string): Promise<void>;
  /** The latest events of a pod, for people. */
  events(pod: string): Promise<readonly string[]>;
}

/**
 * Reads the configuration and asks the cluster for a sign.
 *
 * @throws {PivotError} `driver-unreachable`
 */
export async function openCluster(options: ClusterOptions): Promise<Cluster> {
  const library = await import("@kubernetes/client-node");
  const config = new library.KubeConfig();
  const inside = options.environment("KUBERNETES_SERVICE_HOST") !== undefined;
  const file = options.kubeconfig ?? options.environment("KUBECONFIG");
  try {
    if (file !== undefined) config.loadFromFile(file);
    else if (inside) config.loadFromCluster();
    else config.loadFromDefault();
    if (options.context !== undefined) config.setCurrentContext(options.context);
  } catch (error) {
    throw unreachable(`cannot read the kubeconfig${file === undefined ? "" : ` "${file}"`}: ${plain(error)}`);
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) {
    throw unreachable("no cluster is configured");
  }
  const own = config.getContextObject(config.getCurrentContext())?.namespace;
  const namespace = options.namespace !== "" ? options.namespace : own ?? "default";
  const cluster = new ApiCluster(config.makeApiClient(library.CoreV1Api), { config, server, namespace });
  await cluster.names("config", "pivot.dev/none=none");
  return cluster;
}

class ApiCluster implements Cluster {
  readonly namespace: string;
  readonly server: string;
  readonly config: KubeConfig;
  readonly #api: CoreV1Api;

  constructor(api: CoreV1Api, about: { config: KubeConfig; server: string; namespace: string }) {
    this.#api = api;
    this.namespace = about.namespace;
    this.server = about.server;
    this.config = about.config;
  }

  async createPod(body: V1Pod): Promise<void> {
    const { namespace } = this;
    await this.#ask("make a pod", () => this.#api.createNamespacedPod({ namespace, body }));
  }

  async pod(name: string): Promise<V1Pod | undefined> {
    const { namespace } = this;
    return await this.#find(`look at pod "${name}"`, () => this.#api.readNamespacedPod({ namespace, name }));
  }

  async createClaim(body: V1PersistentVolumeClaim): Promise<void> {
    const { namespace } = this;
    await this.#ask("make a claim", () => this.#api.createNamespacedPersistentVolumeClaim({ namespace, body }));
  }

  async claim(name: string): Promise<V1PersistentVolumeClaim | undefined> {
    const { namespace } = this;
    const read = () => this.#api.readNamespacedPersistentVolumeClaim({ namespace, name });
    return await this.#find(`look at claim "${name}"`, read);
  }

  async putConfig(body: V1ConfigMap): Promise<void> {
    const { namespace } = this;
    const name = body.metadata?.name ?? "";
    const replaced = await this.#find(
      "renew a sign of life",
      () => this.#api.replaceNamespacedConfigMap({ namespace, name, body }),
    );
    if (replaced !== undefined) return;
    await this.#ask("give a sign of life", () => this.#api.createNamespacedConfigMap({ namespace, body }));
  }

  async configs(labelSelector: string): Promise<readonly V1ConfigMap[]> {
    const { namespace } = this;
    const list = () => this.#api.listNamespacedConfigMap({ namespace, labelSelector });
    return (await this.#ask("look for killed runs", list)).items;
  }

  async names(kind: Kind, labelSelector: string): Promise<readonly string[]> {
    const { namespace } = this;
    const what = { namespace, labelSelector };
    const { items } = await this.#ask(
      `list ${kind}s`,
      () =>
        kind === "pod"
          ? this.#api.listNamespacedPod(what)
          : kind === "claim"
          ? this.#api.listNamespacedPersistentVolumeClaim(what)
          : this.#api.listNamespacedConfigMap(what),
    );
    return items.flatMap((item) => item.metadata?.name ?? []);
  }

  async remove(kind: Kind, name: string): Promise<void> {
    const { namespace } = this;
    // Without grace: its processes were ended before, or nothing waits for them.
    const what = { namespace, name, gracePeriodSeconds: 0 };
    await this.#find<unknown>(
      `remove ${kind} "${name}"`,
      () =>
        kind === "pod"
          ? this.#api.deleteNamespacedPod(what)
          : kind === "claim"
          ? this.#api.deleteNamespacedPersistentVolumeClaim(what)
          : this.#api.deleteNamespacedConfigMap(what),
    );
  }

  async events(pod: string): Promise<readonly string[]> {
    const { namespace } = this;
    const fieldSelector = `involvedObject.name=${pod}`;
    const { items } = await this.#ask(
      "read events",
      () => this.#api.listNamespacedEvent({ namespace, fieldSelector }),
    );
    return items.slice(-3).map(({ reason, message }) => `${reason ?? ""}: ${message ?? ""}`);
  }

  async #ask<Value>(tried: string, act: () => Promise<Value>): Promise<Value> {
    try {
      return await act();
    } catch (error) {
      throw apiFailure(tried, this.server, error);
    }
  }

  async #find<Value>(tried: string, act: () => Promise<Value>): Promise<Value | undefined> {
    try {
      return await act();
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      throw apiFailure(tried, this.server, error);
    }
  }
}

function statusOf(error: unknown): number | undefined {
  const code = (error as { code?: unknown }).code;
  return typeof code === "number" ? code : undefined;
}

function apiFailure(tried: string, server: string, error: unknown): PivotError {
  if (error instanceof PivotError) return error;
  const status = statusOf(error);
  if (status === undefined) return unreachable(`cannot ${tried} at ${server}: ${plain(error)}`);
  const hint = status === 401 || status === 403
    ? "the account of the kubeconfig needs to make pods, persistentvolumeclaims and configmaps, and to exec into pods"
    : undefined;
  return driverError("driver-failed", `cannot ${tried}: the cluster answered ${status}, ${said(error)}`, hint);
}

/** The API's own sentence; nothing of the request, which holds the token. */
function said(error: unknown): string {
  const { body } = error as { body?: unknown };
  try {
    const value = typeof body === "string" ? JSON.parse(body) : body;
    const message = (value as { message?: unknown } | null)?.message;
    if (typeof message === "string") return message.split("\n")[0] ?? "";
  } catch {
    // Not JSON: a proxy, perhaps.
  }
  return "without an explanation";
}

function plain(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : messageOf(error);
  return (cause.split("\n")[0] ?? "").slice(0, 300);
}

function unreachable(message: string): PivotError {
  return driverError("driver-unreachable", message, "check KUBECONFIG, the context, and that `kubectl get pods` works");
}
