import assert from "node:assert/strict";
import fc from "fast-check";
import type { TarEntry } from "../../../lib/volume/mod.ts";
import { encodeHeader } from "../../../lib/volume/archive/tar_encode.ts";
import { SEGMENT_BYTES } from "../../../lib/volume/archive/segment_builder.ts";
import { planFrames } from "../../../lib/volume/archive/plan.ts";
import { TarParser } from "../../../lib/volume/archive/tar_parser.ts";
import { hasProgram, tempFolder } from "./helpers.ts";

function roundTrip(entry: TarEntry): TarEntry | undefined {
  let seen: TarEntry | undefined;
  new TarParser({ onEntry: (each) => void (seen = each), onData: () => {} }).push(encodeHeader(entry));
  return seen;
}

const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((text) => !/[\/\0]/.test(text) && text !== "." && text !== ".." && text.isWellFormed());
const path = fc.array(segment, { minLength: 1, maxLength: 12 }).map((parts) => parts.join("/"));
const base = fc.record({
  path,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  mtime: fc.record({
    seconds: fc.integer({ min: -(2 ** 33), max: 2 ** 35 }),
    nanos: fc.integer({ min: 0, max: 999_999_999 }),
  }),
});

Deno.test("any member's header comes back as it was written: names, sizes over 8 GiB, nanoseconds before and after 1970", () => {
  const file = fc.tuple(base, fc.integer({ min: 0, max: 2 ** 45 }))
    .map(([entry, size]): TarEntry => ({ ...entry, kind: "file", size, target: "" }));
  const folder = base.map((entry): TarEntry => ({ ...entry, kind: "directory", size: 0, target: "" }));
  const link = fc.tuple(base, path).map(([entry, target]): TarEntry => ({
    ...entry,
    kind: "symlink",
    size: 0,
    target,
  }));
  fc.assert(
    fc.property(
      fc.oneof(file, folder, link),
      (entry) => assert.deepEqual(roundTrip(entry), { ...entry, mtime: { ...entry.mtime } }),
    ),
  );
});

Deno.test({
  name: "GNU tar and bsdtar read a size over 8 GiB as we write it",
  ignore: !hasProgram("bsdtar"), // needs the program
  fn() {
    using temp = tempFolder();
    const size = 9 * 1024 ** 3 + 5;
    const header = encodeHeader({
      path: "huge",
      kind: "file",
      mode: 0o644,
      size,
      mtime: { seconds: 1, nanos: 5 },
      target: "",
    });
    Deno.writeFileSync(`${temp.path}/a.tar`, header);
    // The content is a hole: nothing of it is stored on disk.
    Deno.truncateSync(`${temp.path}/a.tar`, header.length + Math.ceil(size / 512) * 512 + 1024);
    for (const program of ["tar", "bsdtar"]) {
      const { stdout } = new Deno.Command(program, { args: ["-tvf", `${temp.path}/a.tar`] }).outputSync();
      assert.match(new TextDecoder().decode(stdout), new RegExp(`\\b${size}\\b.*huge`));
    }
  },
});

Deno.test("a plan covers every byte of every file once, in order", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 3 * SEGMENT_BYTES }), { maxLength: 30 });
  fc.assert(fc.property(sizes, (list) => {
    const entries = list.map((size, at): TarEntry => ({
      path: `f${at}`,
      kind: "file",
      mode: 0,
      size,
      mtime: { seconds: 0, nanos: 0 },
      target: "",
    }));
    const covered = new Map<string, number>();
    for (const frame of planFrames(entries)) {
      for (const [at, entry] of frame.entries.entries()) {
        const last = at === frame.entries.length - 1;
        covered.set(entry.path, last && frame.lastLength !== undefined ? frame.lastLength : entry.size);
      }
      if (frame.piece === undefined) continue;
      assert.equal(frame.piece.offset, covered.get(frame.piece.entry.path));
      covered.set(frame.piece.entry.path, frame.piece.offset + frame.piece.length);
    }
    assert.deepEqual([...covered], entries.map((entry) => [entry.path, entry.size]));
  }));
});
