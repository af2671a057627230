// Whom a task runs as. Invariant: a user that we cannot become is an error before anything starts.

import { driverError } from "../failure.ts";

/** A user of this machine. */
export interface TaskUser {
  readonly uid: number;
  readonly gid: number;
  /** Absolute path; undefined for a number that no account has. */
  readonly home: string | undefined;
}

/**
 * Reads `name`, `uid`, `name:group` or `uid:gid`.
 *
 * @returns undefined if that is who we are.
 * @throws {PivotError} `unknown-user` if there is no such user or group, or if only root could become it.
 */
export async function findTaskUser(text: string): Promise<TaskUser | undefined> {
  const [name = "", groupName] = text.split(":");
  const account = await findAccount(name);
  const numeric = /^\d+$/.test(name) ? Number(name) : undefined;
  const uid = account?.uid ?? numeric;
  if (uid === undefined) throw unknownUser(text, `this machine has no user "${name}"`);
  const gid = groupName === undefined ? account?.gid ?? uid : await groupId(text, groupName);
  if (uid === Deno.uid() && gid === Deno.gid()) return undefined;
  if (Deno.uid() !== 0) throw unknownUser(text, "only root can run tasks as another user on the native driver");
  return { uid, gid, home: account?.home };
}

async function findAccount(name: string): Promise<TaskUser | undefined> {
  const [, , uid, gid, , home] = await database("passwd", name);
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid), home };
}

async function groupId(text: string, name: string): Promise<number> {
  if (/^\d+$/.test(name)) return Number(name);
  const [, , gid] = await database("group", name);
  if (gid === undefined) throw unknownUser(text, `this machine has no group "${name}"`);
  return Number(gid);
}

/** Fields of one line of the machine's account database, wherever that is kept. */
async function database(kind: "passwd" | "group", key: string): Promise<readonly string[]> {
  if (key === "" || key.startsWith("-")) return [];
  try {
    const { code, stdout } = await new Deno.Command("getent", { args: [kind, key], stderr: "null" }).output();
    return code === 0 ? new TextDecoder().decode(stdout).trim().split(":") : [];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function unknownUser(user: string, why: string): Error {
  return driverError(
    "unknown-user",
    `cannot run as "${user}": ${why}`,
    "leave the user out, or use a driver with containers",
  );
}
