// One task in one container, from making it to removing it. Invariant: when this settles, the container is gone, whatever
// happened on the way.

import type { TaskRequest } from "../driver.ts";
import { driverError } from "../failure.ts";
import { attach, type Attachment } from "./attach.ts";
import { type Engine, unreachable } from "./engine.ts";
import { startFailure } from "./failures.ts";
import type { Images } from "./images.ts";
import { folderTar } from "./folder_tar.ts";

/** A container that is to be. */
export interface ContainerPlan {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  /** The task's own folder. */
  readonly home: string;
  /** Where the process starts. */
  readonly dir: string;
  /** Names of volumes and absolute paths; outer ones first. */
  readonly mounts: readonly { readonly source: string; readonly target: string }[];
}

/** What {@linkcode runContainer} works with. */
export interface ContainerContext {
  readonly engine: Engine;
  readonly images: Images;
  readonly request: TaskRequest;
  readonly graceMs: number;
}

/** How long the engine may take to note the end of a container whose output has ended. */
const SETTLE_MS = 10_000;

/** Runs a task. @returns its exit code. */
export async function runContainer(plan: ContainerPlan, context: ContainerContext): Promise<{ readonly code: number }> {
  const { engine, images, request } = context;
  const path = `/containers/${plan.name}`;
  try {
    const json = containerJson(plan, request);
    // Not cancelled in its middle, nor is the start: the container's state would be unknown.
    const make = () => engine.json("POST", "/containers/create", { query: { name: plan.name }, json });
    await images.with(plan.image, make, request.signal);
    if (request.user !== undefined) await openFolders(plan, engine);
    request.signal.throwIfAborted();
    using streams = await attach(engine.endpoint, plan.name, request.stdin !== undefined);
    await engine.json("POST", `${path}/start`);
    return await follow(streams, path, context);
  } catch (error) {
    throw startFailure(error, { name: request.name, program: request.command[0] });
  } finally {
    await engine.remove(path, { force: "1", v: "1" });
  }
}

function containerJson(plan: ContainerPlan, request: TaskRequest): unknown {
  const reads = request.stdin !== undefined;
  return {
    Image: plan.image,
    // The image's own entry point is not what the task asked for.
    Entrypoint: request.command,
    Cmd: [],
    Env: Object.entries(request.env).map(([name, value]) => `${name}=${value}`),
    WorkingDir: plan.dir,
    ...(request.user === undefined ? {} : { User: request.user }),
    Labels: plan.labels,
    AttachStdin: reads,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: reads,
    StdinOnce: reads,
    Tty: false,
    HostConfig: {
      // Output is taken as it comes; the engine need not keep it.
      LogConfig: { Type: "none" },
      Mounts: plan.mounts.map(({ source, target }) => ({
        Type: "volume",
        Source: source,
        Target: target,
        // A new volume is empty, whatever the image has at that place.
        VolumeOptions: { NoCopy: true },
      })),
    },
  };
}

/** Folders that the engine makes belong to root; a task of another user shall be able to write to its own and its volumes. */
async function openFolders(plan: ContainerPlan, engine: Engine): Promise<void> {
  const body = folderTar([plan.home, ...plan.mounts.map(({ target }) => target)]);
  const response = await engine.send("PUT", `/containers/${plan.name}/archive`, { query: { path: "/" }, body });
  await response.body?.cancel();
}

async function follow(
  streams: Attachment,
  path: string,
  context: ContainerContext,
): Promise<{ readonly code: number }> {
  const { engine, request, graceMs } = context;
  const { signal } = request;
  let stopping: Promise<unknown> | undefined;
  const stop = () => {
    const query = { t: String(Math.ceil(graceMs / 1000)) };
    // What cannot be stopped is killed when it is removed; the attachment ends either way.
    stopping ??= engine.send("POST", `${path}/stop`, { query }).then((answer) => answer.body?.cancel()).catch(() =>
      engine.remove(path, { force: "1" })
    );
  };
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    const fed = request.stdin === undefined ? undefined : streams.feed(request.stdin);
    fed?.catch(() => undefined);
    await streams.readAll(request.onOutput);
    await stopping;
    signal.throwIfAborted();
    return { code: await exitCode(path, engine, request.name) };
  } finally {
    signal.removeEventListener("abort", stop);
    await stopping?.catch(() => undefined);
  }
}

async function exitCode(path: string, engine: Engine, task: string): Promise<number> {
  const clock = AbortSignal.timeout(SETTLE_MS);
  try {
    const answer = await engine.json("POST", `${path}/wait`, { signal: clock }) as Record<string, unknown>;
    const code = answer["StatusCode"];
    if (typeof code === "number") return code;
  } catch (error) {
    if (!clock.aborted) throw error;
    throw unreachable(engine.endpoint, `the output of task "${task}" ended before the task did`);
  }
  throw driverError("driver-failed", `cannot tell how task "${task}" ended: the engine gave no exit code`);
}
