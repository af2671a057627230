// Where the engine listens. Invariant: an address that we cannot speak to is an error that names those we can.

import { statPath } from "../../../sys/mod.ts";
import { driverError } from "../failure.ts";

/** An address of the engine. */
export type Endpoint =
  | { readonly transport: "unix"; readonly path: string; readonly url: string }
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number; readonly url: string };

/** Ports of the engine without TLS, as its documentation has it. */
const DEFAULT_PORT = 2375;

/**
 * Finds the engine: `host=`, then `DOCKER_HOST`, then the sockets of a system-wide, a rootless and a desktop engine.
 *
 * @param host `unix:///path` or `tcp://host:port`.
 */
export function findEndpoint(host: string | undefined, environment: (name: string) => string | undefined): Endpoint {
  const named = host ?? nonEmpty(environment("DOCKER_HOST"));
  if (named === undefined) return unixEndpoint(firstSocket(environment));
  if (named.startsWith("unix://") && named.length > "unix://".length) {
    return unixEndpoint(named.slice("unix://".length));
  }
  if (!/^(tcp|http):\/\/./.test(named)) {
    throw unusable(named, "only unix:///path and tcp://host:port are known");
  }
  if (nonEmpty(environment("DOCKER_TLS_VERIFY")) !== undefined) throw unusable(named, "TLS is not supported");
  const url = URL.parse(named.replace(/^tcp:/, "http:"));
  if (url === null || url.hostname === "" || url.pathname !== "/" || url.username !== "") {
    throw unusable(named, "it is no tcp://host:port");
  }
  // Deno.connect takes IPv6 without brackets.
  const hostname = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = url.port === "" ? (/:80$/.test(named) ? 80 : DEFAULT_PORT) : Number(url.port);
  return { transport: "tcp", hostname, port, url: named };
}

function unixEndpoint(path: string): Endpoint {
  return { transport: "unix", path, url: `unix://${path}` };
}

function firstSocket(environment: (name: string) => string | undefined): string {
  const runtime = nonEmpty(environment("XDG_RUNTIME_DIR"));
  const home = nonEmpty(environment("HOME"));
  const usual = "/var/run/docker.sock";
  const candidates = [
    usual,
    ...(runtime === undefined ? [] : [`${runtime}/docker.sock`]),
    ...(home === undefined ? [] : [`${home}/.docker/run/docker.sock`]),
  ];
  return candidates.find((path) => statPath(path) !== undefined) ?? usual;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function unusable(host: string, why: string): Error {
  return driverError(
    "driver-failed",
    `cannot use the engine at "${host.replace(/\/\/[^/@]*@/, "//***@")}": ${why}`,
    "forward a remote engine to a local socket, for example by ssh -L, and give that as host=",
  );
}
