// Decisions are pure: every row gives facts and the decision that follows.

import assert from "node:assert/strict";
import { type Content, type Digest, PivotError, type RelPath, type StageName } from "../../../lib/core/mod.ts";
import { decide, type Decision, describeReason, inputDigest, type StageFacts } from "../../../lib/engine/mod.ts";
import type { OutSpec, StageSpec } from "../../../lib/pipeline/mod.ts";
import type { StageLock } from "../../../lib/state/mod.ts";

const digest = (digit: string) => digit.repeat(16) as Digest;
const file = (digit: string, executable = false): Content => ({
  type: "file",
  hash: digest(digit),
  size: 1,
  executable,
});
const path = (text: string) => text as RelPath;

const OUT: OutSpec = { name: "o", kind: "out", path: path("o.txt"), directory: false, cache: true, persist: false };
const SPEC: StageSpec = {
  name: "s" as StageName,
  base: "s",
  action: { type: "command", command: "make" },
  deps: [{ name: "a", path: path("a.txt") }],
  outs: [OUT],
  params: { lr: 1, deep: { x: 1 } },
  env: ["HOME"],
  code: [],
  permissions: "inherit",
  mutex: [],
  timeoutMs: 0,
  retries: 0,
  always: false,
  frozen: false,
  after: [],
  spot: { file: "pivot.ts" },
};
const LOCK: StageLock = {
  version: 1,
  action: '["command","make"]',
  codeDigest: digest("c"),
  code: { "function:f": digest("1") },
  params: { lr: 1, deep: { x: 1 } },
  env: { HOME: digest("e") },
  deps: [{ path: path("a.txt"), content: file("a") }],
  outs: [{ path: path("o.txt"), content: file("b"), kind: "out", cache: true }],
};

function facts(more: Partial<Omit<StageFacts, "contentOf">> & { seen?: Record<string, Content> } = {}): StageFacts {
  const seen: Record<string, Content> = more.seen ?? { "a.txt": file("a"), "o.txt": file("b") };
  return {
    spec: SPEC,
    code: { ok: true, code: { digest: digest("c"), symbols: { "function:f": digest("1") }, warnings: [] } },
    lock: LOCK,
    contentOf: (at) => seen[at.path],
    env: { HOME: digest("e") },
    restorable: () => true,
    runCache: () => undefined,
    unsettled: [],
    force: false,
    ...more,
  };
}

function code(symbols: Record<string, Digest>): StageFacts["code"] {
  return { ok: true, code: { digest: digest("d"), symbols, warnings: [] } };
}

