// Archives that try to write outside the volume, or lie. Each must be an error, and leave nothing behind or beside.

import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { PivotError } from "../../lib/core/mod.ts";
import { type ArchiveLimits, readArchive } from "../../lib/volume/archive/mod.ts";
import { readAsTar } from "../../lib/volume/archive/mod.ts";
import { archivePool, collect, describeTree, exists, streamOf, tempFolder } from "../unit/volume/helpers.ts";
import { END, join, label, member, pax, record, skippable, tar } from "./forge.ts";

type Code = "unsafe-archive" | "corrupt-archive" | "archive-too-large";

interface Hostile {
  readonly bytes: Uint8Array;
  readonly code: Code;
  readonly message?: RegExp;
  readonly limits?: Partial<ArchiveLimits>;
  readonly foldCase?: boolean;
  /** Only files written by workers are in danger: the tar stream for drivers neither uses labels nor knows the far side's file system. */
  readonly folderOnly?: boolean;
}

const file = (name: string | Uint8Array, content = "evil") => member({ name, content });
const folder = (name: string) => member({ name, type: "5", mode: "0000755\0" });
const symlink = (name: string, link: string) => member({ name, type: "2", link });
const hardlink = (name: string, link: string) => member({ name, type: "1", link });
const unsafe = (bytes: Uint8Array, message?: RegExp): Hostile => ({
  bytes,
  code: "unsafe-archive",
  ...(message === undefined ? {} : { message }),
});
const corrupt = (bytes: Uint8Array, message?: RegExp): Hostile => ({
  bytes,
  code: "corrupt-archive",
  ...(message === undefined ? {} : { message }),
});

const honest = tar(file("a", "honest"));
const zstd = (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes));
const labelled = (raw: Uint8Array, said = raw.length, continues = false) =>
  join([zstd(raw), skippable(label(said, continues))]);
const bigFile = member({ name: "big", content: new Uint8Array(4096) });
const flip = (bytes: Uint8Array, at: number) => bytes.map((byte, index) => index === at ? byte ^ 0xff : byte);

