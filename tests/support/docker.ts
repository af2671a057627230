// A Docker engine for tests: whether there is one, and what a namespace has in it.

import type { Requirement } from "./require.ts";

/** The socket of the engine. */
export const DOCKER_SOCKET = (Deno.env.get("DOCKER_HOST") ?? "unix:///var/run/docker.sock").replace(/^unix:\/\//, "");
/** Image of tasks in tests; it has busybox. */
export const TEST_IMAGE = Deno.env.get("PIVOT_TEST_IMAGE") ?? "pivot-lab/busybox:1";

/** Whether an engine listens and has the image. */
export function dockerEngine(): Requirement {
  return { name: "docker", missing: missing() };
}

function missing(): string | undefined {
  try {
    if (!Deno.statSync(DOCKER_SOCKET).isSocket) return `"${DOCKER_SOCKET}" is no socket`;
  } catch {
    return `there is no Docker socket "${DOCKER_SOCKET}"`;
  }
  const args = ["-sf", "--unix-socket", DOCKER_SOCKET, `http://localhost/images/${TEST_IMAGE}/json`];
  try {
    const { code } = new Deno.Command("curl", { args, stdout: "null" }).outputSync();
    return code === 0 ? undefined : `the Docker engine does not answer or has no image "${TEST_IMAGE}"`;
  } catch {
    return "there is no curl to ask the Docker engine";
  }
}

/** Asks the engine. */
export async function askDocker(method: string, path: string): Promise<unknown> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: DOCKER_SOCKET } });
  const response = await fetch(`http://localhost${path}`, { method, client });
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}

/** Containers and volumes of a namespace. */
export async function listLabelled(namespace: string): Promise<readonly string[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`pivot.namespace=${namespace}`] }));
  const containers = await askDocker("GET", `/containers/json?all=1&filters=${filters}`) as { Names: string[] }[];
  const volumes = await askDocker("GET", `/volumes?filters=${filters}`) as { Volumes: { Name: string }[] | null };
  return [
    ...containers.map(({ Names }) => `container ${Names[0]}`),
    ...(volumes.Volumes ?? []).map(({ Name }) => `volume ${Name}`),
  ];
}
