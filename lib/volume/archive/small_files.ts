// Who opens files. A worker whose permissions are scoped pays for each file that it opens: Deno looks at every folder on
// the path, which takes several times as long as to open it. The coordinator may do all that the program may, and opens
// at once; but it is one thread. So few workers leave small files to it, and many keep them.

/** From here on workers are enough to be faster than one thread without that cost (measured; 19 and 40 µs against 7 and 17). */
const WORKERS_THAT_SUFFICE = 3;
/** Fewer members than this in one segment are large enough that opening them does not count. */
const MANY_MEMBERS = 64;

/** Whether the coordinator opens small files, given the number of workers. */
export function coordinatorOpensSmall(workers: number): boolean {
  return workers < WORKERS_THAT_SUFFICE;
}

/** Whether the members of one segment count as small. */
export function areSmall(members: number): boolean {
  return members >= MANY_MEMBERS;
}