const HOSTILE: Readonly<Record<string, Hostile>> = {
  "a name with .. first": unsafe(tar(file("../evil")), /"\.\."/),
  "a name with .. inside": unsafe(tar(file("a/../../evil")), /"\.\."/),
  "a name that is ..": unsafe(tar(file(".."))),
  "a folder named ..": unsafe(tar(folder("../"))),
  "a name behind ./..": unsafe(tar(file("./../evil"))),
  "an absolute name": unsafe(tar(file("/tmp/pivot-evil")), /absolute/),
  "an absolute name with two slashes": unsafe(tar(file("//tmp/pivot-evil")), /absolute/),
  "an absolute name behind ./": unsafe(tar(file(".//tmp/pivot-evil"))),
  "a sibling that shares the folder's prefix": unsafe(tar(file("../out-evil/file")), /"\.\."/),
  ".. through the ustar prefix": unsafe(tar(member({ name: "evil", prefix: "..", content: "x" }))),
  "an absolute ustar prefix": unsafe(tar(member({ name: "evil", prefix: "/tmp", content: "x" }))),
  ".. through a PAX path": unsafe(tar(pax({ path: "../evil" }), file("good"))),
  "an absolute PAX path": unsafe(tar(pax({ path: "/tmp/pivot-evil" }), file("good"))),
  ".. through a GNU long name": unsafe(
    tar(member({ name: "././@LongLink", type: "L", content: "../evil\0" }), file("good")),
  ),
  "a NUL in a PAX path": unsafe(tar(pax({ path: "good\0/../../evil" }), file("good")), /NUL/),
  "an empty name": unsafe(tar(file("")), /no name/),
  "an empty segment": unsafe(tar(file("a//b")), /empty segment/),
  "a dot inside": unsafe(tar(file("a/./b")), /"\."/),
  "a segment too long": unsafe(tar(pax({ path: "x".repeat(256) }), file("good")), /255/),
  "a path too long": unsafe(tar(pax({ path: "x/".repeat(2100) + "y" }), file("good")), /too long/),
  "a global PAX path for all": unsafe(tar(pax({ path: "evil" }, "g"), file("good")), /one path/),
  "a global PAX size for all": unsafe(tar(pax({ size: "0" }, "g"), file("good")), /one size/),
  "a link and then a file through it": unsafe(tar(symlink("d", "/tmp"), file("d/pivot-evil")), /below/),
  "a relative link up and then a file through it": unsafe(tar(symlink("d", "../.."), file("d/pivot-evil")), /below/),
  "a file through a link that comes later": unsafe(tar(file("d/evil"), symlink("d", "/tmp"))),
  "a link through a link": unsafe(tar(symlink("d", "/tmp"), symlink("d/evil", "x")), /below/),
  "a hard link through a link": unsafe(tar(symlink("d", "/etc"), hardlink("h", "d/passwd"))),
  "a folder and then a link in its place": unsafe(tar(folder("d/"), symlink("d", "/tmp"))),
  "a link and then a file in its place": unsafe(tar(symlink("f", "/tmp/pivot-evil"), file("f"))),
  "a link and then a folder in its place": unsafe(tar(symlink("d", "/tmp"), folder("d/"))),
  "a hard link to the outside": unsafe(tar(hardlink("h", "../../etc/passwd"))),
  "a hard link to an absolute name": unsafe(tar(hardlink("h", "/etc/passwd")), /absolute/),
  "a hard link to nothing": unsafe(tar(hardlink("h", "missing")), /no earlier file/),
  "a hard link to a later file": unsafe(tar(hardlink("h", "f"), file("f")), /no earlier file/),
  "a hard link to itself": unsafe(tar(hardlink("h", "h")), /no earlier file/),
  "a hard link to a folder": unsafe(tar(folder("d/"), hardlink("h", "d")), /no earlier file/),
  "a hard link with content": unsafe(
    tar(file("f"), member({ name: "h", type: "1", link: "f", content: "overwrite" })),
    /content/,
  ),
  "a symbolic link with content": unsafe(tar(member({ name: "s", type: "2", link: "f", content: "x" })), /content/),
  "a symbolic link to nothing": unsafe(tar(symlink("s", "")), /no target/),
  "a symbolic link with a NUL": unsafe(tar(pax({ linkpath: "a\0b" }), symlink("s", "x")), /NUL/),
  "a character device": unsafe(tar(member({ name: "null", type: "3" })), /device/),
  "a block device": unsafe(tar(member({ name: "sda", type: "4" })), /device/),
  "a named pipe": unsafe(tar(member({ name: "pipe", type: "6" })), /pipe/),
  "an unknown type": unsafe(tar(member({ name: "x", type: "Z" })), /unknown type/),
  "a sparse file of GNU tar": unsafe(tar(member({ name: "x", type: "S" })), /sparse/),
  "a sparse file in PAX": unsafe(tar(pax({ "GNU.sparse.major": "1" }), file("x")), /sparse/),
  "the volume itself as a link": unsafe(tar(symlink("./", "/tmp"))),
  "the volume itself as a file": unsafe(tar(member({ name: ".", type: "0" }))),
  "a folder with content": unsafe(tar(member({ name: "d/", type: "5", content: "x" })), /content/),
  "a file named as a folder": unsafe(tar(file("d/")), /folder/),
  "one file twice": unsafe(tar(file("f"), file("f")), /twice/),
  "one folder twice": unsafe(tar(folder("d/"), folder("d/")), /twice/),
  "one name twice, once behind ./": unsafe(tar(file("f"), file("./f")), /twice/),
  "a file and a folder of one name": unsafe(tar(file("f"), folder("f/"))),
  "a file below a file": unsafe(tar(file("f"), file("f/g")), /below/),
  "a huge extended header": unsafe(tar(member({ name: "p", type: "x", size: 2 ** 30 })), /too large/),
  "a huge long name": unsafe(tar(member({ name: "L", type: "L", size: 2 ** 32 })), /too large/),
  "names that differ only in case, where they clash": {
    ...unsafe(tar(file("Makefile"), file("makefile")), /only in case/),
    foldCase: true,
    folderOnly: true,
  },
  "names that differ only in how an accent is written, where they clash": {
    ...unsafe(tar(file("\u00e9"), file("e\u0301")), /only in case/),
    foldCase: true,
    folderOnly: true,
  },
  "a link and a file through it that differs in case, where they clash": {
    ...unsafe(tar(symlink("D", "/tmp"), file("d/pivot-evil"))),
    foldCase: true,
    folderOnly: true,
  },

  "nothing at all": corrupt(new Uint8Array(0), /empty/),
  "no end marker": corrupt(file("f"), /end marker/),
  "half an end marker": corrupt(join([file("f"), END.subarray(512)]), /end marker/),
  "content cut off": corrupt(member({ name: "f", content: "x", size: 5000 }), /middle/),
  "a header cut off": corrupt(file("f").subarray(0, 300), /middle/),
  "something behind the end marker": corrupt(join([tar(file("f")), file("g"), END]), /behind its end/),
  "a member between the two empty blocks": corrupt(join([file("f"), END.subarray(512), file("g"), END])),
  "a wrong checksum": corrupt(tar(member({ name: "f", checksum: "000001\0 " })), /checksum/),
  "a checksum that is no number": corrupt(tar(member({ name: "f", checksum: "zzzzzz\0 " })), /checksum/),
  "a size that is no number": corrupt(tar(member({ name: "f", size: "12x45678901\0" })), /size/),
  "a negative size": corrupt(tar(member({ name: "f", size: "-0000000001\0" })), /size/),
  "a size that swallows the next member and the end": corrupt(
    tar(member({ name: "f", content: "x", size: 2048 }), file("g")),
  ),
  "a PAX size that lies": corrupt(tar(pax({ size: "1000000" }), file("f")), /middle/),
  "a PAX size that is negative": corrupt(tar(pax({ size: "-1" }), file("f")), /size/),
  "a PAX size beyond all numbers": corrupt(tar(pax({ size: "99999999999999999999" }), file("f")), /size/),
  "a PAX mtime that is no number": corrupt(tar(pax({ mtime: "yesterday" }), file("f")), /mtime/),
  "a PAX record that is longer than its header": corrupt(
    tar(member({ name: "p", type: "x", content: "999 path=x\n" }), file("f")),
    /lies about its length/,
  ),
  "a PAX record of length 0": corrupt(
    tar(member({ name: "p", type: "x", content: "0 path=x\n" }), file("f")),
    /no length/,
  ),
  "a PAX record without a key": corrupt(tar(member({ name: "p", type: "x", content: "7 path\n" }), file("f"))),
  "a PAX record without its line feed": corrupt(
    tar(member({ name: "p", type: "x", content: record("path", "x").replace("\n", "!") }), file("f")),
    /line feed/,
  ),
  "an extended header without a member": corrupt(tar(pax({ path: "x" })), /no member/),
  "two extended headers for one member": corrupt(
    tar(pax({ path: "x" }), pax({ path: "y" }), file("f")),
    /two extended/,
  ),
  "two long names for one member": corrupt(
    tar(member({ name: "L", type: "L", content: "x\0" }), member({ name: "L", type: "L", content: "y\0" }), file("f")),
    /two long names/,
  ),
  "a name that is not UTF-8": corrupt(tar(file(new Uint8Array([0x63, 0xe9, 0x2f, 0x78]))), /UTF-8/),
  "noise": corrupt(new Uint8Array(4096).fill(0x41), /checksum/),

  "a zstd frame with a flipped bit": corrupt(flip(labelled(honest), 30)),
  "a zstd stream with noise behind the frame": corrupt(join([labelled(honest), new Uint8Array([1, 2, 3, 4])]), /frame/),
  "a zstd frame that is cut off": corrupt(zstd(honest).subarray(0, 40), /cut off/),
  "a zstd frame with a reserved block type": corrupt(
    new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x07, 0, 0]),
    /block/,
  ),
  "a zstd frame with a reserved bit": corrupt(
    new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0x08, 0x58, 0x01, 0, 0]),
    /reserved/,
  ),
  "a label that says less than the frame holds": corrupt(labelled(honest, honest.length - 512)),
  "a label that says more than the frame holds": corrupt(labelled(honest, honest.length + 512), /lies/),
  "a label that says far too much": corrupt(labelled(honest, 0xffffffff), /lies/),
  "a label that says nothing": corrupt(labelled(honest, 0), /lies/),
  "a label of an unknown version": corrupt(join([zstd(honest), skippable(label(honest.length, false, 9))]), /version/),
  "a first frame that goes on in a file": { ...corrupt(labelled(honest, honest.length, true)), folderOnly: true },
  "a frame that goes on in a file when none is open": {
    ...corrupt(
      join([labelled(file("f")), labelled(new Uint8Array(512), 512, true), labelled(END)]),
    ),
    folderOnly: true,
  },
  "a frame that starts a member while a file is open": corrupt(
    join([labelled(bigFile.subarray(0, 1024)), labelled(tar(file("f")))]),
  ),
  "a frame that goes on behind the end of its file": {
    ...corrupt(
      join([labelled(bigFile.subarray(0, 1024)), labelled(new Uint8Array(8192), 8192, true), labelled(END)]),
    ),
    folderOnly: true,
  },
  "a frame without a label behind one with a label": corrupt(join([labelled(file("f")), zstd(END)]), /no label/),
  "frames behind the end marker": corrupt(join([labelled(honest), labelled(tar(file("b")))])),
  "labelled frames without an end marker": corrupt(labelled(file("f")), /end marker/),
  "a header split over two frames": {
    ...corrupt(join([labelled(honest.subarray(0, 256)), labelled(honest.subarray(256))])),
    folderOnly: true,
  },
  ".. in a labelled frame": unsafe(labelled(tar(file("../evil"))), /"\.\."/),
  "a link in one frame and a file through it in the next": unsafe(
    join([labelled(symlink("d", "/tmp")), labelled(tar(file("d/pivot-evil")))]),
  ),
  "one name in two frames": unsafe(join([labelled(file("f")), labelled(tar(file("f")))]), /twice/),
  "a gzip stream that is cut off": corrupt(new Uint8Array(gzipSync(honest)).subarray(0, 30)),
  "a gzip stream with a wrong checksum": corrupt(flip(new Uint8Array(gzipSync(honest)), gzipSync(honest).length - 8)),
  "noise that starts as gzip": corrupt(new Uint8Array([0x1f, 0x8b, 8, 0, ...new Uint8Array(60).fill(7)])),

  "more members than allowed": {
    bytes: tar(file("a"), file("b"), file("c")),
    code: "archive-too-large",
    limits: { entries: 2 },
  },
  "more bytes than allowed": {
    bytes: tar(file("a", "x".repeat(2000))),
    code: "archive-too-large",
    limits: { bytes: 1999 },
  },
  "a gzip bomb of bytes": {
    bytes: new Uint8Array(gzipSync(new Uint8Array(64 * 1024 * 1024))),
    code: "archive-too-large",
    limits: { bytes: 1e6, entries: 10 },
  },
  "a bomb of labels": {
    bytes: join(Array.from({ length: 40 }, () => labelled(member({ name: "x", content: "" }), 32 * 1024 * 1024))),
    code: "corrupt-archive",
    message: /lies/,
  },
};

