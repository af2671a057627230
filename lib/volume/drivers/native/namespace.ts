// A private mount namespace around a task, so that volumes are real folders at their places, `..` included. Invariant: nothing
// of it is seen by any other process, and it ends with the task.

import { driverError } from "../failure.ts";
import type { MountPoint } from "./mount_points.ts";
import type { TaskUser } from "./task_user.ts";

/** Programs that a namespace needs, as absolute paths. */
export interface NamespaceTools {
  readonly unshare: string;
  readonly shell: string;
  readonly mount: string;
  readonly setpriv: string;
  readonly env: string;
}

/** What {@linkcode enterNamespace} wraps. */
export interface NamespaceTask {
  readonly command: readonly [string, ...string[]];
  /** Folder to start in, as the task sees it. */
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly points: readonly MountPoint[];
  /** Where each point is, as the task sees it; same order. */
  readonly targets: readonly string[];
  readonly user: TaskUser | undefined;
  /** Written if the task could not be started: what failed, a colon, and details. */
  readonly failure: string;
}

/** Exit code of the script when it wrote a failure. */
export const SETUP_FAILED = 125;

// $1 failure file, $2 mount, then pairs until "--", then the folder, the program as the task named it, the command.
// Its variables have names that no task uses, since a shell hands on what it was given.
const SCRIPT = `
_pivot_failed=$1 _pivot_mount=$2; shift 2
_pivot_fail() { printf '%s:%s' "$1" "$2" >"$_pivot_failed"; exit ${SETUP_FAILED}; }
while [ "$1" != -- ]; do
  _pivot_said=$("$_pivot_mount" --bind "$1" "$2" 2>&1) || _pivot_fail bad-mount "$_pivot_said"
  shift 2
done
shift
{ [ -d "$1" ] || mkdir -p -- "$1" 2>/dev/null; } && cd "$1" 2>/dev/null || _pivot_fail bad-dir "$1"
_pivot_found=$(command -v -- "$2") || _pivot_fail program-missing "$2"
case $_pivot_found in */*) [ -x "$_pivot_found" ] && [ ! -d "$_pivot_found" ] || _pivot_fail program-missing "$2" ;; esac
shift 2
exec "$@"
`;

/**
 * Finds out whether mount namespaces work here: as root, or by a user namespace.
 *
 * @returns undefined if they do not.
 */
export async function findNamespaceTools(): Promise<NamespaceTools | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const names = ["unshare", "sh", "mount", "setpriv", "env"];
  const found = await output("sh", ["-c", names.map((name) => `command -v ${name}`).join(" && ")]);
  const [unshare = "", shell = "", mount = "", setpriv = "", env = ""] = found.split("\n");
  if (env === "") return undefined;
  const tools = { unshare, shell, mount, setpriv, env };
  const probe = [...unshareArgs(), shell, "-c", `"$0" --bind /tmp /tmp && echo works`, mount];
  return await output(unshare, probe) === "works\n" ? tools : undefined;
}

async function output(program: string, args: readonly string[]): Promise<string> {
  try {
    const { code, stdout } = await new Deno.Command(program, { args: [...args], stderr: "null" }).output();
    return code === 0 ? new TextDecoder().decode(stdout) : "";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function unshareArgs(): readonly string[] {
  const own = ["--mount", "--propagation", "private"];
  return Deno.uid() === 0 ? own : ["--user", "--map-current-user", "--keep-caps", ...own];
}

/** The command that runs a task in a namespace of its own. */
export function enterNamespace(task: NamespaceTask, tools: NamespaceTools): readonly [string, ...string[]] {
  const binds = task.points.flatMap(({ source }, index) => [source, task.targets[index] ?? ""]);
  // Shells drop variables whose names they could not write.
  const odd = Object.entries(task.env).filter(([name]) => !/^[A-Za-z_]\w*$/.test(name));
  return [
    tools.unshare,
    ...unshareArgs(),
    tools.shell,
    "-c",
    SCRIPT,
    "pivot",
    task.failure,
    tools.mount,
    ...binds,
    "--",
    task.dir,
    task.command[0],
    ...lowerRights(task.user, tools),
    ...(odd.length === 0 ? [] : [tools.env, ...odd.map(([name, value]) => `${name}=${value}`)]),
    ...task.command,
  ];
}

/** Root becomes the task's user; another user gives back the rights that it had for mounting. */
function lowerRights(user: TaskUser | undefined, tools: NamespaceTools): readonly string[] {
  if (Deno.uid() !== 0) return [tools.setpriv, "--ambient-caps=-all", "--inh-caps=-all", "--"];
  if (user === undefined) return [];
  return [tools.setpriv, `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups", "--"];
}

/** The error that the script wrote into its failure file; undefined if it wrote none. */
export function readSetupFailure(path: string, taskName: string): Error | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const [code, detail] = [text.slice(0, text.indexOf(":")), text.slice(text.indexOf(":") + 1).trim()];
  if (code === "program-missing") return programMissing(taskName, detail);
  if (code === "bad-dir") {
    return driverError(code, `cannot run task "${taskName}": its folder "${detail}" cannot be entered`);
  }
  return driverError("bad-mount", `cannot mount the volumes of task "${taskName}": ${detail}`);
}

/** The error of a program that is not there, or is none. */
export function programMissing(taskName: string, program: string, cause?: unknown): Error {
  return driverError(
    "program-missing",
    `cannot run task "${taskName}": there is no program "${program}"`,
    "install it, or give its path; the native driver runs what is on this machine, whatever the image",
    cause,
  );
}
