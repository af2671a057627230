// The log file of a stage: everything that it and its children wrote, and the last lines for a failure's report.

import { LOG_TAIL_LINES } from "../core/mod.ts";
import { makeFolder, parentOf } from "../sys/mod.ts";

/** An open log. */
export interface RunLog extends Disposable {
  /** Path relative to the project. */
  readonly path: string;
  write(line: string): void;
  tail(): readonly string[];
}

/** The log's path relative to the project. */
export function logPath(stage: string): string {
  return `.pivot/logs/${stage}.log`;
}

/** Starts a fresh log. */
export function openRunLog(projectRoot: string, stage: string): RunLog {
  const path = logPath(stage);
  const absolute = `${projectRoot}/${path}`;
  makeFolder(parentOf(absolute));
  const file = Deno.openSync(absolute, { write: true, create: true, truncate: true });
  const encoder = new TextEncoder();
  const last: string[] = [];
  return {
    path,
    write(line) {
      const bytes = encoder.encode(`${line}\n`);
      for (let sent = 0; sent < bytes.length;) sent += file.writeSync(bytes.subarray(sent));
      last.push(line);
      if (last.length > LOG_TAIL_LINES) last.shift();
    },
    tail: () => [...last],
    [Symbol.dispose]: () => file.close(),
  };
}
