// What drivers are opened with besides their DSN. Types alone.

/** Something that a driver tells while it works. */
export type DriverEvent =
  | { readonly type: "image-pulling"; readonly image: string }
  | { readonly type: "image-pulled"; readonly image: string; readonly ms: number }
  /** What a killed run left behind was removed: containers, volumes, pods, folders. */
  | { readonly type: "leftovers-removed"; readonly count: number };

/** Options of {@linkcode openDriver}. */
export interface OpenDriverOptions {
  /** Folder of this machine for the driver's files, the same for every run of a project; made when needed. */
  readonly scratch: string;
  /** Reads a variable of the machine: `DOCKER_HOST`, `KUBECONFIG`. @default none is set */
  readonly environment?: (name: string) => string | undefined;
  /** Milliseconds between asking a task to end and killing it. @default KILL_GRACE_MS */
  readonly graceMs?: number;
  /** Cancels the opening. */
  readonly signal?: AbortSignal;
  /** Told what the driver does besides running tasks. */
  readonly onEvent?: (event: DriverEvent) => void;
}
