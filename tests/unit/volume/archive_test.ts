import assert from "node:assert/strict";
import { type Compression, listTree, readArchive, readAsTar, writeArchive } from "../../../lib/volume/archive/mod.ts";
import {
  archivePool,
  assertSameBytes,
  collect,
  describeTree,
  exists,
  hasProgram,
  makeSampleTree,
  sh,
  streamOf,
  tempFolder,
} from "./helpers.ts";

const COMPRESSIONS: readonly Compression[] = ["zstd", "gzip", "none"];
const SUFFIX = { zstd: ".tar.zst", gzip: ".tar.gz", none: ".tar" } as const;

async function archive(root: string, compression: Compression): Promise<Uint8Array<ArrayBuffer>> {
  await using pool = archivePool();
  return await collect(writeArchive({ root, listing: listTree(root), compression, pool }));
}

async function extract(bytes: Uint8Array, target: string): Promise<void> {
  await using pool = archivePool();
  await readArchive(streamOf(bytes), { target, pool });
}

for (const compression of COMPRESSIONS) {
  Deno.test(`${compression}: a tree comes back exactly, and the same tree gives the same bytes`, async () => {
    using temp = tempFolder();
    makeSampleTree(`${temp.path}/in`);
    const bytes = await archive(`${temp.path}/in`, compression);
    await extract(bytes, `${temp.path}/out`);
    assert.deepEqual(describeTree(`${temp.path}/out`), describeTree(`${temp.path}/in`));
    assertSameBytes(await archive(`${temp.path}/out`, compression), bytes);
  });

  Deno.test(`${compression}: an empty folder makes an archive that extracts to an empty folder`, async () => {
    using temp = tempFolder();
    Deno.mkdirSync(`${temp.path}/in`);
    await extract(await archive(`${temp.path}/in`, compression), `${temp.path}/out`);
    assert.deepEqual(describeTree(`${temp.path}/out`), []);
  });

  Deno.test(`${compression}: an archive cut off anywhere is refused and leaves nothing`, async () => {
    using temp = tempFolder();
    Deno.mkdirSync(`${temp.path}/in/sub`, { recursive: true });
    Deno.writeTextFileSync(`${temp.path}/in/sub/file`, "content ".repeat(1000));
    const bytes = await archive(`${temp.path}/in`, compression);
    await using pool = archivePool();
    const whole = compression === "zstd"
      ? labelledLength(bytes)
      : compression === "none"
      ? bytes.length - 512
      : bytes.length;
    for (let length = 0; length < whole; length += Math.max(1, Math.floor(whole / 60))) {
      const target = `${temp.path}/out`;
      await assert.rejects(
        readArchive(streamOf(bytes.subarray(0, length)), { target, pool }),
        { code: "corrupt-archive" },
        `cut at ${length} of ${bytes.length}`,
      );
      assert.equal(exists(target), false);
    }
  });

  for (const program of ["tar", "bsdtar"]) {
    Deno.test({
      name: `${compression}: ${program} extracts what we write`,
      ignore: !hasProgram(program), // needs the program
      async fn() {
        using temp = tempFolder();
        makeSampleTree(`${temp.path}/in`);
        const file = `${temp.path}/a${SUFFIX[compression]}`;
        Deno.writeFileSync(file, await archive(`${temp.path}/in`, compression));
        Deno.mkdirSync(`${temp.path}/out`);
        sh(`${program} -xpf ${file} -C ${temp.path}/out`, temp.path);
        assert.deepEqual(describeTree(`${temp.path}/out`), describeTree(`${temp.path}/in`));
      },
    });
  }
}

/** Length up to the last label; it and the index add nothing that a restore of a whole frame needs. */
function labelledLength(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return bytes.length - 20 - 8 - 16 - view.getUint32(bytes.length - 16, true);
}

const FOREIGN: readonly (readonly [program: string, command: string])[] = [
  ["tar", "tar --format=gnu -cf $OUT -C in ."],
  ["tar", "tar --format=pax -cf $OUT -C in ."],
  ["tar", "tar --format=pax -czf $OUT -C in ."],
  ["zstd", "tar --format=pax -cf - -C in . | zstd -q -T0 -o $OUT"],
  ["pzstd", "tar --format=gnu -cf - -C in . | pzstd -q -o $OUT"],
  ["zstd", "tar --format=pax -cf - -C in . | zstd -q -19 --long=24 --no-check -o $OUT"],
  ["bsdtar", "bsdtar -cf $OUT -C in ."],
  ["bsdtar", "bsdtar --format=pax --zstd -cf $OUT -C in ."],
  ["bsdtar", "bsdtar --format=gnutar -czf $OUT -C in ."],
];

