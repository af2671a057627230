// What must not be shown is not, however a task or a message spells it.

import assert from "node:assert/strict";
import { ciFolder, oneJob, shTask } from "../support/ci.ts";

const PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END PRIVATE KEY-----\n";
const ENV = { WORD: ' pa"ss/wörd 42 ', PEM, DEPLOY_TOKEN: "tok-1234567" };
const LEAK = /pa"ss|pa\\"ss|pa%22ss|wörd|MIIEvQ|kqhkiG|PRIVATE KEY|tok-1234567/;

const OUTPUTS = [[], ["--json"], ["--jsonl"], ["--quiet"]] as const;

async function shown(steps: readonly string[], code: number): Promise<string> {
  using at = ciFolder({ "pipeline.yml": oneJob(...steps) }, ENV);
  let all = "";
  for (const more of OUTPUTS) {
    const { out, err } = await at.expect(
      code,
      "run",
      "pipeline.yml",
      "--secret-env",
      "WORD",
      "--secret-env",
      "PEM",
      ...more,
    );
    if (more[0]?.startsWith("--json")) { for (const line of out.trim().split("\n")) JSON.parse(line); }
    all += out + err;
  }
  return all;
}

Deno.test("a secret of several lines is hidden as a whole and line by line, with either line end", async () => {
  const text = await shown([
    shTask("whole", 'printf "%s" "$PEM"; echo "$PEM" | tail -n 2; echo "$PEM" | sed "s/$/\\r/"; echo after'),
  ], 0);
  assert.doesNotMatch(text, LEAK);
  assert.match(text, /whole \| after/);
});

Deno.test("a secret is hidden byte by byte, trimmed, in JSON and in a URL, on both streams", async () => {
  const script =
    'for i in $(seq 1 ${#DEPLOY_TOKEN}); do printf "%s" "$(printf "%s" "$DEPLOY_TOKEN" | cut -c$i)"; sleep 0.01; done; echo; ' +
    'echo $WORD >&2; printf "%s\n" \'{"word":" pa\\"ss/wörd 42 "}\'; echo "https://me:pa%22ss%2Fw%C3%B6rd%2042@host/"; echo kept';
  const text = await shown([shTask("t", script)], 0);
  assert.doesNotMatch(text, LEAK);
  assert.match(text, /t \| \*\*\*\n/);
  assert.match(text, /https:\/\/me:\*\*\*@host/);
  assert.match(text, /t \| kept/);
});

Deno.test("a secret is hidden in names of tasks, in findings, and where a task cannot be run", async () => {
  const errored = "{ task: deploy-((WORD)), config: { platform: linux, run: { path: '/opt/((WORD))/bin' } } }";
  const text = await shown([errored], 14);
  assert.doesNotMatch(text, LEAK);
  assert.match(text, /there is no program .*\*\*\*/);
  const invalid =
    "{ task: ((PEM)), timeout: ((WORD)), config: { platform: linux, inputs: [{ name: ((PEM)) }], run: { path: x } } }";
  const findings = await shown([invalid], 3);
  assert.doesNotMatch(findings, LEAK);
  assert.match(findings, /is not a duration/);
});
