// Volumes of pipelines on real drivers: shared, nested, and left alone when a task was stopped.

import assert from "node:assert/strict";
import { type CiFolder, ciFolder, oneJob, shTask, volumesOf } from "../support/ci.ts";
import { dockerEngine, listLabelled, TEST_IMAGE } from "../support/docker.ts";
import { testWith } from "../support/require.ts";

const DRIVERS = [
  { name: "native", requirement: { name: "native", missing: undefined } },
  { name: "docker", requirement: dockerEngine() },
] as const;

/** A task in the test's image that keeps these paths. */
function task(name: string, script: string, caches: readonly string[], more = ""): string {
  const kept = `, image: "${TEST_IMAGE}", caches: [${caches.map((path) => `{ path: ${path} }`).join(", ")}]${more}`;
  return shTask(name, script, kept);
}

class Story implements Disposable {
  readonly at: CiFolder;
  readonly #driver: "native" | "docker";

  constructor(driver: "native" | "docker", pipeline: string) {
    this.#driver = driver;
    this.at = ciFolder({ "pipeline.yml": pipeline });
  }

  get namespace(): string {
    return `volumes-${this.at.root.slice(-8)}`;
  }

  args(...more: string[]): string[] {
    const driver = this.#driver === "docker" ? `docker://${this.namespace}` : "native://";
    const store = `file://${encodeURIComponent(`${this.at.root}/store`)}`;
    return ["run", "pipeline.yml", "--driver", `${driver}?cache=${store}`, "--jsonl", ...more];
  }

  stored(volume: string): Uint8Array {
    return Deno.readFileSync(`${this.at.root}/store/${volume}.tar.zst`);
  }

  /** What is left of runs on this machine and in the engine. */
  async left(): Promise<readonly string[]> {
    const here = [...Deno.readDirSync(`${this.at.root}/scratch`)].flatMap(({ name }) =>
      [...Deno.readDirSync(`${this.at.root}/scratch/${name}`)].flatMap((room) =>
        room.isDirectory ? [...Deno.readDirSync(`${this.at.root}/scratch/${name}/${room.name}`)] : []
      )
    );
    const folders = here.filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
    return this.#driver === "docker" ? [...folders, ...await listLabelled(this.namespace)] : folders;
  }

  [Symbol.dispose](): void {
    this.at[Symbol.dispose]();
  }
}

interface Event {
  readonly type: string;
  readonly text?: string;
}

function eventsOf(out: string): readonly Event[] {
  return out.trim().split("\n").map((line) => JSON.parse(line));
}

/** What tasks printed; it comes in pieces as the machine likes. */
function printed(out: string): string {
  return eventsOf(out).map(({ text = "" }) => text).join("");
}

for (const { name, requirement } of DRIVERS) {
  testWith(
    requirement,
    `${name}: tasks side by side and two jobs share one cache, restored and stored once`,
    async () => {
      const side = ["a", "b", "c"].map((word) => task(word, `echo ${word} >> c/${word}`, ["c"])).join(", ");
      using story = new Story(
        name,
        `${oneJob(`{ in_parallel: [${side}] }`)}- name: two\n  plan:\n  - ${
          task("read", "cat c/a c/b c/c", ["./c/"])
        }\n`,
      );
      await story.at.expect(0, ...story.args());
      const { out } = await story.at.expect(0, ...story.args());
      const events = eventsOf(out);
      for (const type of ["volume-restoring", "volume-restored", "volume-persisting", "volume-persisted"]) {
        assert.equal(events.filter((event) => event.type === type).length, 1, type);
      }
      assert.equal(printed(out), "a\na\nb\nb\nc\nc\n");
      assert.deepEqual(await story.left(), []);
    },
  );

  testWith(
    requirement,
    `${name}: caches inside an output and inside another cache are kept apart, and stay unchanged`,
    async () => {
      const script = "test -e repo/.git/HEAD || echo g > repo/.git/HEAD; echo o > repo/file; " +
        "test -e .cache/mod || echo m > .cache/mod; test -e .cache/go-build/obj || echo b > .cache/go-build/obj; " +
        "cat repo/.git/HEAD .cache/mod .cache/go-build/obj";
      using story = new Story(
        name,
        oneJob(task("t", script, ["repo/.git", ".cache", ".cache/go-build"], ", outputs: [{ name: repo }]")),
      );
      await story.at.expect(0, ...story.args());
      const second = await story.at.expect(0, ...story.args());
      assert.equal(printed(second.out), "g\nm\nb\n");
      const unchanged = { status: "unchanged", restore: "hit" };
      assert.deepEqual(volumesOf(second.out), {
        "cache-repo/.git": unchanged,
        "cache-.cache": unchanged,
        "cache-.cache/go-build": unchanged,
      });
      const store = `file://${story.at.root.replaceAll(" ", "%20")}/store`;
      const { out } = await story.at.expect(0, "cache", "stat", "cache-.cache", "--store", store, "--json");
      const paths = JSON.parse(out).members.map(({ path }: { path: string }) => path);
      assert.ok(paths.includes("mod") && !paths.includes("go-build/obj"), paths.join());
    },
  );

  for (const [how, code] of [["a timeout", 1], ["a cancel", 130], ["its own failure", 1]] as const) {
    testWith(
      requirement,
      `${name}: a task that ${how} ends leaves its stored volume as it was, and nothing behind`,
      async () => {
        const script = "if test -e c/f; then echo changed > c/f; echo ready; case $HOW in fail) exit 9;; esac; " +
          "trap '' TERM; sleep 100 & sleep 100; fi; echo first > c/f";
        const env = how === "its own failure" ? ", params: { HOW: fail }" : "";
        const step = task("t", script, ["c"], env).replace(/ }$/, how === "a timeout" ? ", timeout: 4s }" : " }");
        using story = new Story(name, oneJob(step));
        await story.at.expect(0, ...story.args());
        const before = story.stored("cache-c");
        const child = story.at.start(story.args());
        const errors = new Response(child.stderr).text();
        let out = "";
        for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
          if (how === "a cancel" && !out.includes("ready") && `${out}${text}`.includes("ready")) child.kill("SIGINT");
          out += text;
        }
        assert.equal((await child.status).code, code, `${out}\n${await errors}`);
        await errors;
        assert.match(out, /ready/);
        assert.equal(volumesOf(out)["cache-c"]?.status, "skipped");
        assert.deepEqual(story.stored("cache-c"), before);
        assert.deepEqual(await story.left(), []);
      },
    );
  }
}
