// Ctrl-C twice: the first one lets hooks run, the second one leaves at once, and the next run takes away what was left.

import assert from "node:assert/strict";
import { ciFolder, oneJob, shTask } from "../support/ci.ts";

Deno.test("the second Ctrl-C does not wait for a hook that hangs, and the next run ends what it left", async () => {
  const hanging = shTask("t", "echo up; sleep 600").replace(
    / }$/,
    `, ensure: ${shTask("hook", 'echo $$ > "$ROOT/pid"; echo cleaning; exec sleep 600')} }`,
  );
  using at = ciFolder({ "pipeline.yml": oneJob(hanging), "next.yml": oneJob(shTask("t", "true")) });
  const child = at.start(["run", "pipeline.yml", "--jsonl"]);
  const errors = new Response(child.stderr).text();
  let out = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    for (const word of ["up\\n", "cleaning\\n"]) {
      if (!out.includes(word) && `${out}${text}`.includes(word)) child.kill("SIGINT");
    }
    out += text;
  }
  assert.equal((await child.status).code, 130, `${out}${await errors}`);
  const pid = Number(at.read("pid"));
  const alive = () => new Deno.Command("ps", { args: ["-p", String(pid)], stdout: "null" }).outputSync().code === 0;
  const { err } = await at.expect(0, "run", "next.yml");
  assert.match(err, /^removed 1 leftover of runs that were killed\n/);
  assert.equal(alive(), false);
});
