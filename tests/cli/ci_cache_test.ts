// `pivot ci cache`: wrong words, nothing there, damage, and how little is read.

import assert from "node:assert/strict";
import { type CiFolder, ciFolder, oneJob, shTask } from "../support/ci.ts";

const PIPELINE = oneJob(shTask("t", "test -e c/f || echo content > c/f", ", caches: [{ path: c }]"));

function driverOf(at: CiFolder, more = ""): string {
  return `native://?cache=file://${encodeURIComponent(`${at.root}/store`)}&cache_prefix=team/project${more}`;
}

function storeOf(at: CiFolder): string {
  return `file://${at.root.replaceAll(" ", "%20")}/store`;
}

Deno.test("wrong arguments are usage errors that say what to write", async (test) => {
  using at = ciFolder({});
  const cases: readonly (readonly [args: readonly string[], why: RegExp])[] = [
    [["ls"], /`--store`/],
    [["ls", "--store"], /`--store` requires `URL`/],
    [["ls", "--store", "/tmp/x"], /cannot use the store "\/tmp\/x": .*no store URL/],
    [["ls", "--store", "azure://b"], /volumes cannot be kept in Azure\n {2}hint: known are s3/],
    [["ls", "--store", "s3s://b"], /hint: did you mean "s3:\/\/"/],
    [["ls", "--store", "s3://b?regin=x"], /"regin" is no parameter of a s3 store\n {2}hint: did you mean "region"/],
    [["ls", "--store", "s3://b?ttl=7d"], /"ttl" belongs to the driver of a run/],
    [["ls", "--store", "file:///x?y=z"], /"y" is no parameter of a file store/],
    [["ls", "--store", "s3://key:hunter2@b"], /holds a credential/],
    [["stat", "--store", "file:///x"], /`VOLUME`/],
    [["cat", "v", "--store", "file:///x"], /`PATH`/],
    [["cat", "v", "p", "--store", "file:///x", "--json"], /`--json`/],
    [["gc", "--store", "file:///x"], /`--older-than`/],
    [["gc", "--store", "file:///x", "--older-than", "soon"], /"soon" is not a duration\n {2}hint: write 90m/],
    [["rm", "v", "w", "--store", "file:///x"], /`w`/],
  ];
  for (const [args, why] of cases) {
    await test.step(args.join(" "), async () => {
      const { err, out } = await at.expect(2, "cache", ...args);
      assert.match(err, why);
      assert.doesNotMatch(err, /hunter2/);
      assert.equal(out, "");
    });
  }
});

Deno.test("without credentials, or a server, the error says which store and what to set", async () => {
  using at = ciFolder({}, {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SHARED_CREDENTIALS_FILE: "/nowhere",
    AWS_CONFIG_FILE: "/nowhere",
    AWS_ACCESS_KEY_ID: "",
    AWS_SECRET_ACCESS_KEY: "",
  });
  const none = await at.expect(13, "cache", "ls", "--store", "s3://bucket?region=us-west-2");
  assert.match(none.err, /s3:\/\/bucket: .*credentials.*\n {2}hint: /i);
  const gcs = await at.expect(13, "cache", "ls", "--store", "gcs://bucket");
  assert.match(gcs.err, /GCS_HMAC_ACCESS_ID and GCS_HMAC_SECRET are not set/);
});

Deno.test("volumes below another prefix are hinted at, by ls and by verify", async () => {
  using at = ciFolder({ "pipeline.yml": PIPELINE });
  await at.expect(0, "run", "pipeline.yml", "--driver", driverOf(at));
  for (const command of ["ls", "verify"]) {
    const { err } = await at.expect(0, "cache", command, "--store", storeOf(at), "--prefix", "team");
    assert.match(err, /no volumes in file:\/\/.* below "team"\n {2}hint: there are some with --prefix team\/project\n/);
  }
  assert.match((await at.expect(1, "cache", "stat", "cache-c", "--store", storeOf(at))).err, /check --prefix/);
  assert.match((await at.expect(0, "cache", "ls", "--store", `${storeOf(at)}-not`)).err, /^no volumes in \S+.*\n$/);
});

Deno.test("a damaged volume: verify finds it, runs go on without it, and the command that they name takes it away", async () => {
  using at = ciFolder({ "pipeline.yml": PIPELINE });
  const run = ["run", "pipeline.yml", "--driver", driverOf(at)];
  await at.expect(0, ...run);
  const path = `${at.root}/store/team/project/cache-c.tar.zst`;
  const bytes = Deno.readFileSync(path);
  const where = Math.floor(bytes.length / 2);
  bytes[where] = (bytes[where] ?? 0) ^ 0xff;
  // In place, as a disk does it.
  const { mtime } = Deno.statSync(path);
  Deno.writeFileSync(path, bytes);
  Deno.utimeSync(path, mtime ?? new Date(), mtime ?? new Date());
  const store = ["--store", storeOf(at), "--prefix", "team/project"];
  assert.match((await at.expect(12, "cache", "verify", ...store)).out, /^damaged team\/project\/cache-c\.tar\.zst: /);
  for (let again = 0; again < 2; again++) {
    const { err, out } = await at.expect(0, ...run);
    assert.match(out, /cache-c +failed +skipped: restore-failed/);
    assert.match(err, /warning: cannot restore volume from cache .*; it stays until somebody runs: pivot ci cache rm /);
  }
  const [volume] = JSON.parse((await at.expect(0, ...run, "--json")).out).volumes;
  assert.match(volume.restore.message, /damaged|corrupt|not the recorded one|broken|zstd/i);
  assert.match(volume.restore.remedy, /^pivot ci cache rm cache-c /);
  const { err } = await at.expect(0, ...run);
  const command = /runs: pivot (ci cache rm .*)$/m.exec(err)?.[1] ?? "";
  const shell = new Deno.Command("sh", { args: ["-c", `for word in ${command}; do printf '%s\\n' "$word"; done`] });
  const words = new TextDecoder().decode((await shell.output()).stdout).trim().split("\n");
  assert.deepEqual(words.slice(0, 3), ["ci", "cache", "rm"]);
  await at.expect(0, ...words.slice(1));
  assert.match((await at.expect(0, ...run)).out, /cache-c +miss +persisted/);
  assert.match((await at.expect(0, ...run)).out, /cache-c +hit +unchanged/);
});
