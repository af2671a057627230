// Runs the type checker over the compile-error files: an expected error that is gone fails.

import assert from "node:assert/strict";

Deno.test("wrong declarations are compile errors and right ones are not", async () => {
  const file = new URL("./stage_types.ts", import.meta.url).pathname;
  const command = new Deno.Command(Deno.execPath(), { args: ["check", "--quiet", file], env: { NO_COLOR: "1" } });
  const { code, stderr } = await command.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
});
