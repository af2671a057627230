// The contract of a driver: processes, what they get, what they give, how they end.

import assert from "node:assert/strict";
import { assertDriverError, fails } from "./driver_support.ts";
import type { Bench, DriverTest, DriverUnderTest } from "./driver_suite.ts";

/** Tests of processes. */
export function processTests(under: DriverUnderTest): Readonly<Record<string, DriverTest>> {
  return { ...basics(under), ...output, ...stopping, ...refusals(under) };
}

function basics({ user }: DriverUnderTest): Readonly<Record<string, DriverTest>> {
  return {
    "the exit code is the process's own": async ({ sh }) => {
      assert.equal((await sh("exit 0")).code, 0);
      assert.equal((await sh("exit 7")).code, 7);
      assert.equal((await sh("exit 125")).code, 125);
    },
    "a process that a signal killed has 128 and its number": async ({ sh }) => {
      assert.equal((await sh(`sh -c 'kill -9 $$'; exit $?`)).code, 137);
      assert.equal((await sh(`sh -c 'kill -15 $$'; exit $?`)).code, 143);
    },
    "variables reach the process as they are": async ({ run, sh, volume }) => {
      const odd = `quo"te $HOME \\ 'x' \n 日本 🎉 =`;
      const env = { PLAIN: "a b", ODD: odd, EMPTY: "", program: "p", mount: "m", "with.dot": "kept" };
      const { stdout } = await sh(`printf '%s|' "$PLAIN" "$ODD" "\${EMPTY-unset}" "$program" "$mount"`, { env });
      assert.equal(stdout, `a b|${odd}||p|m|`);
      // A shell drops names that it could not write.
      for (const mounts of [{}, { d: await volume() }]) {
        assert.match((await run(["env"], { env, mounts })).stdout, /^with\.dot=kept$/m);
      }
    },
    "variables are added to those that are there": async ({ sh }) => {
      const { stdout } = await sh(`test -n "$PATH" && echo "$A"`, { env: { A: "1" } });
      assert.equal(stdout, "1\n");
    },
    "arguments reach the process as they are; there is no shell": async ({ run }) => {
      const args = ["a b", "", "$HOME", "*", "--", "-n", "quo\"te'", "日本🎉", "line\nfeed"];
      const { stdout } = await run(["sh", "-c", 'for a in "$@"; do printf "<%s>" "$a"; done', "me", ...args]);
      assert.equal(stdout, args.map((arg) => `<${arg}>`).join(""));
    },
    "what it reads is given whole, and ends": async ({ run, sh }) => {
      const stdin = new TextEncoder().encode("0123456789abcde\n".repeat(40_000));
      const { stdout } = await run(["cat"], { stdin });
      assert.equal(stdout.length, stdin.length);
      assert.equal(stdout, new TextDecoder().decode(stdin));
      assert.equal((await run(["cat"], { stdin: new Uint8Array() })).stdout, "");
      assert.equal((await sh("exit 3", { stdin })).code, 3, "a process need not read it");
    },
    "without input, it reads nothing": async ({ run }) => assert.equal((await run(["cat"])).stdout, ""),
    "a task starts in a folder of its own, empty and writable": async ({ sh }) => {
      const { stdout } = await sh("ls -A; echo 1 > file; cat file", { name: "first" });
      assert.equal(stdout, "1\n");
      assert.equal((await sh("ls -A", { name: "first" })).stdout, "", "another task does not see it");
    },
    "a folder to run in is made, if it is not there": async ({ sh }) => {
      const { stdout } = await sh("pwd; cd ../..; ls -d a/b", { dir: "./a/b/" });
      assert.match(stdout, /\/a\/b\na\/b\n$/);
    },
    ...(user === undefined ? {} : {
      "a user is taken by name or number, and can write where it works": async ({ sh, volume }: Bench) => {
        const data = await volume();
        const script = "id -u && echo 1 > own && echo 2 > data/file && cat own data/file";
        for (const name of [user.name, user.uid, `${user.uid}:${user.uid}`]) {
          const { code, stdout, stderr } = await sh(script, { user: name, mounts: { data } });
          assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: `${user.uid}\n1\n2\n`, stderr: "" }, name);
        }
      },
    }),
    "odd names of tasks and folders": async ({ sh, volume }) => {
      const data = await volume("vol ume/🎉 \"'$(x)");
      for (const name of ["a b", "🎉/x", "../..", "", "x".repeat(300), "-rf", "new\nline"]) {
        const { code } = await sh("echo 1 > 'my data/🎉/f'", { name, mounts: { "my data/🎉": data } });
        assert.equal(code, 0, name);
      }
      assert.equal((await sh("cat f", { mounts: { "a $b": data }, dir: "a $b" })).stdout, "1\n");
    },
    "tasks run at the same time": async ({ sh, volume }) => {
      // Each waits for a sign of the other: one after the other would never end.
      const shared = await volume();
      const meet = (own: string, other: string) =>
        sh(`: > s/${own}; until test -e s/${other}; do sleep 0.02; done; echo ${own}`, { mounts: { s: shared } });
      const ran = await Promise.all([meet("a", "b"), meet("b", "a")]);
      assert.deepEqual(ran.map(({ stdout }) => stdout), ["a\n", "b\n"]);
    },
  };
}