/** Everything below the folder around the target: nothing may appear beside it. */
function around(path: string): string[] {
  return [...Deno.readDirSync(path)].map((entry) => entry.name);
}

for (const [name, hostile] of Object.entries(HOSTILE)) {
  Deno.test(`${name} is refused and leaves nothing`, async () => {
    using temp = tempFolder();
    await using pool = archivePool();
    const refused = (error: unknown) => {
      assert.ok(error instanceof PivotError, String(error));
      assert.equal(error.code, hostile.code, error.message);
      if (hostile.message !== undefined) assert.match(error.message, hostile.message);
      return true;
    };
    const options = {
      pool,
      ...(hostile.limits === undefined ? {} : { limits: hostile.limits }),
      ...(hostile.foldCase === undefined ? {} : { foldCase: hostile.foldCase }),
    };
    await assert.rejects(
      readArchive(streamOf(hostile.bytes, 1000), { ...options, target: `${temp.path}/out` }),
      refused,
    );
    assert.deepEqual(around(temp.path), []);
    assert.equal(exists("/tmp/pivot-evil"), false);
    if (hostile.folderOnly) return;
    await assert.rejects(
      collect(readAsTar(streamOf(hostile.bytes, 1000), options)),
      (error) => error instanceof PivotError,
    );
  });
}

