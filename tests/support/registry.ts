// A registry of one image, on loopback, that counts how often it is asked for. Engines take images from 127.0.0.0/8 without TLS.

import { createHash } from "node:crypto";

/** A registry that runs. */
export interface Registry extends AsyncDisposable {
  /** Reference of its image. */
  readonly image: string;
  /** How often the image's manifest was asked for by GET. */
  readonly asked: () => number;
}

/** Serves one image with these files. @param layer An uncompressed tar. */
export function startRegistry(layer: Uint8Array<ArrayBuffer>): Registry {
  const config = bytesOf({
    architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [digest(layer)] },
  });
  const manifest = bytesOf({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: {
      mediaType: "application/vnd.docker.container.image.v1+json",
      size: config.length,
      digest: digest(config),
    },
    layers: [{ mediaType: "application/vnd.docker.image.rootfs.diff.tar", size: layer.length, digest: digest(layer) }],
  });
  const blobs = new Map([config, layer].map((bytes) => [digest(bytes), bytes]));
  let asked = 0;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url, method }) => {
    const path = new URL(url).pathname;
    if (path === "/v2/") return new Response("{}");
    if (/^\/v2\/pivot\/pulled\/manifests\/(1|sha256:.*)$/.test(path)) {
      if (method === "GET") asked += 1;
      const headers = {
        "content-type": MANIFEST,
        "docker-content-digest": digest(manifest),
        "content-length": String(manifest.length),
      };
      return new Response(method === "HEAD" ? null : manifest, { headers });
    }
    const blob = blobs.get(path.replace("/v2/pivot/pulled/blobs/", ""));
    return blob === undefined ? new Response(null, { status: 404 }) : new Response(blob);
  });
  return {
    image: `127.0.0.1:${server.addr.port}/pivot/pulled:1`,
    asked: () => asked,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function digest(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
