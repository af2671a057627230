/**
 * Tasks as processes of this machine, volumes as folders.
 *
 * Where mount namespaces work (Linux, as root or by user namespaces), a volume is a real folder at its place, also at an
 * absolute path that exists on the machine. Elsewhere it is a symbolic link: `..` from within it leads to the driver's own
 * folder, and absolute mounts are refused. Images are paid no heed. Processes see the whole machine: this is no sandbox.
 *
 * @module
 */

import { KILL_GRACE_MS } from "../../../core/mod.ts";
import { delay, makeFolder, parentOf, setMode, spawnChild, statPath } from "../../../sys/mod.ts";
import type { DriverDsn } from "../../dsn.ts";
import type { Driver, TaskRequest, Volume } from "../driver.ts";
import { driverError } from "../failure.ts";
import { cleanPath, isWithin, type PlacedMount, placeMounts } from "../mount_paths.ts";
import type { OpenDriverOptions } from "../options.ts";
import { type FolderMount, type MountPoint, MountPoints } from "./mount_points.ts";
import {
  enterNamespace,
  findNamespaceTools,
  type NamespaceTools,
  programMissing,
  readSetupFailure,
  SETUP_FAILED,
} from "./namespace.ts";
import { endMarked, openRunRoot, removeStubborn, type RunRoot, TASK_MARK } from "./run_root.ts";
import { findTaskUser, type TaskUser } from "./task_user.ts";

/** How long after a process ended others may hold its output open before they are ended too. */
const LINGER_MS = 200;

/**
 * Opens the native driver.
 *
 * @param dsn Options `root`: folder for its files, instead of `scratch`; `mounts`: `namespace` or `links`, instead of what works.
 * @throws {PivotError} `driver-failed` if `mounts=namespace` is asked for and does not work here.
 */
export async function openNativeDriver(dsn: DriverDsn, options: OpenDriverOptions): Promise<Driver> {
  const how = dsn.options["mounts"];
  const tools = how === "links" ? undefined : await findNamespaceTools();
  if (how === "namespace" && tools === undefined) {
    throw driverError(
      "driver-failed",
      "cannot open the native driver with mount namespaces: this machine does not allow them",
      "leave out mounts=namespace, or run as root",
    );
  }
  const parent = dsn.options["root"] ?? `${options.scratch}/native`;
  const root = await openRunRoot(parent, options.signal ?? new AbortController().signal);
  if (root.swept > 0) options.onEvent?.({ type: "leftovers-removed", count: root.swept });
  return new NativeDriver(root, tools, options.graceMs ?? KILL_GRACE_MS);
}

/** What one task is made of. */
interface Prepared {
  readonly request: TaskRequest;
  readonly folder: string;
  readonly user: TaskUser | undefined;
  readonly mounts: readonly FolderMount[];
  /** Folder to start in, as `cleanPath` gives it. */
  readonly dir: string;
}

class NativeDriver implements Driver {
  readonly kind = "native";
  readonly #root: RunRoot;
  readonly #tools: NamespaceTools | undefined;
  readonly #graceMs: number;
  readonly #points: MountPoints;
  readonly #running = new Set<Promise<unknown>>();
  readonly #closing = new AbortController();
  #count = 0;

  constructor(root: RunRoot, tools: NamespaceTools | undefined, graceMs: number) {
    this.#root = root;
    this.#tools = tools;
    this.#graceMs = graceMs;
    this.#points = new MountPoints(`${root.path}/aside`);
  }