const output: Readonly<Record<string, DriverTest>> = {
  "stdout and stderr come apart, each in order": async ({ sh }) => {
    const script = "i=0; while [ $i -lt 300 ]; do echo out$i; echo err$i >&2; i=$((i+1)); done; printf end";
    const { stdout, stderr } = await sh(script);
    const lines = (word: string) => Array.from({ length: 300 }, (_, index) => `${word}${index}\n`).join("");
    assert.equal(stdout, `${lines("out")}end`);
    assert.equal(stderr, lines("err"));
  },
  "five megabytes of output are complete": async ({ sh }) => {
    const { stdout, stderr } = await sh("yes 0123456789abcde | head -c 5000000; yes err | head -c 1000000 >&2");
    assert.equal(stdout.length, 5_000_000);
    assert.ok(stdout === "0123456789abcde\n".repeat(312_500), "the bytes differ");
    assert.equal(stderr.length, 1_000_000);
  },
  "output is handed over while the process runs": async ({ sh }) => {
    const abort = new AbortController();
    const onOutput = (text: string) => text.includes("first") && abort.abort(new Error("seen"));
    await assert.rejects(sh("echo first; sleep 1000", { signal: abort.signal, onOutput }), /seen/);
  },
  "what a process started ends with it, and does not hold it up": async ({ sh }) => {
    const started = performance.now();
    const { code, stdout } = await sh("sleep 1000 & echo done");
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "done\n" });
    assert.ok(performance.now() - started < 20_000);
  },
};

const stopping: Readonly<Record<string, DriverTest>> = {
  "an abort asks the process to end": async ({ sh, volume }) => {
    const data = await volume();
    const abort = new AbortController();
    const script = "trap 'echo asked > d/asked; exit 1' TERM; echo up; while :; do sleep 0.05; done";
    const onOutput = () => abort.abort(new Error("cancelled"));
    await assert.rejects(sh(script, { mounts: { d: data }, signal: abort.signal, onOutput }), /cancelled/);
    assert.equal((await sh("cat d/asked", { mounts: { d: data } })).stdout, "asked\n");
  },
  "a timeout kills what ignores being asked, and its children": async ({ sh, volume }) => {
    const data = await volume();
    const abort = new AbortController();
    const tick = "while :; do date +%s%N >> d/ticks; sleep 0.02; done";
    const script = `trap '' TERM; (trap '' TERM; ${tick}) & echo up; ${tick}`;
    const onOutput = () => abort.abort(new DOMException("too slow", "TimeoutError"));
    await assert.rejects(sh(script, { mounts: { d: data }, signal: abort.signal, onOutput }), /too slow/);
    const count = async () => (await sh("wc -l < d/ticks", { mounts: { d: data } })).stdout;
    assert.equal(await count(), await count(), "it still writes");
  },
  "an abort before the start runs nothing": async ({ sh, volume }) => {
    const data = await volume();
    const signal = AbortSignal.abort(new Error("too early"));
    await assert.rejects(sh("echo 1 > d/file", { mounts: { d: data }, signal }), /too early/);
    assert.equal((await sh("ls d", { mounts: { d: data } })).stdout, "");
  },
  "an abort at any moment of the start settles": async ({ sh }) => {
    for (const ms of [0, 5, 20, 60, 150]) {
      await assert.rejects(sh("sleep 1000", { signal: AbortSignal.timeout(ms) }), { name: "TimeoutError" });
    }
  },
};

function refusals({ containers, user }: DriverUnderTest): Readonly<Record<string, DriverTest>> {
  return {
    "a program that is not there is an error of the driver": async ({ run, volume }) => {
      const data = await volume();
      await fails(run(["no-such-program"]), "program-missing", /no-such-program/);
      await fails(run(["./no/such"], { mounts: { d: data } }), "program-missing", /no\/such/);
      await fails(run(["no-such-program"], { mounts: { d: data } }), "program-missing", /no-such-program/);
    },
    "a user that is not there is an error of the driver": async ({ sh }) => {
      await fails(sh("id", { user: "no-such-user" }), "unknown-user", /no-such-user/);
      if (user !== undefined) {
        await fails(sh("id", { user: `${user.uid}:no-such-group` }), "unknown-user", /no-such-group/);
      }
    },
    "a folder that leaves the task's is an error": async ({ sh }) => {
      await fails(sh("pwd", { dir: "../x" }), "bad-dir", /\.\.\/x/);
    },
    ...(containers
      ? {
        "an image that is not there is an error of the driver": async ({ sh }: Bench) => {
          const error = await fails(
            sh("exit 0", { image: "localhost:1/pivot-no-such/image:1" }),
            "image-missing",
            /pivot-no-such\/image:1/,
          );
          assertDriverError(error);
        },
      }
      : {
        "an image is paid no heed": async ({ sh }: Bench) => {
          assert.equal((await sh("exit 4", { image: "no/such:image" })).code, 4);
        },
      }),
  };
}
