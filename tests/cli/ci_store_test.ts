// `pivot ci run` whose storing is stopped half-way, against a real S3 server: what is stored is the old volume, whole, and the
// next run finds it.

import assert from "node:assert/strict";
import { GetObjectCommand, ListMultipartUploadsCommand, S3Client } from "@aws-sdk/client-s3";
import { type CiFolder, ciFolder, oneJob, shTask, volumesOf } from "../support/ci.ts";
import { type Fault, type ProxiedRequest, startProxy } from "../support/fault_proxy.ts";
import { type S3Server, startS3 } from "../support/s3.ts";

/** More than goes to S3 in one request. */
const BIG = 20 * 1024 * 1024;

const PIPELINE = oneJob(
  shTask("t", 'cat c/word || true; cp "$ROOT/word" c/word; cp "$ROOT/big" c/big', ", caches: [{ path: c }]"),
);

/** Cuts off whatever brings an object, and tells when. */
function stallUploads(): { readonly fault: (request: ProxiedRequest) => Fault; readonly began: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    began: promise,
    fault({ method }) {
      if (method !== "PUT") return { type: "pass" };
      resolve();
      return { type: "stall" };
    },
  };
}

class Story implements AsyncDisposable {
  readonly server: S3Server;
  readonly at: CiFolder;
  readonly prefix = crypto.randomUUID().slice(0, 8);
  readonly client: S3Client;

  constructor(server: S3Server) {
    this.server = server;
    this.at = ciFolder({ "pipeline.yml": PIPELINE }, server.env);
    this.client = new S3Client({ endpoint: server.endpoint, region: "us-east-1", forcePathStyle: true });
  }

  /** What the next run puts into its volume: not to be compressed. */
  content(word: string, size: number): void {
    this.at.write("word", `${word}\n`);
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536));
    Deno.writeFileSync(`${this.at.root}/big`, bytes);
  }

  args(endpoint = this.server.endpoint): string[] {
    const store = `s3://${this.server.bucket}?endpoint=${endpoint}&region=us-east-1&cache_prefix=${this.prefix}`;
    return ["run", "pipeline.yml", "--driver", `native://?cache=${store}`, "--json"];
  }

  async stored(): Promise<Uint8Array> {
    const key = `${this.prefix}/cache-c.tar.zst`;
    const { Body } = await this.client.send(new GetObjectCommand({ Bucket: this.server.bucket, Key: key }));
    return await Body?.transformToByteArray() ?? new Uint8Array();
  }

  /** Uploads that nobody ended. */
  async parts(): Promise<number> {
    const { Uploads } = await this.client.send(new ListMultipartUploadsCommand({ Bucket: this.server.bucket }));
    return Uploads?.length ?? 0;
  }

  /** Files of this run's scratch folder that are as large as data. */
  leftovers(folder = `${this.at.root}/scratch`): string[] {
    return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) => {
      const path = `${folder}/${name}`;
      if (isDirectory) return this.leftovers(path);
      return Deno.lstatSync(path).size > 4096 ? [path] : [];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.destroy();
    this.at[Symbol.dispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

for (const [what, size] of [["one request", 1024], ["parts", BIG]] as const) {
  for (const signal of ["SIGINT", "SIGKILL"] as const) {
    Deno.test(`${signal} while a volume is sent in ${what}: the old one stays, whole`, async () => {
      await using story = new Story(await startS3());
      story.content("old", size);
      await story.at.expect(0, ...story.args());
      const before = await story.stored();
      story.content("new", size);
      const { fault, began } = stallUploads();
      await using proxy = startProxy(story.server.endpoint, fault);
      const child = story.at.start(story.args(proxy.endpoint));
      const ended = child.output();
      await Promise.race([began, ended.then(({ stderr }) => assert.fail(new TextDecoder().decode(stderr)))]);
      child.kill(signal);
      const { code, stdout } = await ended;
      if (signal === "SIGINT") {
        assert.equal(code, 130);
        assert.equal(JSON.parse(new TextDecoder().decode(stdout)).outcome, "aborted");
        assert.deepEqual(story.leftovers(), []);
        if (!story.server.weak) assert.equal(await story.parts(), 0);
      }
      assert.deepEqual(await story.stored(), before);
      const next = await story.at.expect(0, ...story.args());
      assert.deepEqual(volumesOf(next.out)["cache-c"], { status: "persisted", restore: "hit" });
      assert.deepEqual(story.leftovers(), [], "a later run takes away what a killed one left");
    });
  }
}

Deno.test("an upload that breaks is tried again; one that stays broken is a warning, and the old volume stays", async () => {
  await using story = new Story(await startS3());
  story.content("old", 1024);
  await story.at.expect(0, ...story.args());
  const before = await story.stored();
  story.content("new", 1024);
  {
    await using refusing = startProxy(
      story.server.endpoint,
      ({ method }) => method === "PUT" ? { type: "status", status: 403, code: "AccessDenied" } : { type: "pass" },
    );
    const { out } = await story.at.expect(0, ...story.args(refusing.endpoint));
    assert.equal(volumesOf(out)["cache-c"]?.status, "failed");
    assert.deepEqual(await story.stored(), before);
  }
  let broken = 0;
  await using shaky = startProxy(
    story.server.endpoint,
    ({ method }) => method === "PUT" && broken++ === 0 ? { type: "cut-upload", afterBytes: 100 } : { type: "pass" },
  );
  const { out } = await story.at.expect(0, ...story.args(shaky.endpoint));
  assert.equal(volumesOf(out)["cache-c"]?.status, "persisted");
  assert.ok(broken >= 2);
});
