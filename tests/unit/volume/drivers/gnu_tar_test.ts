// Tars that pass through for small tar programs: long names as GNU writes them, times of folders and links.

import assert from "node:assert/strict";
import { asGnuTar, tarOfHeaders, withoutLinkTimes } from "../../../../lib/volume/drivers/k8s/gnu_tar.ts";
import { sh, tempFolder } from "../helpers.ts";

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return await new Response(ReadableStream.from(source)).bytes();
}

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.slice(at, at + size));
}

const LONG = `${"deep/".repeat(30)}${"n".repeat(180)} \u{1f600}`;

Deno.test("names beyond 100 bytes and long targets pass as GNU members, whatever the chunks", async () => {
  using temp = tempFolder();
  sh(
    `mkdir -p "in/$(dirname '${LONG}')" && echo x > "in/${LONG}" && ln -s "${
      "t".repeat(150)
    }" in/link && ln "in/${LONG}" in/hard`,
    temp.path,
  );
  sh("tar --format=pax -cf pax.tar -C in .", temp.path);
  const pax = Deno.readFileSync(`${temp.path}/pax.tar`);
  for (const size of [1, 511, 512, 70_000]) {
    if (size === 1 && pax.length > 60_000) continue;
    const gnu = await bytesOf(asGnuTar(cut(pax, size), () => {}));
    Deno.writeFileSync(`${temp.path}/gnu.tar`, gnu);
    sh("rm -rf out && mkdir out && tar -xpf gnu.tar -C out && diff -r --no-dereference in out", temp.path);
    assert.ok(!new TextDecoder("latin1").decode(gnu).includes("PaxHeader"));
  }
});

Deno.test("folders are handed over, and a tar of them sets their times", async () => {
  using temp = tempFolder();
  sh("mkdir -p in/a/b && touch -d 2020-02-02T02:02:02Z in/a/b in/a && tar --format=pax -cf pax.tar -C in .", temp.path);
  const folders: Uint8Array[] = [];
  await bytesOf(
    asGnuTar(cut(Deno.readFileSync(`${temp.path}/pax.tar`), 512), (headers) => void folders.push(...headers)),
  );
  Deno.writeFileSync(
    `${temp.path}/folders.tar`,
    await new Response(ReadableStream.from(tarOfHeaders(folders))).bytes(),
  );
  sh("mkdir -p out && tar -xpf folders.tar -C out", temp.path);
  assert.equal(Deno.statSync(`${temp.path}/out/a/b`).mtime?.toISOString(), "2020-02-02T02:02:02.000Z");
});

Deno.test("times of links become 0, everything else stays as it is", async () => {
  using temp = tempFolder();
  sh("mkdir in && echo x > in/f && ln -s f in/l && tar --format=gnu -cf gnu.tar -C in .", temp.path);
  Deno.writeFileSync(
    `${temp.path}/out.tar`,
    await bytesOf(withoutLinkTimes(cut(Deno.readFileSync(`${temp.path}/gnu.tar`), 700))),
  );
  const list = (file: string) => {
    const { stdout } = new Deno.Command("tar", { args: ["--utc", "--full-time", "-tvf", file], cwd: temp.path })
      .outputSync();
    return new TextDecoder().decode(stdout).trim().split("\n").sort();
  };
  const [before, after] = [list("gnu.tar"), list("out.tar")];
  assert.deepEqual(after.filter((line) => !line.startsWith("l")), before.filter((line) => !line.startsWith("l")));
  assert.match(after.find((line) => line.startsWith("l")) ?? "", /1970-01-01 00:00:00 \.\/l -> f/);
});

Deno.test("a tar that is cut off is an error", async () => {
  using temp = tempFolder();
  sh("mkdir in && echo content > in/f && tar -cf whole.tar -C in .", temp.path);
  const whole = Deno.readFileSync(`${temp.path}/whole.tar`);
  for (const length of [0, 100, 512, 1100]) {
    await assert.rejects(bytesOf(asGnuTar(cut(whole.slice(0, length), 512), () => {})), { code: "volume-failed" });
    await assert.rejects(bytesOf(withoutLinkTimes(cut(whole.slice(0, length), 512))), { code: "volume-failed" });
  }
});
