// What running a pipeline needs from a machine: volumes, and processes that see them.
// Invariant: `run` settles only when the process is gone, also after an abort.

import type { VolumeAccess } from "../volume/mod.ts";

/** A volume that a driver made. */
export interface CiVolume {
  /** As it was asked for. */
  readonly name: string;
  /** A way to its files; absent where the driver has none, and the volume is not cached then. */
  readonly access: VolumeAccess | undefined;
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
  /** Volumes by their path, relative to the task's folder or absolute. */
  readonly mounts: readonly { readonly volume: CiVolume; readonly path: string }[];
  /** What it reads. @default nothing */
  readonly stdin?: Uint8Array;
  /** Kills it when aborted. */
  readonly signal: AbortSignal;
  /** Called with every chunk, in order per stream. */
  readonly onOutput: (chunk: Uint8Array, stream: "stdout" | "stderr") => void;
}

/** Runs tasks somewhere. */
export interface CiDriver {
  /** Makes an empty volume. Named ones may be asked for once per run. */
  createVolume(
    options: { readonly name: string; readonly sizeBytes?: number; readonly signal: AbortSignal },
  ): Promise<CiVolume>;
  /**
   * Runs a process to its end. A bad exit code is a value.
   *
   * @throws the signal's reason after an abort, when the process is gone; else why it could not be run.
   */
  run(request: TaskRequest): Promise<{ readonly code: number }>;
}
