// What running a pipeline needs from a machine: volumes, and processes that see them.
// Invariant: `run` settles only when the process is gone, also after an abort.

import type { VolumeAccess } from "../volume/mod.ts";

/** A volume that a driver made. */
export interface CiVolume {
  readonly name: string;
  /** A way to its files; absent where the driver has none, and the volume is not cached then. */
  readonly access: VolumeAccess | undefined;
}

/** A process to run. */
export interface TaskRequest {
  readonly name: string;
  /** Container image; drivers without containers pay no heed. */
  readonly image: string | undefined;
  readonly command: readonly [string, ...string[]];
  /** Folder to run in, relative to the task's own. @default the task's own */
  readonly dir: string | undefined;
  readonly user: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  /** Volumes by their path, relative to the task's folder or absolute. */
  readonly mounts: readonly { readonly volume: CiVolume; readonly path: string }[];
  readonly stdin?: Uint8Array;
  readonly signal: AbortSignal;
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
