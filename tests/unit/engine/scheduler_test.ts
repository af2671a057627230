// The scheduler, with work that ends when the test says so.

import assert from "node:assert/strict";
import type { StageName } from "../../../lib/core/mod.ts";
import { type Node, schedule } from "../../../lib/engine/scheduler.ts";

interface Bench {
  readonly started: string[];
  readonly notRun: string[];
  readonly done: Promise<void>;
  /** Ends a piece of work, well or not, and lets what follows from that happen. */
  end(name: string, good?: boolean): Promise<void>;
}

function node(name: string, upstream: string[] = [], mutex: string[] = []): Node {
  return { name: name as StageName, upstream: upstream as StageName[], mutex };
}

function start(nodes: Node[], options: { jobs?: number; keepGoing?: boolean; signal?: AbortSignal } = {}): Bench {
  const started: string[] = [];
  const notRun: string[] = [];
  const ends = new Map<string, (good: boolean) => void>();
  const done = schedule(nodes, {
    jobs: options.jobs ?? 10,
    keepGoing: options.keepGoing ?? false,
    signal: options.signal ?? new AbortController().signal,
    work(name) {
      started.push(name);
      return new Promise((resolve) => ends.set(name, resolve));
    },
    onNotRun: (name) => notRun.push(name),
  });
  return {
    started,
    notRun,
    done,
    async end(name, good = true) {
      ends.get(name)?.(good);
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    },
  };
}

Deno.test("a node starts when all its upstreams ended well", async () => {
  const bench = start([node("a"), node("b"), node("c", ["a", "b"])]);
  assert.deepEqual(bench.started, ["a", "b"]);
  await bench.end("a");
  assert.deepEqual(bench.started, ["a", "b"]);
  await bench.end("b");
  assert.deepEqual(bench.started, ["a", "b", "c"]);
  await bench.end("c");
  await bench.done;
});

Deno.test("at most `jobs` run at once, in order", async () => {
  const bench = start([node("a"), node("b"), node("c")], { jobs: 2 });
  assert.deepEqual(bench.started, ["a", "b"]);
  await bench.end("b");
  assert.deepEqual(bench.started, ["a", "b", "c"]);
  await bench.end("a");
  await bench.end("c");
  await bench.done;
});

Deno.test("nodes that share a mutex never overlap, and hold nobody else up", async () => {
  const bench = start([node("a", [], ["gpu"]), node("b", [], ["gpu", "disk"]), node("c", [], ["disk"])]);
  assert.deepEqual(bench.started, ["a", "c"]);
  await bench.end("a");
  assert.deepEqual(bench.started, ["a", "c"]);
  await bench.end("c");
  assert.deepEqual(bench.started, ["a", "c", "b"]);
  await bench.end("b");
  await bench.done;
});

Deno.test("after a failure nothing new starts; what runs may end", async () => {
  const bench = start([node("a"), node("b"), node("c", ["b"])]);
  await bench.end("a", false);
  await bench.end("b");
  await bench.done;
  assert.deepEqual([bench.started, bench.notRun], [["a", "b"], ["c"]]);
});

Deno.test("keepGoing runs everything that does not depend on the failure", async () => {
  const bench = start([node("a"), node("b"), node("c", ["b"]), node("d", ["a"]), node("e", ["d"])], {
    keepGoing: true,
    jobs: 1,
  });
  await bench.end("a", false);
  await bench.end("b");
  await bench.end("c");
  await bench.done;
  assert.deepEqual([bench.started, bench.notRun], [["a", "b", "c"], ["d", "e"]]);
});

Deno.test("after an abort nothing new starts", async () => {
  const controller = new AbortController();
  const bench = start([node("a"), node("b", ["a"])], { signal: controller.signal });
  controller.abort();
  await bench.end("a");
  await bench.done;
  assert.deepEqual([bench.started, bench.notRun], [["a"], ["b"]]);
});
