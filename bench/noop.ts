// A run in which nothing changed, as a whole command, against a bare loop of stats over the same files; and what one
// executed trivial stage costs. Goals on two cores: 120 ms for 10 stages, 250 ms for 1,000 stages with 10,000 outputs,
// at most 4x the bare loop, 40 ms per executed stage at two jobs.

import { command, median, ms, pivot, report, scratch, SMALL, timed, writeProject } from "./support.ts";

const RUNS = SMALL ? 2 : 9;

for (const [stages, outs, goal] of SMALL ? [[3, 2, 0] as const] : [[10, 10, 120] as const, [1000, 10, 250] as const]) {
  using folder = scratch();
  writeProject(folder.path, stages, outs);
  const [first] = await timed(1, () => pivot(folder.path, "run", "--quiet", "--jobs", "2"));
  report(`first run of ${stages} stages, per stage, 2 jobs`, ms((first ?? NaN) / stages), "goal 40 ms");
  const noop = median(await timed(RUNS, () => pivot(folder.path, "run")));
  const script = `${folder.path}/stat.ts`;
  Deno.writeTextFileSync(
    script,
    `let n = 0; for (let s = 0; s < ${stages}; s++) for (let o = 0; o < ${outs}; o++) { n += Deno.lstatSync("out/" + s + "/" + o + ".txt").size; } if (n === 0) throw 1;`,
  );
  const bare = median(await timed(RUNS, () => command(folder.path, Deno.execPath(), "run", "-A", script)));
  report(
    `no-op run of ${stages} stages, ${stages * outs} outputs`,
    ms(noop),
    `goal ${goal} ms; bare stats ${ms(bare)}, ratio ${(noop / bare).toFixed(2)} (goal 4)`,
  );
}
