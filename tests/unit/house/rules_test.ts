// The rules of the house that can be checked: who imports whom, who may touch what, nothing dead, nothing left over.

import assert from "node:assert/strict";

const ROOT = new URL("../../../", import.meta.url);

interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function* filesBelow(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(new URL(folder, ROOT))) {
    const path = `${folder}${entry.name}`;
    if (entry.isDirectory) yield* filesBelow(`${path}/`);
    else if (path.endsWith(".ts")) yield path;
  }
}

function read(path: string): Source {
  const text = Deno.readTextFileSync(new URL(path, ROOT));
  const found = text.matchAll(
    /(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"|new URL\("(\.[^"]+\.ts)", import\.meta\.url\)/g,
  );
  const imports = [...found].map(([, plain, url]) =>
    new URL(plain ?? url ?? "", new URL(path, ROOT)).href.slice(ROOT.href.length)
  );
  return { path, text, imports };
}

const sources = ["lib/", "workers/"].flatMap((folder) => [...filesBelow(folder)]).concat(["mod.ts", "cli.ts"])
  .filter((path) => !path.includes("/template/"))
  .map(read);

/** Rooms by level; a room imports only rooms of lower levels. */
const LEVELS: readonly (readonly string[])[] = [
  ["core"],
  ["sys", "pool", "config"],
  ["state", "cache", "pipeline", "remote/backends", "volume/drivers"],
  ["fingerprint", "remote", "volume"],
  ["engine", "ci", "report", "report/page"],
  ["app"],
  ["cli"],
];

/** config reads files and hashes variables, so it stands on sys. */
const SAME_LEVEL: readonly string[] = ["config > sys"];

function roomOf(path: string): string | undefined {
  const nested = /^lib\/(remote\/backends|volume\/drivers|report\/page)\//.exec(path)?.[1];
  return nested ?? /^lib\/([^/]+)\//.exec(path)?.[1];
}

function levelOf(room: string): number {
  return LEVELS.findIndex((rooms) => rooms.includes(room));
}

Deno.test("rooms import downwards only, and each other only by their doors", () => {
  const wrong: string[] = [];
  for (const { path, imports } of sources) {
    const from = roomOf(path);
    if (from === undefined) continue;
    assert.ok(levelOf(from) >= 0, `room "${from}" is not in the table`);
    for (const target of imports) {
      const to = roomOf(target);
      if (to === undefined || to === from) continue;
      const inside = to.startsWith(`${from}/`) || from.startsWith(`${to}/`);
      const door = inside || /\/mod\.ts$/.test(target) || from === "cli" && to === "app" ||
        from === "app" && to === "app";
      if (!door) wrong.push(`${path} goes past the door of ${to}: ${target}`);
      const allowed = levelOf(to) < levelOf(from) || SAME_LEVEL.includes(`${from} > ${to}`) ||
        from.startsWith(`${to}/`);
      if (!allowed) wrong.push(`${path} imports ${to}, which is not below ${from}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("only cli and the stage process print; only config reads the environment; only sys renames, links and syncs", () => {
  const rules: readonly [pattern: RegExp, allowed: RegExp, what: string][] = [
    [/\bconsole\.\w+\(/, /^(lib\/cli\/|workers\/stage\.ts)/, "prints"],
    [/\bDeno\.env\b/, /^(lib\/config\/|lib\/remote\/backends\/)/, "reads the environment"],
    [/\bDeno\.exit\b/, /^(lib\/cli\/|cli\.ts|workers\/(stage|describe)\.ts)/, "exits"],
    [
      /\bDeno\.(rename|link|symlink)(Sync)?\(|\.sync(Data)?(Sync)?\(\)/,
      /^lib\/sys\//,
      "renames, links or syncs",
    ],
  ];
  const wrong = sources.flatMap(({ path, text }) => {
    const code = text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, "").replace(
      /"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`/g,
      '""',
    );
    return rules.filter(([pattern, allowed]) => pattern.test(code) && !allowed.test(path)).map(([, , what]) =>
      `${path} ${what}`
    );
  });
  assert.deepEqual(wrong, []);
});

Deno.test("every file is reached from an export, a command or a worker", () => {
  const config = JSON.parse(Deno.readTextFileSync(new URL("deno.json", ROOT)));
  const bySource = new Map(sources.map((source) => [source.path, source]));
  const pending = [
    ...Object.values(config.exports as Record<string, string>).map((path) => path.replace("./", "")),
    "lib/cli/demo.ts",
  ];
  pending.push(...sources.filter(({ path }) => path.startsWith("workers/")).map(({ path }) => path));
  const reached = new Set<string>();
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    pending.push(...bySource.get(path)?.imports ?? []);
  }
  assert.deepEqual(sources.map(({ path }) => path).filter((path) => !reached.has(path)), []);
});

Deno.test("every file opens with what it is for, and none is longer than 400 lines", () => {
  const wrong = sources.flatMap(({ path, text }) => {
    const opens = /^(\/\/|\/\*\*)/.test(text);
    const lines = text.split("\n").length;
    return [
      ...(opens ? [] : [`${path} opens without a comment`]),
      ...(lines > 400 ? [`${path} has ${lines} lines`] : []),
    ];
  });
  assert.deepEqual(wrong, []);
});

Deno.test("the top level holds what was agreed and nothing else", () => {
  const allowed = new Set([
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "deno.json",
    "deno.lock",
    "mod.ts",
    "cli.ts",
    "lib",
    "workers",
    "tests",
    "bench",
  ]);
  const { stdout } = new Deno.Command("git", { args: ["ls-tree", "--name-only", "HEAD"], cwd: ROOT }).outputSync();
  const names = new TextDecoder().decode(stdout).trim().split("\n").filter((name) =>
    name !== "" && !name.startsWith(".")
  );
  assert.deepEqual(names.filter((name) => !allowed.has(name)), []);
});
