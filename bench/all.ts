// Every benchmark, one after the other, each in a process of its own: `deno task bench`, or with `--small` as a quick check that they work.

const FILES = ["noop.ts", "hash.ts", "fingerprint.ts", "parser_choice.ts", "reports.ts"];

for (const file of FILES) {
  console.log(`\n# ${file}`);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL(file, import.meta.url).href, ...Deno.args],
    stdout: "inherit",
    stderr: "inherit",
  }).spawn().status;
  if (code !== 0) Deno.exit(code);
}
