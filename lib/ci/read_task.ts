// A task's configuration, from its step or from a file. Invariant: no two volumes of a task share a path, and no path
// but an absolute cache leaves the task's folder.

import { type SourceSpot } from "../core/mod.ts";
import type { Located } from "./located.ts";
import type { Artifact, TaskConfig } from "./plan.ts";
import type { Reader, Variables } from "./reader.ts";

const KEYS = ["platform", "image_resource", "image", "inputs", "outputs", "caches", "params", "env", "run"];
const UNSUPPORTED = ["rootfs_uri", "container_limits"];
const PLATFORMS = ["linux", "darwin", "windows"];

/** Reads a task config; what the step itself gives (`image`, `params`, `env`) wins. */
export function readTask(
  reader: Reader,
  node: Located,
  options: {
    readonly variables: Variables;
    readonly image: string | undefined;
    readonly env: Readonly<Record<string, string>>;
  },
): TaskConfig {
  const { variables } = options;
  const fields = reader.fields(node, "the task's config", KEYS, UNSUPPORTED, "write { run: { path: … } }");
  const platform = reader.text(fields.get("platform"), "platform", variables);
  if (platform !== undefined && !PLATFORMS.includes(platform)) {
    reader.report(fields.get("platform")?.spot ?? node.spot, `"${platform}" is no platform`, PLATFORMS.join(", "));
  }
  const used = new Map<string, string>();
  const inputs = readArtifacts(reader, fields.get("inputs"), { what: "input", variables, used });
  const outputs = readArtifacts(reader, fields.get("outputs"), { what: "output", variables, used });
  const caches = reader.optionalItems(fields.get("caches"), "caches").map((cache) => {
    const entry = reader.fields(cache, "a cache", ["path"]);
    const path = reader.required(entry.get("path"), "path of the cache", { spot: cache.spot, variables });
    return claimPath(reader, { path, what: "cache", spot: cache.spot, used });
  });
  return {
    platform,
    image: options.image ?? readImage(reader, fields, variables),
    inputs,
    outputs,
    caches,
    env: {
      ...reader.environment(fields.get("params"), "params", variables),
      ...reader.environment(fields.get("env"), "env", variables),
      ...options.env,
    },
    ...readRun(reader, fields.get("run"), { spot: node.spot, variables }),
  };
}

function readArtifacts(
  reader: Reader,
  node: Located | undefined,
  options: { readonly what: "input" | "output"; readonly variables: Variables; readonly used: Map<string, string> },
): Artifact[] {
  const { what, variables, used } = options;
  const names = new Set<string>();
  return reader.optionalItems(node, `${what}s`).map((item) => {
    const entry = reader.fields(item, `an ${what}`, what === "input" ? ["name", "path", "optional"] : ["name", "path"]);
    const name = reader.required(entry.get("name"), `name of the ${what}`, { spot: item.spot, variables });
    if (names.has(name)) reader.report(item.spot, `${what} "${name}" is given twice`);
    names.add(name);
    const path = reader.text(entry.get("path"), `path of ${what} "${name}"`, variables) ?? name;
    return {
      name,
      path: claimPath(reader, { path, what, spot: item.spot, used }),
      optional: reader.flag(entry.get("optional"), "optional"),
    };
  });
}

// Nested paths are fine (`repo` and `repo/.git`); the same one twice is not.
function claimPath(
  reader: Reader,
  { path, what, spot, used }: { path: string; what: string; spot: SourceSpot; used: Map<string, string> },
): string {
  const absolute = path.startsWith("/");
  const segments = path.split("/").filter((segment) => segment !== "" && segment !== ".");
  const clean = `${absolute ? "/" : ""}${segments.join("/")}`;
  if (segments.includes("..") || path.includes("\0")) reader.report(spot, `path "${path}" leaves the task's folder`);
  else if (absolute && what !== "cache") reader.report(spot, `path "${path}" of an ${what} is absolute`);
  else if (used.get(clean) === "input" && what === "output") {
    // The output is the input as the task leaves it.
  } else if (used.has(clean)) {
    const other = used.get(clean);
    reader.report(spot, `path "${path}" is taken by ${other === "cache" ? "a cache" : `an ${other}`}`);
  }
  used.set(clean, what);
  return clean;
}

function readImage(reader: Reader, fields: ReadonlyMap<string, Located>, variables: Variables): string | undefined {
  const resource = fields.get("image_resource");
  const image = fields.get("image");
  if (resource === undefined) return reader.text(image, "image", variables);
  if (image !== undefined) reader.report(image.spot, `"image" and "image_resource" exclude each other`);
  const top = reader.fields(resource, "image_resource", ["type", "source"], ["params", "version"]);
  const type = reader.text(top.get("type"), "type of image_resource", variables);
  if (type !== undefined && type !== "registry-image" && type !== "docker-image") {
    reader.report(resource.spot, `"${type}" is no type of image`, "registry-image, docker-image");
  }
  const source = top.get("source");
  if (source === undefined) {
    reader.report(resource.spot, `"source" of image_resource is missing`);
    return undefined;
  }
  const from = reader.fields(source, "source of image_resource", ["repository", "tag"], ["username", "password"]);
  const name = reader.required(from.get("repository"), "repository", { spot: source.spot, variables });
  const tag = reader.text(from.get("tag"), "tag", variables);
  return tag === undefined ? name : `${name}:${tag}`;
}

function readRun(
  reader: Reader,
  node: Located | undefined,
  at: { readonly spot: SourceSpot; readonly variables: Variables },
): Pick<TaskConfig, "command" | "dir" | "user"> {
  const { variables } = at;
  if (node === undefined) {
    if (!reader.isHopeless(at.spot)) reader.report(at.spot, `"run" of the task is missing`);
    return { command: [""], dir: undefined, user: undefined };
  }
  const hint = "write run: { path: sh, args: [-c, COMMAND] }";
  const fields = reader.fields(node, "run", ["path", "args", "dir", "user"], [], hint);
  const program = reader.required(fields.get("path"), "path of run", { spot: node.spot, variables });
  const args = reader.optionalItems(fields.get("args"), "args").map((arg) =>
    reader.text(arg, "an argument", variables) ?? ""
  );
  const dir = reader.text(fields.get("dir"), "dir", variables);
  if (dir?.split("/").includes("..")) reader.report(node.spot, `dir "${dir}" leaves the task's folder`);
  return { command: [program, ...args], dir, user: reader.text(fields.get("user"), "user", variables) };
}
