// URLs of remotes.

import assert from "node:assert/strict";
import { PivotError } from "../../../lib/core/mod.ts";
import { parseLocation, RemoteManager, type RemoteSettings, showLocation } from "../../../lib/remote/mod.ts";

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof PivotError);
    return error.code;
  }
  return "nothing was thrown";
};

Deno.test("every form of URL is understood", () => {
  const { scheme, bucket, prefix, region } = parseLocation("s3://bucket/a/b/?region=eu-north-1");
  assert.deepEqual({ scheme, bucket, prefix, region }, {
    scheme: "s3",
    bucket: "bucket",
    prefix: "a/b",
    region: "eu-north-1",
  });
  assert.equal(parseLocation("minio://host:9000/bucket/p?secure=true").endpoint, "https://host:9000");
  assert.equal(parseLocation("file:///some%20where/").bucket, "/some where");
  for (
    const url of ["s3://bucket/p", "gcs://bucket", "azure://container/p/q", "minio://host:9000/b/p", "file:///dir"]
  ) {
    assert.equal(showLocation(parseLocation(url)), url);
  }
});

Deno.test("a URL with a credential in it is refused, and the error does not repeat it", () => {
  for (
    const url of [
      "s3://key:hunter2@bucket/p",
      "minio://user@host/bucket",
      "s3://bucket?secret_access_key=hunter2",
      "azure://container?sig=hunter2",
      "s3://bucket?endpoint=http://a:hunter2@host",
    ]
  ) {
    assert.equal(codeOf(() => parseLocation(url)), "credentials-in-url", url);
    assert.throws(() => parseLocation(url), (error: Error) => !error.message.includes("hunter2"));
  }
});

Deno.test("what is no remote is refused", () => {
  for (
    const url of [
      "bucket",
      "ftp://host/x",
      "s3://",
      "file://host/dir",
      "minio://host",
      "s3://b?colour=red",
      "s3://b?checksums=no",
    ]
  ) {
    assert.equal(codeOf(() => parseLocation(url)), "bad-remote-url", url);
  }
});

Deno.test("remotes are added, chosen and removed by name", () => {
  const kept: Record<string, string | { readonly url: string }> = {};
  let chosen: string | undefined;
  const settings: RemoteSettings = {
    remotes: () => kept,
    setRemote(name, value) {
      if (value === undefined) delete kept[name];
      else kept[name] = value as string;
    },
    defaultRemote: () => chosen,
    setDefaultRemote: (name) => void (chosen = name),
  };
  const manager = new RemoteManager(settings);
  assert.equal(codeOf(() => manager.get()), "no-remote");
  manager.add("origin", "s3://bucket/p", { region: "eu-north-1", autoPush: true });
  manager.add("backup", "file:///backup");
  assert.equal(manager.get().name, "origin");
  assert.equal(manager.get().autoPush, true);
  assert.deepEqual(kept.origin, { url: "s3://bucket/p", region: "eu-north-1", auto_push: true });
  assert.equal(codeOf(() => manager.add("origin", "file:///x")), "remote-exists");
  assert.equal(codeOf(() => manager.add("leak", "s3://a:b@bucket")), "credentials-in-url");
  assert.equal(codeOf(() => manager.get("orign")), "no-remote");
  assert.equal(codeOf(() => manager.get("constructor")), "no-remote");
  assert.equal(manager.add("constructor", "file:///odd").name, "constructor");
  manager.remove("constructor");
  manager.setDefault("backup");
  manager.remove("backup");
  assert.deepEqual(manager.list().map(({ name }) => name), ["origin"]);
});