Deno.test("a bomb by ratio is stopped long before its end", async () => {
  using temp = tempFolder();
  await using pool = archivePool();
  const zeros = new Uint8Array(8 * 1024 * 1024);
  const frame = join([zstd(zeros), skippable(label(zeros.length, true))]);
  const head = member({ name: "f", size: 0o77777777777 });
  const bytes = join([labelled(head), ...Array.from({ length: 1000 }, () => frame)]);
  const work = readArchive(streamOf(bytes), { target: `${temp.path}/out`, pool, limits: { ratio: 100 } });
  await assert.rejects(work, { code: "archive-too-large", message: /100 times/ });
  assert.deepEqual(around(temp.path), []);
});

Deno.test("odd but honest archives are taken: links that lead outside are kept as they are, and nothing follows them", async () => {
  using temp = tempFolder();
  await using pool = archivePool();
  const bytes = tar(
    folder("./"),
    file("./a\\b", "backslash"),
    symlink("python", "/usr/bin/python3"),
    hardlink("python3", "python"),
    file("late/child", "x"),
    folder("late/"),
  );
  await readArchive(streamOf(bytes), { target: `${temp.path}/out`, pool });
  assert.deepEqual(describeTree(`${temp.path}/out`), [
    "a\\b 644 0 9 backslash",
    "late/ 755 0",
    "late/child 644 0 1 x",
    "python -> /usr/bin/python3",
    "python3 -> /usr/bin/python3",
  ]);
});

Deno.test("whatever bytes come, the reader ends with a result or one of its own errors, and touches nothing outside", async () => {
  using temp = tempFolder();
  await using pool = archivePool();
  const base = join([
    labelled(join([file("a/b"), symlink("l", "a"), pax({ path: "é" }), file("x")])),
    labelled(tar(file("c"))),
  ]);
  const edits = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.boolean(), edits, async (plain, changes) => {
      const bytes = plain ? tar(file("a/b"), symlink("l", "a"), file("c")) : base.slice();
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      const target = `${temp.path}/out-${round++}`;
      try {
        await readArchive(streamOf(bytes), { target, pool });
        Deno.removeSync(target, { recursive: true });
      } catch (error) {
        assert.ok(error instanceof PivotError, String(error));
        assert.notEqual(error.kind, "bug", error.message);
      }
      assert.deepEqual(around(temp.path), []);
    }),
    { numRuns: 300 },
  );
});
