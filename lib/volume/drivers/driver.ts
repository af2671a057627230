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
  /** Container image; drivers without containers pay no heed. */
  readonly image: string | undefined;
  /** Program and arguments; no shell. */
  readonly command: readonly [string, ...string[]];
  /** Folder to run in, relative to the task's own. @default the task's own */
  readonly dir: string | undefined;
  /** Who it runs as. @default as the driver or image says */
  readonly user: string | undefined;
  /** Variables added to those of the image or machine. */
  readonly env: Readonly<Record<string, string>>;
  /** Volumes by their path, relative to the task's folder or absolute; one may lie within another. */
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
 * - A task starts in a folder of its own; mounts are found below it, or at their absolute path.
 * - `run` settles only when the process is gone, also after an abort, and after all of its output was handed over.
 * - Volumes of one driver may be shared by tasks that run at the same time.
 * - Disposing removes all that was made: containers, volumes, pods, claims, folders. Everything carries a label until then, so
 *   that what a killed run left behind can be found and removed by the next.
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
   * not be run: `image-missing`, `program-missing`, `unknown-user`, `bad-mount`, `driver-unreachable`.
   */
  run(request: TaskRequest): Promise<{ readonly code: number }>;
}
