// The local state database, on the real LMDB.

import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import type { Digest, IndexedFile } from "../../../lib/core/mod.ts";
import { type HistoryRecord, newRunId, openState, type OpenStateOptions, type State } from "../../../lib/state/mod.ts";

/** LMDB keeps timers and a thread of its own for a while after close, which the leak sanitizer takes for ours. */
function test(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

const HASH = "00ab00000000cdef" as Digest;

function file(mtimeMs: number): IndexedFile {
  return { hash: HASH, size: 2 ** 40, mtimeMs, ctimeMs: 1_700_000_000_000, inode: 2 ** 33 + 1, racy: false };
}

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const root = Deno.makeTempDirSync({ prefix: "pivot state, " });
  try {
    await act(`${root}/state.lmdb`);
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

async function within(folder: string, act: (state: State) => unknown, options: OpenStateOptions = {}): Promise<void> {
  await using state = await openState(folder, options);
  await act(state);
}

test("a put is seen at once, and by the next process after a commit only", async () => {
  await inFolder(async (folder) => {
    await within(folder, async (state) => {
      state.files.put("a b/ü.txt", file(1.5));
      assert.deepEqual(state.files.get("a b/ü.txt"), file(1.5));
      await state.commit();
      state.files.put("lost", file(1));
      state.files.delete("a b/ü.txt");
    });
    await within(folder, (state) => {
      assert.equal(state.warning, undefined);
      assert.deepEqual(state.files.get("a b/ü.txt"), file(1.5));
      assert.equal(state.files.get("lost"), undefined);
    });
  });
});

test("a put stays visible while its commit is under way", async () => {
  await inFolder((folder) =>
    within(folder, async (state) => {
      state.files.put("a", file(1));
      for (let each = 0; each < 3_000; each++) state.files.put(`file ${each}`, file(1));
      let done = false;
      const commit = state.commit().then(() => done = true);
      for (let turns = 0; !done; turns++) {
        assert.notEqual(state.files.get("a"), undefined, `gone after ${turns} turns`);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await commit;
      assert.notEqual(state.files.get("a"), undefined);
    })
  );
});

test("puts made during a commit go into the next one", async () => {
  await inFolder(async (folder) => {
    await within(folder, async (state) => {
      state.files.put("a", file(1));
      const first = state.commit();
      state.files.put("b", file(2));
      await Promise.all([first, state.commit()]);
    });
    await within(folder, (state) => {
      assert.equal(state.files.get("a")?.mtimeMs, 1);
      assert.equal(state.files.get("b")?.mtimeMs, 2);
    });
  });
});

test("a database of another format is set aside and rebuilt, with a warning", async () => {
  await inFolder(async (folder) => {
    await within(folder, async (state) => {
      state.files.put("a", file(1));
      await state.commit();
    });
    const { open } = await import("lmdb");
    const root = open<Uint8Array, string>({ path: folder, noSubdir: false, encoding: "binary", maxDbs: 16 });
    await root.openDB<Uint8Array, string>({ name: "meta", encoding: "binary" })
      .put("version", new TextEncoder().encode("99"));
    await root.close();
    await within(folder, (state) => {
      assert.match(state.warning ?? "", /format 99/);
      assert.equal(state.files.get("a"), undefined);
    });
    await within(folder, (state) => assert.equal(state.warning, undefined));
    assert.ok(Deno.statSync(`${folder}.old`).isDirectory);
  });
});

test("a database that is no database is set aside and rebuilt, with a warning", async () => {
  await inFolder(async (folder) => {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.writeFileSync(`${folder}/data.mdb`, new Uint8Array(20_000).fill(7));
    await within(folder, async (state) => {
      assert.match(state.warning ?? "", /could not be read/);
      state.files.put("a", file(1));
      await state.commit();
    });
    await within(folder, (state) => assert.equal(state.files.get("a")?.mtimeMs, 1));
  });
});

test("a database whose file was cut short is set aside and rebuilt, with a warning", async () => {
  await inFolder(async (folder) => {
    await within(folder, async (state) => {
      for (let each = 0; each < 500; each++) state.files.put(`file ${each}`, file(1));
      await state.commit();
    });
    Deno.truncateSync(`${folder}/data.mdb`, 8192);
    await within(folder, (state) => {
      assert.match(state.warning ?? "", /cut short/);
      assert.equal(state.files.get("file 1"), undefined);
    });
  });
});

test("two openings see each other's commits", async () => {
  await inFolder(async (folder) => {
    const program = `import { openState } from ${
      JSON.stringify(new URL("../../../lib/state/mod.ts", import.meta.url).href)
    }; await using state = await openState(Deno.args[0]); state.kv("remote").put("k", new Uint8Array([42])); await state.commit();`;
    await within(folder, async (state) => {
      state.kv("remote").put("mine", new Uint8Array([1]));
      await state.commit();
      const script = `${folder}.ts`;
      Deno.writeTextFileSync(script, program);
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", `--config=${new URL("../../../deno.json", import.meta.url).pathname}`, script, folder],
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      assert.deepEqual([...state.kv("remote").get("k") ?? []], [42]);
    });
  });
});

test("after a reboot, hashes of files written shortly before the last commit are forgotten", async () => {
  await inFolder(async (folder) => {
    const noon = 1_800_000_000_000;
    const at = (now: number, bootedAt: number) => ({ now: () => now, uptimeMs: () => now - bootedAt });
    await within(folder, async (state) => {
      state.files.put("old", file(noon - 61_000));
      state.files.put("fresh", file(noon - 59_000));
      await state.commit();
    }, at(noon, noon - 3_600_000));
    await within(
      folder,
      (state) => assert.notEqual(state.files.get("fresh"), undefined),
      at(noon + 9, noon - 3_600_000),
    );
    // Twice: forgetting holds even if the first process after the reboot commits nothing.
    for (let time = 1; time <= 2; time++) {
      await within(folder, (state) => {
        assert.equal(state.files.get("fresh"), undefined);
        assert.notEqual(state.files.get("old"), undefined);
      }, at(noon + 100_000, noon + 50_000));
    }
    await within(folder, async (state) => {
      state.files.put("fresh", file(noon - 59_000));
      await state.commit();
    }, at(noon + 200_000, noon + 50_000));
    await within(folder, (state) => {
      assert.notEqual(state.files.get("fresh"), undefined, "hashed again after the reboot");
    }, at(noon + 300_000, noon + 50_000));
  });
});

test("parsed values are kept for one stamp, and not when it is racy", async () => {
  await inFolder((folder) =>
    within(folder, (state) => {
      const stamp = { size: 1, mtimeMs: 1_000_001, ctimeMs: 0, inode: 5 };
      state.parsed.put("x", { a: [1] }, { stamp, readAtMs: 1_000_500 });
      assert.deepEqual(state.parsed.get("x", stamp), { a: [1] });
      assert.equal(state.parsed.get("x", { ...stamp, inode: 6 }), undefined);
      state.parsed.put("y", 1, { stamp, readAtMs: 1_000_003 });
      assert.equal(state.parsed.get("y", stamp), undefined);
    })
  );
});

test("a key too long for LMDB is not remembered and harms nothing", async () => {
  await inFolder((folder) =>
    within(folder, async (state) => {
      const key = "ü".repeat(3_000);
      state.files.put(key, file(1));
      state.files.delete(key);
      await state.commit();
      assert.equal(state.files.get(key), undefined);
    })
  );
});

test("history lists newest first and prunes the oldest", async () => {
  await inFolder((folder) =>
    within(folder, async (state) => {
      const record = (day: number): HistoryRecord => ({
        id: newRunId(new Date(Date.UTC(2026, 0, day))),
        startedAt: "",
        ms: 1,
        success: true,
        command: ["run"],
        stages: [],
      });
      const records = [2, 3, 1].map(record);
      records.forEach((each) => state.history.put(each));
      await state.commit();
      const newestFirst = [records[1], records[0], records[2]].map((each) => each?.id);
      assert.deepEqual(state.history.ids(), newestFirst);
      assert.equal(state.history.prune(2), 1);
      assert.deepEqual(state.history.ids(), newestFirst.slice(0, 2));
      await state.commit();
      assert.deepEqual(state.history.get(newestFirst[0] ?? ""), records[1]);
      assert.equal(state.history.get("no such run"), undefined);
      assert.equal(state.history.prune(10, new Date(Date.UTC(2026, 0, 3))), 1);
      assert.deepEqual(state.history.ids(), newestFirst.slice(0, 1));
    })
  );
});
