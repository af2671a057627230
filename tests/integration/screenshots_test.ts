// Pictures of the README, made from the example: `PIVOT_SCREENSHOTS=.github deno task test tests/integration/screenshots_test.ts`
// remakes them; without it they are made and thrown away.

import assert from "node:assert/strict";
import { chromium, withPage } from "../support/chromium.ts";
import { REPOSITORY, testProject } from "../support/project.ts";
import { testWith } from "../support/require.ts";

const folder = Deno.env.get("PIVOT_SCREENSHOTS");

testWith(chromium, "the example's plots and graph are pictures worth showing", async () => {
  using project = testProject({});
  await project.expect(0, "init", "--example", "weather");
  const root = `${project.root}/weather`;
  const pivot = async (...args: string[]) => {
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", `${REPOSITORY}/cli.ts`, ...args],
      cwd: root,
    });
    const { code, stdout, stderr } = await command.output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  };
  await pivot("run", "--quiet");
  await Deno.writeTextFile(
    `${root}/stages/rain.ts`,
    (await Deno.readTextFile(`${root}/stages/rain.ts`)).replace("#4477aa", "#5588bb"),
  );
  const target = folder === undefined ? project.root : `${REPOSITORY}/${folder}`;
  await Deno.mkdir(target, { recursive: true });
  await withPage(await pivot("plots", "show"), async ({ page, complaints }) => {
    await page.screenshot({ path: `${target}/plots.png` });
    assert.deepEqual(complaints, []);
  }, { width: 1100, height: 640 });
  await withPage(await pivot("dag", "--html"), async ({ page, complaints }) => {
    await page.locator('.stage[data-name="rain"]').click();
    await page.screenshot({ path: `${target}/dag.png` });
    assert.deepEqual(complaints, []);
  }, { width: 1100, height: 560 });
  for (const name of ["plots.png", "dag.png"]) assert.ok((await Deno.stat(`${target}/${name}`)).size > 10_000);
});
