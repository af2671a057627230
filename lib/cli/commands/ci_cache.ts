// `pivot ci cache …`: stored volumes.

import { openVolumes } from "../../app/ci_cache.ts";
import { formatBytes, PivotError, plural } from "../../core/mod.ts";
import { parseDuration } from "../../pipeline/mod.ts";
import { renderTable } from "../../report/mod.ts";
import type { StoredVolume, VolumeStore } from "../../volume/mod.ts";
import type { Arguments, CommandContext } from "../main.ts";

type CacheArguments = Extract<Arguments, { readonly command: `ci-cache-${string}` }>;

/** Runs any of the commands. */
export async function ciCacheCommand(options: CacheArguments, context: CommandContext): Promise<number> {
  const { store, prefix } = options;
  await using open = await openVolumes({
    store,
    signal: context.signal,
    ...(prefix === undefined ? {} : { prefix }),
  });
  const { volumes } = open;
  switch (options.command) {
    case "ci-cache-ls":
      return await list(volumes, open.url, { options, context });
    case "ci-cache-stat":
      return await stat(volumes, options, context);
    case "ci-cache-cat":
      for await (const chunk of volumes.cat(options.volume, options.path.replace(/^(\.\/+)+/, ""))) {
        context.terminal.bytes(chunk);
      }
      return 0;
    case "ci-cache-rm":
      return await remove(volumes, options, context);
    case "ci-cache-gc":
      return await collect(volumes, options, context);
    case "ci-cache-verify":
      return await verify(volumes, open.url, { options, context });
  }
}

interface Use {
  readonly options: Exclude<CacheArguments, { readonly command: "ci-cache-cat" }>;
  readonly context: CommandContext;
}

async function list(volumes: VolumeStore, url: string, { options, context }: Use): Promise<number> {
  const { terminal } = context;
  const found = await volumes.list();
  if (options.json) terminal.out(JSON.stringify({ volumes: found }));
  else if (found.length === 0) await noteNothing(volumes, url, { options, context });
  else {
    const head = ["volume", "size", "files", "stored (UTC)", "by", "key"];
    renderTable({ head, rows: found.map(row) }, { width: terminal.width }).forEach(terminal.out);
  }
  return 0;
}

/** Nothing found is seldom what was expected: it may lie below another prefix. */
async function noteNothing(volumes: VolumeStore, url: string, { options, context }: Use): Promise<void> {
  const below = options.prefix === undefined ? "" : ` below "${options.prefix}"`;
  context.terminal.note(`no volumes in ${url}${below}`);
  const others = await volumes.prefixes();
  if (others.length === 0) return;
  context.terminal.note(`  hint: there are some with ${others.map((prefix) => `--prefix ${prefix}`).join(", ")}`);
}

function row({ volume, size, record, key }: StoredVolume): string[] {
  const when = record === undefined ? "-" : new Date(record.createdMs).toISOString().slice(0, 16).replace("T", " ");
  return [
    volume,
    formatBytes(size),
    record === undefined ? "-" : String(record.entries),
    when,
    record?.who ?? "-",
    key,
  ];
}

async function stat(
  volumes: VolumeStore,
  options: Extract<CacheArguments, { readonly command: "ci-cache-stat" }>,
  { terminal }: CommandContext,
): Promise<number> {
  const found = await volumes.stat(options.volume);
  const members = await volumes.members(options.volume);
  if (options.json) {
    terminal.out(JSON.stringify({ ...found, members }));
    return 0;
  }
  const { record } = found;
  const facts: [string, string][] = [
    ["volume", found.volume],
    ["key", found.key],
    ["compression", found.compression],
    ["archive", formatBytes(found.size)],
    ...(record === undefined ? [["record", "none: another program wrote it"] as [string, string]] : [
      ["content", `${plural(record.entries, "member")}, ${formatBytes(record.treeBytes)}`] as [string, string],
      ["sha256", record.sha256] as [string, string],
      ["stored", `${new Date(record.createdMs).toISOString()} by ${record.who}`] as [string, string],
      ["commit", record.commit === "" ? "unknown" : record.commit] as [string, string],
    ]),
  ];
  for (const [name, value] of facts) terminal.out(`${name.padEnd(12)} ${value}`);
  terminal.out("");
  for (const { path, size, kind } of members) {
    terminal.out(`${kind.padEnd(10)} ${formatBytes(size).padStart(9)}  ${path}`);
  }
  return 0;
}

async function remove(
  volumes: VolumeStore,
  options: Extract<CacheArguments, { readonly command: "ci-cache-rm" }>,
  { terminal }: CommandContext,
): Promise<number> {
  const keys = await volumes.remove(options.volume, { dryRun: options.dryRun });
  if (options.json) terminal.out(JSON.stringify({ removed: keys, dryRun: options.dryRun }));
  else for (const key of keys) terminal.out(`${options.dryRun ? "would remove" : "removed"} ${key}`);
  return 0;
}

async function collect(
  volumes: VolumeStore,
  options: Extract<CacheArguments, { readonly command: "ci-cache-gc" }>,
  { terminal }: CommandContext,
): Promise<number> {
  const { dryRun } = options;
  const old = await volumes.gc({ maxAgeMs: ageOf(options.olderThan), nowMs: Date.now(), dryRun });
  if (options.json) terminal.out(JSON.stringify({ removed: old, dryRun }));
  else {
    for (const { key, size } of old) {
      terminal.out(`${dryRun ? "would remove" : "removed"} ${key}  ${formatBytes(size)}`);
    }
    terminal.note(plural(old.length, "volume"));
  }
  return 0;
}

/** A duration that was typed. */
function ageOf(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (!(error instanceof PivotError)) throw error;
    throw new PivotError(`--older-than: ${error.message}`, {
      code: error.code,
      kind: "usage",
      hint: "write 90m, 24h, 7d or 2w",
    });
  }
}

async function verify(volumes: VolumeStore, url: string, { options, context }: Use): Promise<number> {
  const { terminal } = context;
  const verdicts = await Array.fromAsync(volumes.verify());
  const bad = verdicts.filter(({ problem }) => problem !== undefined);
  if (options.json) terminal.out(JSON.stringify({ volumes: verdicts }));
  else {
    for (const { key, problem } of bad) terminal.out(`damaged ${key}: ${problem}`);
    terminal.out(`${plural(verdicts.length, "volume")}, ${bad.length} damaged`);
    if (verdicts.length === 0) await noteNothing(volumes, url, { options, context });
  }
  return bad.length > 0 ? 12 : 0;
}
