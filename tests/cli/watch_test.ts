// `run --watch`, driven by its own event stream: every step waits for what the program says, never for time to pass.

import assert from "node:assert/strict";
import { type TestProject, testProject } from "../support/project.ts";

interface Event {
  readonly type: string;
  readonly stage?: string;
  readonly paths?: readonly string[];
  readonly result?: { readonly stage: string; readonly outcome: string };
}

/** A running watch. */
interface Watch extends AsyncDisposable {
  /** The next event of that type, with everything that came before it. */
  until(type: string, when?: (event: Event) => boolean): Promise<readonly Event[]>;
  /** Outcomes of the next run that did not skip everything. */
  outcomes(): Promise<Record<string, string>>;
}

function watch(project: TestProject, ...args: string[]): Watch {
  const child = project.start(["run", "--watch", "--jsonl", ...args]);
  const errors = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const queue: Event[] = [];
  let rest = "";
  const next = async (): Promise<Event> => {
    while (queue.length === 0) {
      const { done, value } = await lines.read();
      if (done) throw new Error(`the watch ended: ${await errors}`);
      const texts = (rest + value).split("\n");
      rest = texts.pop() ?? "";
      queue.push(...texts.map((text): Event => JSON.parse(text)));
    }
    return queue.shift() as Event;
  };
  const until: Watch["until"] = async (type, when = () => true) => {
    const seen: Event[] = [];
    for (;;) {
      const event = await next();
      seen.push(event);
      if (event.type === type && when(event)) return seen;
    }
  };
  return {
    until,
    async outcomes() {
      for (;;) {
        const results = (await until("waiting")).flatMap((event) => event.result ?? []);
        // A run may be followed by one that has nothing to do: Deno writes its lock file meanwhile.
        const found: Record<string, string> = {};
        for (const { stage, outcome } of results) if ((found[stage] ?? "skipped") === "skipped") found[stage] = outcome;
        if (Object.values(found).some((outcome) => outcome !== "skipped")) return found;
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGINT");
      assert.equal((await child.status).code, 130);
      await lines.cancel();
      await errors;
    },
  };
}

const PIVOT = `import { dep, out, stage, text } from "@pivot/pivot";
import { mark } from "./lib/mark.ts";
export const upper = stage({ deps: { a: dep("a.txt", text()) }, outs: out("upper.txt", text()), run: ({ a }) => a.toUpperCase() + mark() });
export const other = stage({ deps: { b: dep("b.txt", text()) }, outs: out("other.txt", text()), run: ({ b }) => b });
`;

function files(): Record<string, string> {
  return { "pivot.ts": PIVOT, "lib/mark.ts": 'export const mark = () => "!";\n', "a.txt": "a", "b.txt": "b" };
}

Deno.test("a watch runs again what a saved file touches: data, code, parameters", async () => {
  using project = testProject(files());
  await using runs = watch(project);
  assert.deepEqual(await runs.outcomes(), { upper: "ran", other: "ran" });
  project.write("a.txt", "changed");
  assert.deepEqual(await runs.outcomes(), { other: "skipped", upper: "ran" });
  project.edit("lib/mark.ts", '"!"', '"?"');
  assert.deepEqual(await runs.outcomes(), { other: "skipped", upper: "ran" });
  assert.equal(project.read("upper.txt"), "CHANGED?");
});

Deno.test("a watch survives a broken edit and goes on when it is mended", async () => {
  using project = testProject(files());
  await using runs = watch(project);
  await runs.outcomes();
  project.edit("lib/mark.ts", '"!"', '"!');
  await runs.until("waiting");
  project.edit("lib/mark.ts", '"!', '"#"');
  assert.equal((await runs.outcomes()).upper, "ran");
  assert.equal(project.read("upper.txt"), "A#");
});

Deno.test("folders that come later are watched too", async () => {
  using project = testProject({
    ...files(),
    "pivot.ts": PIVOT +
      'export const late = stage({ deps: { d: dep("late/", ) }, outs: out("late.txt", text()), run: () => "x" });\n',
    "late/keep.txt": "",
  });
  await using runs = watch(project);
  await runs.outcomes();
  project.write("late/sub/new.txt", "new");
  assert.equal((await runs.outcomes()).late, "ran");
});

Deno.test("a running stage is cancelled when its input changes, and no other", async () => {
  using project = testProject({
    "pivot.yaml": `stages:
  slow: { cmd: "cat a.txt; test -e fast && cp a.txt slow.txt || sleep 600", deps: [a.txt], outs: [slow.txt] }
  calm: { cmd: "cat b.txt; until test -e go; do sleep 0.05; done; cp b.txt calm.txt", deps: [b.txt], outs: [calm.txt] }
`,
    "a.txt": "a\n",
    "b.txt": "b\n",
  });
  await using runs = watch(project, "--jobs", "2");
  const printed = new Set<string>();
  while (printed.size < 2) {
    const seen = await runs.until("stage-output");
    for (const event of seen) if (event.type === "stage-output") printed.add(event.stage ?? "");
  }
  project.write("fast", "");
  project.write("a.txt", "changed\n");
  const seen = await runs.until("stage-finished", (event) => event.result?.stage === "slow");
  assert.deepEqual(seen.filter(({ type }) => type === "stage-cancelled").map(({ stage }) => stage), ["slow"]);
  assert.equal(seen.at(-1)?.result?.outcome, "cancelled");
  project.write("go", "");
  const rest = await runs.until("waiting");
  const calm = rest.flatMap((event) => event.result?.stage === "calm" ? [event.result.outcome] : []);
  assert.deepEqual(calm.slice(0, 2), ["ran", "skipped"]);
  assert.equal(project.read("slow.txt"), "changed\n");
});

Deno.test("--watch refuses what makes no sense with it", async () => {
  using project = testProject(files());
  assert.match((await project.expect(2, "run", "--watch", "--dry-run")).err, /--watch and --dry-run cannot be used/);
});