  // deno-lint-ignore require-await -- An error shall be a rejection.
  async createVolume({ name, signal }: { readonly name: string; readonly signal: AbortSignal }): Promise<Volume> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const path = `${this.#root.path}/volumes/${++this.#count}`;
    makeFolder(path);
    setMode(path, 0o755);
    return { name, access: { kind: "folder", path } };
  }

  // deno-lint-ignore require-await -- An error shall be a rejection.
  async removeVolume(volume: Volume): Promise<void> {
    const path = this.#folderOf(volume);
    if (statPath(path) !== undefined) removeStubborn(path);
  }

  async run(request: TaskRequest): Promise<{ readonly code: number }> {
    const running = this.#run({ ...request, signal: AbortSignal.any([request.signal, this.#closing.signal]) });
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #run(request: TaskRequest): Promise<{ readonly code: number }> {
    request.signal.throwIfAborted();
    const mounts = placeMounts(request.mounts).map((mount) => ({ ...mount, source: this.#existing(mount.volume) }));
    this.#checkAbsolute(mounts);
    const dir = cleanPath(request.dir ?? "", "bad-dir");
    const user = request.user === undefined ? undefined : await findTaskUser(request.user);
    const folder = `${this.#root.path}/tasks/${++this.#count}`;
    makeFolder(folder);
    try {
      const how = this.#tools === undefined ? "links" : "folders";
      const { points, release } = this.#points.place(folder, mounts, how);
      try {
        if (user !== undefined) this.#openTo([folder, ...mounts.map(({ source }) => source)]);
        return await this.#start({ request, folder, user, mounts, dir }, points);
      } finally {
        release();
      }
    } finally {
      removeStubborn(folder);
    }
  }

  async #start(task: Prepared, points: readonly MountPoint[]): Promise<{ readonly code: number }> {
    const { request, folder, user } = task;
    const wrapped = this.#tools !== undefined && points.length > 0;
    const start = points.find(({ path }) => path === "")?.source ?? folder;
    const cwd = wrapped ? folder : task.dir.startsWith("/") ? task.dir : `${start}/${task.dir}`;
    if (!wrapped) makeFolder(cwd);
    const env = {
      ...(user?.home === undefined ? {} : { HOME: user.home }),
      ...request.env,
      [TASK_MARK]: `${folder}/`,
    };
    const failure = `${folder}.failure`;
    const command = this.#tools !== undefined && wrapped
      ? enterNamespace({
        command: request.command,
        dir: task.dir.startsWith("/") ? task.dir : `${folder}/${task.dir}`,
        env: request.env,
        points,
        targets: points.map(({ path }) => path.startsWith("/") ? path : `${folder}/${path}`.replace(/\/$/, "")),
        user,
        failure,
      }, this.#tools)
      : request.command;
    const code = await this.#spawn(task, { command, env, cwd, wrapped });
    request.signal.throwIfAborted();
    const failed = code === SETUP_FAILED && wrapped ? readSetupFailure(failure, request.name) : undefined;
    if (failed !== undefined) throw failed;
    return { code };
  }

  async #spawn(task: Prepared, how: {
    readonly command: readonly [string, ...string[]];
    readonly env: Readonly<Record<string, string>>;
    readonly cwd: string;
    readonly wrapped: boolean;
  }): Promise<number> {
    const { request, user } = task;
    try {
      const child = spawnChild({
        command: how.command,
        cwd: how.cwd,
        env: how.env,
        signal: request.signal,
        graceMs: this.#graceMs,
        endGroup: true,
        onOutput: request.onOutput,
        ...(request.stdin === undefined ? {} : { stdin: request.stdin }),
        ...(user === undefined || how.wrapped ? {} : { uid: user.uid, gid: user.gid }),
      });
      await child.gone;
      // What left the process group may still hold the output open, and would hold us up.
      const held = !await within(child.exit, LINGER_MS);
      if (held || request.signal.aborted) await endMarked(task.folder);
      return (await child.exit).code;
    } catch (error) {
      const missing = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied;
      throw missing ? programMissing(request.name, request.command[0], error) : error;
    }
  }

  /** A folder that the machine's owner did not make is not made for a mount. */
  #checkAbsolute(mounts: readonly PlacedMount[]): void {
    for (const { path, volume } of mounts) {
      if (!path.startsWith("/")) continue;
      if (mounts.some((outer) => outer.path !== path && outer.path.startsWith("/") && isWithin(path, outer.path))) {
        continue;
      }
      const refuse = (why: string, hint: string) =>
        driverError("bad-mount", `cannot mount volume "${volume.name}" at "${path}": ${why}`, hint);
      if (this.#tools === undefined) {
        throw refuse(
          "without mount namespaces the native driver has no absolute mounts",
          "use a relative path, run as root on Linux, or use a driver with containers",
        );
      }
      if (isWithin(this.#root.path, path)) throw refuse("the driver's own files are below it", "mount it elsewhere");
      if (statPath(path)?.kind !== "directory") {
        throw refuse(
          "there is no such folder on this machine, and tasks of the native driver see no other file system",
          "make the folder, use a relative path, or use a driver with containers",
        );
      }
    }
  }

  /** Lets another user write to a task's folder and to the tops of its volumes. */
  #openTo(paths: readonly string[]): void {
    for (let path = parentOf(this.#root.path); path !== ""; path = parentOf(path)) {
      const mode = statPath(path)?.mode ?? 0;
      if ((mode & 0o001) === 0) {
        throw driverError(
          "unknown-user",
          `cannot run as another user: "${path}" is closed to others, and the task's folder is below it`,
          "give the driver a folder that is open, like native://?root=/var/tmp/pivot",
        );
      }
      if (parentOf(path) === path) break;
    }
    for (const path of paths) setMode(path, 0o777);
  }

  #existing(volume: Volume): string {
    const path = this.#folderOf(volume);
    if (statPath(path) !== undefined) return path;
    throw driverError("volume-failed", `cannot use volume "${volume.name}": it was removed`);
  }

  #folderOf(volume: Volume): string {
    const path = volume.access?.kind === "folder" ? volume.access.path : "";
    if (isWithin(path, `${this.#root.path}/volumes`)) return path;
    throw driverError("volume-failed", `cannot use volume "${volume.name}": another driver made it`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort(new DOMException("the driver was closed", "AbortError"));
    await Promise.allSettled(this.#running);
    await this.#root.remove();
  }
}

/** Whether something settles within a time; a rejection is left to whoever awaits it. */
async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  const clock = new AbortController();
  const settled = work.then(() => true, () => true);
  const late = delay(ms, clock.signal).then(() => false, () => false);
  try {
    return await Promise.race([settled, late]);
  } finally {
    clock.abort();
  }
}