for (const [program, command] of FOREIGN) {
  Deno.test({
    name: `we extract what this writes: ${command}`,
    ignore: !hasProgram(program), // needs the program
    async fn() {
      using temp = tempFolder();
      makeSampleTree(`${temp.path}/in`);
      sh(command.replace("$OUT", "archive"), temp.path);
      await extract(Deno.readFileSync(`${temp.path}/archive`), `${temp.path}/out`);
      const wholeSeconds = command.includes("gnu") || command === "bsdtar -cf $OUT -C in .";
      const comparable = (root: string) =>
        describeTree(root).map((line) => wholeSeconds ? line.replace(/ (-?\d+)\d{3}(?= \d|$)/, " $1") : line);
      // bsdtar's GNU format has no times before 1970.
      const kept = (line: string) => !(command.includes("gnutar") && line.startsWith("empty "));
      assert.deepEqual(comparable(`${temp.path}/out`).filter(kept), comparable(`${temp.path}/in`).filter(kept));
    },
  });
}

Deno.test({
  name: "a sparse file of GNU tar is refused by name, in both of its forms",
  ignore: !hasProgram("tar"), // needs the program
  async fn() {
    using temp = tempFolder();
    sh("mkdir in; truncate -s 1M in/sparse; echo x >> in/sparse", temp.path);
    for (const format of ["gnu", "pax"]) {
      sh(`tar --format=${format} -Scf archive -C in .`, temp.path);
      const bytes = Deno.readFileSync(`${temp.path}/archive`);
      await assert.rejects(extract(bytes, `${temp.path}/out`), { code: "unsafe-archive", message: /sparse/ });
    }
  },
});

for (const compression of COMPRESSIONS) {
  Deno.test(`${compression}: readAsTar() gives a clean tar with the same content`, async () => {
    using temp = tempFolder();
    makeSampleTree(`${temp.path}/in`);
    const bytes = await archive(`${temp.path}/in`, compression);
    await using pool = archivePool();
    const tar = await collect(readAsTar(streamOf(bytes), { pool }));
    assertSameBytes(tar, await archive(`${temp.path}/in`, "none"));
  });
}

Deno.test("nanoseconds pass through from a foreign archive to a clean tar", async () => {
  using temp = tempFolder();
  sh("mkdir in; touch -d '2020-01-02 03:04:05.123456789' in/file; tar --format=pax -cf archive -C in file", temp.path);
  await using pool = archivePool();
  const tar = await collect(readAsTar(streamOf(Deno.readFileSync(`${temp.path}/archive`)), { pool }));
  assert.match(new TextDecoder().decode(tar), /mtime=1577934245\.123456789\n/);
});

Deno.test("a file that changes while it is read fails the archive", async () => {
  using temp = tempFolder();
  Deno.writeTextFileSync(`${temp.path}/file`, "before");
  const listing = listTree(temp.path);
  Deno.writeTextFileSync(`${temp.path}/file`, "longer than before");
  await using pool = archivePool();
  await assert.rejects(collect(writeArchive({ root: temp.path, listing, compression: "none", pool })), {
    code: "source-changed",
  });
});

Deno.test("a socket or pipe in the tree is an error that names it", () => {
  using temp = tempFolder();
  sh("mkfifo pipe", temp.path);
  assert.throws(() => listTree(temp.path), { code: "cannot-archive", message: /"pipe"/ });
});

Deno.test("a name that is not UTF-8 is an error, not left out", () => {
  using temp = tempFolder();
  sh(`touch "$(printf 'caf\\351')"`, temp.path);
  assert.throws(() => listTree(temp.path), { code: "cannot-archive", message: /UTF-8/ });
});

Deno.test("extraction stops with the signal's reason and leaves nothing", async () => {
  using temp = tempFolder();
  makeSampleTree(`${temp.path}/in`);
  const bytes = await archive(`${temp.path}/in`, "zstd");
  await using pool = archivePool();
  const controller = new AbortController();
  const reason = new Error("stop");
  const stream = streamOf(bytes);
  const work = readArchive(stream, {
    target: `${temp.path}/out`,
    pool,
    signal: controller.signal,
    onBytes: () => controller.abort(reason),
  });
  await assert.rejects(work, reason);
  assert.equal(exists(`${temp.path}/out`), false);
});