const ROWS: readonly [what: string, facts: StageFacts, verdict: Decision["verdict"], headline: string][] = [
  ["nothing changed", facts(), "skip", "nothing changed"],
  ["no record", facts({ lock: undefined }), "run", "no record of a run"],
  ["forced", facts({ force: true }), "run", "forced"],
  ["always", facts({ spec: { ...SPEC, always: true } }), "run", "declared to run always"],
  ["frozen", facts({ spec: { ...SPEC, frozen: true }, lock: undefined }), "skip", "frozen"],
  ["a changed symbol", facts({ code: code({ "function:f": digest("2") }) }), "run", "code changed: function:f"],
  [
    "an added symbol beside a changed one",
    facts({ code: code({ "const:a": digest("3"), "function:f": digest("2") }) }),
    "run",
    "code changed: function:f",
  ],
  ["a removed symbol", facts({ code: code({}) }), "run", "code removed: function:f"],
  [
    "another order of effects",
    facts({ code: code({ "function:f": digest("1") }) }),
    "run",
    "code changed: order of evaluation",
  ],
  [
    "another command",
    facts({ spec: { ...SPEC, action: { type: "command", command: "made" } } }),
    "run",
    "command changed",
  ],
  ["a parameter", facts({ spec: { ...SPEC, params: { lr: 2, deep: { x: 1 } } } }), "run", "parameter lr: 1 -> 2"],
  [
    "a nested parameter",
    facts({ spec: { ...SPEC, params: { lr: 1, deep: { x: 2 } } } }),
    "run",
    "parameter deep.x: 1 -> 2",
  ],
  ["a variable", facts({ env: { HOME: null } }), "run", "environment variable HOME changed"],
  ["a dependency", facts({ seen: { "a.txt": file("9"), "o.txt": file("b") } }), "run", "dependency changed: a.txt"],
  [
    "a dependency more",
    facts({
      spec: { ...SPEC, deps: [...SPEC.deps, { name: "z", path: path("z.txt") }] },
      seen: { "a.txt": file("a"), "z.txt": file("z"), "o.txt": file("b") },
    }),
    "run",
    "dependency added: z.txt",
  ],
  ["a dependency less", facts({ spec: { ...SPEC, deps: [] } }), "run", "dependency removed: a.txt"],
  ["a dependency that is not there", facts({ seen: {} }), "blocked", "dependency missing: a.txt"],
  [
    "an output more",
    facts({ spec: { ...SPEC, outs: [OUT, { ...OUT, name: "p", path: path("p.txt") }] } }),
    "run",
    "declared output added: p.txt",
  ],
  ["an output less", facts({ spec: { ...SPEC, outs: [] } }), "run", "declared output removed: o.txt"],
  [
    "an output of another kind",
    facts({ spec: { ...SPEC, outs: [{ ...OUT, kind: "plot" }] } }),
    "run",
    "declared output changed: o.txt",
  ],
  ["an output that is gone", facts({ seen: { "a.txt": file("a") } }), "restore", "output missing: o.txt"],
  [
    "an output that differs",
    facts({ seen: { "a.txt": file("a"), "o.txt": file("7") } }),
    "restore",
    "output differs from its record: o.txt",
  ],
  [
    "an output that lost its x bit",
    facts({ seen: { "a.txt": file("a"), "o.txt": file("b", true) } }),
    "restore",
    "output differs from its record: o.txt",
  ],
  [
    "an output that is gone from the cache too",
    facts({ seen: { "a.txt": file("a") }, restorable: () => false }),
    "run",
    "output missing: o.txt",
  ],
  [
    "an uncached output that is gone",
    facts({
      seen: { "a.txt": file("a") },
      lock: { ...LOCK, outs: LOCK.outs.map((out) => ({ ...out, cache: false })) },
      spec: { ...SPEC, outs: [{ ...OUT, cache: false }] },
    }),
    "run",
    "output missing: o.txt",
  ],
  [
    "the same inputs as an earlier run",
    facts({ lock: undefined, runCache: () => ({ runId: "r1", atMs: 0, outs: LOCK.outs }) }),
    "restore",
    "same inputs as run r1",
  ],
  [
    "an earlier run whose blobs are gone",
    facts({
      lock: undefined,
      restorable: () => false,
      seen: { "a.txt": file("a") },
      runCache: () => ({ runId: "r1", atMs: 0, outs: LOCK.outs }),
    }),
    "run",
    "no record of a run",
  ],
  ["an upstream that will run", facts({ unsettled: ["up" as StageName] }), "pending", "waits for up"],
  ["an upstream that will run, forced", facts({ unsettled: ["up" as StageName], force: true }), "run", "forced"],
  [
    "broken code",
    facts({
      code: { ok: false, error: new PivotError("cannot be parsed", { code: "syntax-error", kind: "invalid" }) },
    }),
    "blocked",
    "cannot be parsed",
  ],
];

for (const [what, given, verdict, headline] of ROWS) {
  Deno.test(`decide: ${what} -> ${verdict}`, () => {
    const decision = decide(given);
    assert.equal(decision.verdict, verdict);
    assert.equal(describeReason(decision.headline), headline);
    assert.deepEqual(decision.reasons[0], decision.headline);
    assert.deepEqual(decide(given), decision);
  });
}

Deno.test("the input digest covers every input and not the outputs' content", () => {
  const of = (given: StageFacts) => inputDigest(given, given.code.ok ? given.code.code.digest : digest("0"));
  const base = of(facts());
  const others = [
    facts({ code: code({}) }),
    facts({ spec: { ...SPEC, params: { lr: 2 } } }),
    facts({ env: { HOME: null } }),
    facts({ seen: { "a.txt": file("9") } }),
    facts({ seen: { "a.txt": file("a", true) } }),
    facts({ spec: { ...SPEC, action: { type: "command", command: "other" } } }),
    facts({ spec: { ...SPEC, outs: [{ ...OUT, path: path("q.txt") }] } }),
  ].map(of);
  assert.equal(new Set([base, ...others]).size, others.length + 1);
  assert.equal(of(facts({ seen: { "a.txt": file("a"), "o.txt": file("8") } })), base);
});
