// Changes below a folder, in bursts. Invariant: what is left out is never watched, so that large folders that do not matter cost
// nothing; folders that come later are watched from when they appear.

import { PivotError } from "../core/mod.ts";

/** Options of {@linkcode watchTree}. */
export interface WatchOptions {
  /** Top-level names that are not watched. */
  readonly leaveOut: readonly string[];
  /** Called with paths relative to the folder when nothing has changed for `quietMs`. */
  readonly onChange: (paths: readonly string[]) => void;
  /** Milliseconds of quiet that end a burst. @default 80 */
  readonly quietMs?: number;
}

/**
 * Watches everything below `root`.
 *
 * @throws {PivotError} `cannot-watch` where the system has no watches left.
 */
export function watchTree(root: string, options: WatchOptions): Disposable {
  const watchers = new Map<string, Deno.FsWatcher>();
  const changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    timer = undefined;
    const paths = [...changed].sort();
    changed.clear();
    options.onChange(paths);
  };
  const note = (event: Deno.FsEvent) => {
    if (event.kind === "access" || event.kind === "other") return;
    for (const path of event.paths) {
      const relative = path.slice(root.length + 1);
      const [top = ""] = relative.split("/");
      if (top === "" || options.leaveOut.includes(top)) continue;
      changed.add(relative);
      if (event.kind === "create" && relative === top && isFolder(path)) start(path, true);
      if (event.kind === "remove" && relative === top) stop(path);
    }
    if (changed.size === 0) return;
    clearTimeout(timer);
    timer = setTimeout(flush, options.quietMs ?? 80);
  };
  const start = (path: string, recursive: boolean) => {
    if (watchers.has(path)) return;
    const watcher = open(path, recursive);
    watchers.set(path, watcher);
    (async () => {
      for await (const event of watcher) note(event);
    })();
  };
  const stop = (path: string) => {
    watchers.get(path)?.close();
    watchers.delete(path);
  };
  start(root, false);
  for (const entry of Deno.readDirSync(root)) {
    if (entry.isDirectory && !options.leaveOut.includes(entry.name)) start(`${root}/${entry.name}`, true);
  }
  return {
    [Symbol.dispose]() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}

function open(path: string, recursive: boolean): Deno.FsWatcher {
  try {
    return Deno.watchFs(path, { recursive });
  } catch (error) {
    throw new PivotError(`cannot watch "${path}": ${(error as Error).message}`, {
      code: "cannot-watch",
      hint: "the system may allow too few watches; on Linux see fs.inotify.max_user_watches",
      cause: error,
    });
  }
}

function isFolder(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}
