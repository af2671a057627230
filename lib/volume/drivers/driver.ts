// The port to a place that runs tasks and keeps their volumes, and its contract. Every driver passes
// tests/conformance/driver_suite.ts, which is this contract as code.

import type { VolumeAccess } from "../ports.ts";

/** A volume that a driver made. */
export interface Volume {
  /** As it was asked for. */
  readonly name: string;
  /** A way to its files; absent where the driver has none, and the volume is not cached then. */
  readonly access: VolumeAccess | undefined;
}

/** Options of {@linkcode Driver.createVolume}. */
export interface CreateVolumeOptions {
  /** Any text; drivers escape what their engine cannot carry. Two calls with one name give two volumes. */
  readonly name: string;
  /** Bytes to ask for, where the driver can reserve or limit them. */
  readonly sizeBytes?: number;
  /** Cancels the call. */
  readonly signal: AbortSignal;
}

/** A process to run. */
export interface TaskRequest {
  /** Name of the task, for people. */
  readonly name: string;
  /** Container image; drivers without containers pay no heed. Its entry point is not used. */
  readonly image: string | undefined;
  /** Program and arguments; no shell. */
  readonly command: readonly [string, ...string[]];
  /** Folder to run in, relative to the task's own, or absolute; made if it is not there. @default the task's own */
  readonly dir: string | undefined;
  /**
   * Who it runs as: `name`, `uid`, either with `:group`. May write to the task's folder and to the tops of its volumes.
   *
   * @default as the driver or image says
   */
  readonly user: string | undefined;
  /** Variables added to those of the image or machine. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * Volumes by their path, relative to the task's folder or absolute; empty or `.` is the task's folder itself. One may lie
   * within another, and hides what the outer one has there. One volume may be in several places.
   */
  readonly mounts: readonly { readonly volume: Volume; readonly path: string }[];
  /** What it reads. @default nothing */
  readonly stdin?: Uint8Array;
  /** Kills it, and what it started, when aborted. */
  readonly signal: AbortSignal;
  /** Called with every chunk, in order per stream. */
  readonly onOutput: (chunk: Uint8Array, stream: "stdout" | "stderr") => void;
}

/**
 * Runs tasks somewhere.
 *
 * - A task starts in a folder of its own; mounts are found below it, or at their absolute path. An absolute path that cannot be
 *   had, and a relative one that leaves the task's folder, is `bad-mount`; a driver never puts a volume anywhere else instead.
 * - A place made for a volume within another may stay there as an empty folder (docker, k8s), never as anything else.
 * - `run` settles only when the process is gone, also after an abort, and after all of its output was handed over. Output that
 *   may not be whole is an error, not an exit code. What the process left running in its group or container is ended with it.
 * - An abort asks the process to end (SIGTERM), then kills it and all that it started.
 * - Volumes of one driver may be shared by tasks that run at the same time. A volume that was removed is `volume-failed`.
 * - Times of files are kept as well as the engine's own archives keep them: milliseconds (native), seconds (docker).
 * - Disposing ends what runs and removes all that was made: containers, volumes, pods, claims, folders. Everything carries a
 *   label until then, so that what a killed run left behind is removed when the next driver of that namespace is opened, and
 *   what a living run has is not. A second disposal does nothing.
 */
export interface Driver extends AsyncDisposable {
  /** Which driver it is. */
  readonly kind: "native" | "docker" | "k8s";
  /** Makes an empty volume. */
  createVolume(options: CreateVolumeOptions): Promise<Volume>;
  /** Removes a volume and what is in it; fine if it is gone. */
  removeVolume(volume: Volume): Promise<void>;
  /**
   * Runs a process to its end. A bad exit code is a value; a process killed by a signal has 128 + its number.
   *
   * @throws the signal's reason after an abort, when the process is gone; {@linkcode PivotError} of kind `driver` when it could
   * not be run: `image-missing`, `program-missing`, `unknown-user`, `bad-mount`, `bad-dir`, `volume-failed`,
   * `driver-unreachable`, `driver-failed`.
   */
  run(request: TaskRequest): Promise<{ readonly code: number }>;
}
