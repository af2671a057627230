// The command lines that people type all day, `pivot run train --keep-going` and the like, without loading the parser.
// Invariants: what it answers is what the parser answers (a test compares them); whatever else is typed is left to the parser.

import type { Arguments } from "./parse_arguments.ts";

type Run = Extract<Arguments, { readonly command: "run" }>;
type Status = Extract<Arguments, { readonly command: "status" }>;

/** The names that are true or false of one command, by what is typed for them. */
type Flags<Command> = Readonly<
  Record<string, { [Key in keyof Command]: Command[Key] extends boolean ? Key : never }[keyof Command]>
>;

const RUN_FLAGS: Flags<Run> = {
  "--only": "only",
  "-k": "keepGoing",
  "--keep-going": "keepGoing",
  "-f": "force",
  "--force": "force",
  "-n": "dryRun",
  "--dry-run": "dryRun",
  "--explain": "explain",
  "--check": "check",
  "--no-commit": "noCommit",
  "--no-wait": "noWait",
  "--pull": "pull",
  "--push": "push",
  "-w": "watch",
  "--watch": "watch",
  "--no-gitignore": "noGitIgnore",
  "-q": "quiet",
  "--quiet": "quiet",
  "--json": "json",
  "--jsonl": "jsonl",
};

const STATUS_FLAGS: Flags<Status> = { "--explain": "explain", "--json": "json" };

const PLAIN_RUN: Run = {
  command: "run",
  targets: [],
  only: false,
  jobs: undefined,
  keepGoing: false,
  force: false,
  dryRun: false,
  explain: false,
  check: false,
  noCommit: false,
  noWait: false,
  pull: false,
  push: false,
  watch: false,
  noGitIgnore: false,
  quiet: false,
  mode: undefined,
  set: [],
  json: false,
  jsonl: false,
};

const PLAIN_STATUS: Status = { command: "status", targets: [], explain: false, set: [], json: false };

/** What the arguments mean, if they are `run` or `status` with targets and plain flags, each at most once. */
export function quickArguments(args: readonly string[]): Arguments | undefined {
  const [command, ...rest] = args;
  if (command === "run") return filled(PLAIN_RUN, RUN_FLAGS, rest);
  return command === "status" ? filled(PLAIN_STATUS, STATUS_FLAGS, rest) : undefined;
}

function filled<Command extends Run | Status>(
  plain: Command,
  flags: Flags<Command>,
  words: readonly string[],
): Command | undefined {
  const targets: string[] = [];
  const seen = new Set<PropertyKey>();
  for (const word of words) {
    const flag = Object.hasOwn(flags, word) ? flags[word] : undefined;
    if (flag !== undefined) {
      if (seen.has(flag)) return undefined;
      seen.add(flag);
    } else if (/^[\w./@*]/.test(word)) targets.push(word);
    else return undefined;
  }
  return { ...plain, targets, ...Object.fromEntries([...seen].map((flag) => [flag, true])) };
}
