// Secrets in output, however it is cut into chunks.

import fc from "fast-check";
import assert from "node:assert/strict";
import { createRedactor } from "../../../lib/ci/mod.ts";

function redact(text: string, secrets: readonly string[], size: number): string {
  const redactor = createRedactor(secrets);
  const bytes = new TextEncoder().encode(text);
  let shown = "";
  for (let at = 0; at < bytes.length; at += size) shown += redactor.push(bytes.subarray(at, at + size));
  return shown + redactor.end();
}

Deno.test("where the chunks end makes no difference, and no secret is left", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "é", "\n"), maxLength: 30 });
  const secrets = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "é"), minLength: 1, maxLength: 4 }), {
    maxLength: 3,
  });
  fc.assert(fc.property(letters, secrets, fc.integer({ min: 1, max: 7 }), (text, hidden, size) => {
    const whole = redact(text, hidden, 1_000);
    assert.equal(redact(text, hidden, size), whole);
    for (const secret of hidden) assert.ok(!whole.includes(secret));
  }));
});

Deno.test("the longest secret goes as a whole; what only begins like one is shown at the end", () => {
  assert.equal(redact("key-long key ke", ["key", "key-long", ""], 1), "*** *** ke");
});
